"""The journal of a tuning: Optuna's, but that every line knows the line before it.

A line that was lost, changed or written by another process in between would otherwise
be a study of other trials, without a word.
"""

from __future__ import annotations

from collections.abc import Sequence
import hashlib
import json
import os
import pathlib

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

_AFTER = "after"  # what a line calls the digest of the line before it


class _ChainedFile(JournalFileBackend):
    """Adds the digests as lines are written."""

    def __init__(self, path: pathlib.Path):
        super().__init__(str(path))
        self._path = path

    def append_logs(self, logs: Sequence[dict]) -> None:
        for log in logs:
            last = self._path.read_bytes().splitlines(keepends=True)[-1:]
            super().append_logs([{**log, _AFTER: _digest(b"".join(last))}])


def open_storage(path: pathlib.Path) -> JournalStorage:
    """The journal at a path, which may not exist yet.

    A line that was being written when its process was killed is removed.

    Raises:
      ValueError: the file is no journal, or not all of it.
    """
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    if lines and not lines[-1].endswith(b"\n"):
        os.truncate(path, sum(map(len, lines[:-1])))
        del lines[-1]
    before = b""
    for number, line in enumerate(lines, start=1):
        if _digest(before) != _after(line):
            raise ValueError(
                f"`{path}` is no whole journal: line {number} does not follow the one "
                "before. Restore the file, or choose another directory or --force."
            )
        before = line
    return JournalStorage(_ChainedFile(path))


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()[:16]


def _after(line: bytes) -> str | None:
    try:
        return json.loads(line)[_AFTER]
    except (ValueError, TypeError, KeyError):
        return None
