"""Pages of results: what was found, and the command and the versions that made it."""

from __future__ import annotations

from collections.abc import Sequence
import pathlib
import shlex
import sys
import time

from algorithms import files, record


def write(output: pathlib.Path, parts: Sequence[str]) -> None:
    """Writes README.md beside the results.

    Args:
      output: their directory.
      parts: of the page, in Markdown; its origin comes last.
    """
    machine = record.of_machine()
    versions = {"python": machine["python"], **machine["versions"]}
    made_with = ", ".join(f"{name} {version}" for name, version in versions.items())
    origin = [
        f"```sh\n{shlex.join(['python', *sys.argv])}\n```",
        f"{time.process_time():.0f} s of processor time; {made_with}.",
    ]
    text = "\n\n".join([*parts, *origin]) + "\n"
    files.write_text(output / "README.md", text)
