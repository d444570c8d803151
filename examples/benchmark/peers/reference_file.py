"""Reference numbers as JSON: who made them, then one game a line."""

from __future__ import annotations

import importlib.metadata
import json
import pathlib
import platform
import shlex
import sys


def write(path: pathlib.Path, packages: list[str], entries: list[dict]) -> None:
    """Writes entries with the command and the versions of `packages` above them."""
    head = {
        "command": shlex.join(["python", *sys.argv]),
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in packages},
    }
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    text = json.dumps(head)[:-1] + f', "games": [\n{lines}\n]}}\n'
    path.write_text(text, "utf-8")
