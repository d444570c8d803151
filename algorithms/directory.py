"""Directories of results: each belongs to one run, and to one process at a time.

What a directory is of stands in its `run.json` from the beginning, with a status. A
lock keeps other processes out; it dies with the process that has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
import contextlib
import fcntl
import json
import os
import pathlib

from algorithms import files, record
from algorithms.record import FAILED, FINISHED, INTERRUPTED, UNFINISHED

RECORD, CHECKPOINT, LOCK = "run.json", "checkpoint.npz", ".lock"
# What a run leaves that others read: none must be taken for that of another run.
RESULTS = (CHECKPOINT, "exploitability.csv", "log.csv", "policy.npz")
_CHOOSE = "use --force or another --output_dir"


@contextlib.contextmanager
def locked(path: pathlib.Path) -> Iterator[None]:
    """Makes a directory and keeps other processes out of it.

    Args:
      path: the directory. Files that a killed process has left half written are
        removed from it.

    Raises:
      OSError: it cannot be made or written to.
      ValueError: another process is in it.
    """
    path.mkdir(parents=True, exist_ok=True)
    descriptor = _lock(path / LOCK)
    try:
        for left in path.glob(files.PARTIAL + "*"):
            left.unlink()
        yield
    finally:
        with contextlib.suppress(OSError):
            (path / LOCK).unlink()
        os.close(descriptor)


def _lock(path: pathlib.Path) -> int:
    """The descriptor of a file that this process alone has locked."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(descriptor, 20).decode()
            os.close(descriptor)
            raise ValueError(
                f"`{path.parent}` is in use by process {owner}: wait for it, or use "
                "another directory."
            ) from None
        with contextlib.suppress(FileNotFoundError):
            # Else whoever had it has removed the file since it was opened.
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                os.truncate(descriptor, 0)
                with contextlib.suppress(OSError):  # a full disk, which can be locked
                    os.write(descriptor, str(os.getpid()).encode())
                return descriptor
        os.close(descriptor)


@contextlib.contextmanager
def claimed(
    path: pathlib.Path,
    of: Mapping,
    force: bool = False,
    resume: bool = False,
    results: Sequence[str] = RESULTS,
) -> Iterator[None]:
    """Keeps a directory for one run, whose status `run.json` says.

    One that has left nothing but that leaves nothing.

    Args:
      path: the directory, which is made if need be.
      of: what is run, as values for JSON by name.
      force: whether the results of another run may be replaced.
      resume: whether the run is to go on from its checkpoint.
      results: files that no other run must have left there.

    Raises:
      OSError: the directory cannot be made or written to.
      ValueError: another process is in it, or it holds another run; or none to resume.
    """
    if force and resume:
        raise ValueError("Give one of --resume and --force.")
    of = json.loads(json.dumps(of, default=str))
    new = not path.exists()
    try:
        with locked(path):
            earlier = _resumed(path, of) if resume else {}
            if force:
                clear(path, results)
            elif not resume:
                _require_free(path, of, results)
            files.write_json(path / RECORD, earlier | {"status": UNFINISHED} | of)
            with _saying_how_it_ends(path / RECORD, of):
                yield
    finally:
        if new:
            with contextlib.suppress(OSError):  # as a rule it is not empty
                path.rmdir()


def clear(path: pathlib.Path, results: Sequence[str] = RESULTS) -> None:
    """Removes results of an earlier run."""
    for name in results:
        (path / name).unlink(missing_ok=True)


def _resumed(path: pathlib.Path, of: Mapping) -> dict:
    """What is known of the run that goes on."""
    if not (path / CHECKPOINT).exists():
        raise ValueError(f"`{path}` holds no run to resume: leave out --resume.")
    try:
        held = record.read(path / RECORD)
    except ValueError:
        return {}  # the checkpoint knows what it is of
    if held:
        _require_same(path, held, of)
    return held


def _require_free(path: pathlib.Path, of: Mapping, results: Sequence[str]) -> None:
    """Raises a ValueError if there is something that must not be overwritten.

    That is everything of another run, and what this one has finished or can go on with.
    """
    held = record.read(path / RECORD)
    begun = [name for name in results if (path / name).exists()]
    done = record.is_finished(held)
    if done or (held and set(contents(path)) - {RECORD}):
        _require_same(path, held, of)
    if held and CHECKPOINT in begun:
        raise ValueError(
            f"`{path}` holds this run already: use --resume to go on with it, --force "
            "to run it anew, or another --output_dir."
        )
    if done or (begun and not held):
        what = "this run already" if held else f"{begun[0]} of another run"
        raise ValueError(f"`{path}` holds {what}: {_CHOOSE}.")
    clear(path, results)


def _require_same(path: pathlib.Path, held: Mapping, of: Mapping) -> None:
    theirs = {name: held[name] for name in of if name in held}
    if theirs != of:
        theirs, ours = record.differences(theirs, of)
        raise ValueError(
            f"`{path}` holds a run of {theirs}, this one has {ours}: {_CHOOSE}."
        )


@contextlib.contextmanager
def _saying_how_it_ends(path: pathlib.Path, of: Mapping) -> Iterator[None]:
    """Adds the final status, unless it is there, and what the run is of."""
    try:
        yield
    except BaseException as error:
        with contextlib.suppress(OSError):  # which may be what has happened
            if set(os.listdir(path.parent)) <= {RECORD, LOCK}:
                path.unlink()
            elif isinstance(error, KeyboardInterrupt):
                _end(path, of, INTERRUPTED)
            else:
                _end(path, of, FAILED, error=f"{type(error).__name__}: {error}")
        raise
    _end(path, of, FINISHED)


def _end(path: pathlib.Path, of: Mapping, status: str, **outcome) -> None:
    said = record.read(path)
    if said.get("status", UNFINISHED) == UNFINISHED:
        files.write_json(path, said | of | {"status": status} | outcome)


def contents(path: pathlib.Path) -> list[str]:
    """The names of what a directory holds."""
    return sorted(entry.name for entry in path.iterdir() if entry.name != LOCK)
