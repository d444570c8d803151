"""Files that appear whole or not at all, whatever kills the process that writes them.

All that the project writes is written here, but logs, which grow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
import contextlib
import csv
import glob
import itertools
import json
import os
import pathlib

PARTIAL = ".partial-"  # how the names of unfinished files begin
_numbers = itertools.count()


@contextlib.contextmanager
def replacing(path: str | pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a name to write to; the file takes the place of `path` at the end.

    The name is beside `path`, used this once, and has its ending. If anything goes
    wrong, the file of that name is removed, and `path` is as it was.

    Raises:
      OSError: the file cannot be written; it names `path`.
    """
    path = pathlib.Path(path)
    unique = f"{os.getpid()}-{next(_numbers)}{path.suffix}"
    own = path.with_name(f"{PARTIAL}{path.name}-{unique}")
    try:
        yield own
        _flush(own)
        os.replace(own, path)
        _flush(path.parent)
    except OSError as error:
        if error.errno is None:  # not the system's, and in words of its own
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        with contextlib.suppress(OSError):
            own.unlink(missing_ok=True)


def remove_partial(path: str | pathlib.Path) -> None:
    """Removes what killed processes have left of a file that nobody else writes."""
    path = pathlib.Path(path)
    for left in path.parent.glob(f"{PARTIAL}{glob.escape(path.name)}-*"):
        left.unlink(missing_ok=True)


@contextlib.contextmanager
def naming(path: str | pathlib.Path) -> Iterator[None]:
    """Names a file in a ValueError about what it holds."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"`{path}` is of no use: {error}") from error


def _flush(path: pathlib.Path) -> None:
    """Has the disk hold a file or the names of a directory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: str | pathlib.Path, text: str) -> None:
    """Writes text as UTF-8; raises as `replacing` does."""
    with replacing(path) as own:
        own.write_text(text, "utf-8", newline="")


def write_json(path: str | pathlib.Path, values: object) -> None:
    """Writes values as JSON, those that it has no form for as text.

    Raises as `replacing` does.
    """
    text = json.dumps(values, indent=2, default=str, ensure_ascii=False)
    write_text(path, text + "\n")


def write_csv(
    path: str | pathlib.Path, columns: Sequence[str], rows: Iterable[Iterable]
) -> None:
    """Writes a table under its header; raises as `replacing` does."""
    with (
        replacing(path) as own,
        open(own, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def write_table(path: str | pathlib.Path, rows: Sequence[Mapping]) -> None:
    """Writes rows that have the same columns; raises as `replacing` does."""
    columns = list(rows[0])
    write_csv(path, columns, ([row[name] for name in columns] for row in rows))
