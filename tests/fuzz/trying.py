"""Tries inputs one by one, within limits of time and memory, and counts outcomes."""

from collections.abc import Callable, Iterator
import contextlib
import dataclasses
import os
import pathlib
import resource
import signal
import traceback
import types

import numpy as np

from mfg_games import sizes

GIGABYTE = 2**30
# A machine may be busy with something else: times are those of the processor. What
# waits for ever takes none.
_WAITING = 30


class WrongError(Exception):
    """What an input gave is wrong, as said in the message."""


class HangError(BaseException):
    """An input took too long; no handler of errors must catch it."""


@dataclasses.dataclass
class Counts:
    """How many inputs there were, and what came of them."""

    tried: int = 0
    refused: int = 0
    wrong: int = 0
    tracebacks: int = 0
    hangs: int = 0

    @property
    def failed(self) -> int:
        """How many were neither answered rightly nor refused."""
        return self.wrong + self.tracebacks + self.hangs

    @classmethod
    def header(cls) -> str:
        """The names of the columns."""
        names = [field.name for field in dataclasses.fields(cls)]
        return f"{'kind':<10}" + "".join(f"{name:>12}" for name in names)

    def row(self, kind: str) -> str:
        """The numbers below the names."""
        return f"{kind:<10}" + "".join(
            f"{value:>12}" for value in dataclasses.astuple(self)
        )


def try_all(
    kind: types.ModuleType, count: int, seed: int, say: Callable[[str], None] = print
) -> Counts:
    """Tries so many inputs of a kind.

    Args:
      kind: a module as in `kinds`.
      count: how many inputs.
      seed: of all of them; each has a generator of its own.
      say: is told the input and the trouble of each failure.
    """
    counts = Counts()
    for case in range(count):
        drawn = kind.draw(np.random.default_rng([seed, case]))
        counts.tried += 1
        outcome, trouble = _outcome(kind, drawn)
        if outcome:
            setattr(counts, outcome, getattr(counts, outcome) + 1)
        if trouble:
            name = kind.__name__.rpartition(".")[2]
            say(f"{name} seed={seed} case={case}: {drawn!r}\n  {outcome}: {trouble}")
    return counts


def _outcome(kind: types.ModuleType, drawn: object) -> tuple[str, str]:
    """The column that an input counts in, and what went wrong."""
    try:
        with _limited(kind.SECONDS), _quiet():
            refused = kind.attempt(drawn)
    except WrongError as error:
        return "wrong", str(error)
    except HangError as error:
        return "hangs", f"more than {error} seconds"
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        at = f"{pathlib.Path(where.filename).name}:{where.lineno}"
        return "tracebacks", f"{at}: {type(error).__name__}: {error}"
    return "refused" if refused else "", ""


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raises a `HangError` after so many seconds of the processor, or much waiting."""

    def hang(*_) -> None:
        raise HangError(seconds)

    before = [(name, signal.signal(name, hang)) for name in _TIMERS]
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds * _WAITING)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for name, handler in before:
            signal.signal(name, handler)


_TIMERS = (signal.SIGPROF, signal.SIGALRM)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without standard error, where OpenSpiel and TensorFlow repeat what they raise."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextlib.contextmanager
def little_memory(said: int, more: int = GIGABYTE) -> Iterator[None]:
    """A small machine.

    Args:
      said: the bytes of its memory that sizes are compared with.
      more: whoever allocates so many more than now gets a `MemoryError`.
    """
    known, sizes.memory = sizes.memory, lambda: said
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
    limits = resource.getrlimit(resource.RLIMIT_AS)
    allowed = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (allowed, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
        sizes.memory = known


def require_refusal(error: Exception, *names: str) -> None:
    """Requires an error to be one line that has one of the names in it."""
    text = str(error)
    if len(text.splitlines()) != 1:
        raise WrongError(f"not one line: {text!r}")
    if names and not any(name in text for name in names):
        raise WrongError(f"names none of {names}: {text}")
