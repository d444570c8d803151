"""Scripts run in this process, which has TensorFlow loaded already."""

from collections.abc import Callable, Iterator
import contextlib
import importlib.util
import os
import pathlib
import sys
import time
import types

from absl import flags

from algorithms import interruption


@contextlib.contextmanager
def loaded(path: pathlib.Path) -> Iterator[types.ModuleType]:
    """A script as a module whose flags are the only ones, and forgotten afterwards."""
    known = flags.FLAGS._flags()
    before = dict(known)
    for name in before:
        if not flags.FLAGS.find_module_defining_flag(name).startswith("absl"):
            del known[name]
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        known.clear()
        known.update(before)


def call(module: types.ModuleType, *arguments: str) -> None:
    """What a command line with these arguments does."""
    module.main(flags.FLAGS([module.__file__, *arguments]))


def wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Returns when a condition holds; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def interrupt(number: int) -> None:
    """Sends this process a signal and waits until it is heard."""
    os.kill(os.getpid(), number)
    wait_for(interruption.received)


def interrupted(step: Callable, after: int, number: int) -> Callable:
    """A solver's `iteration` in which a signal comes.

    Args:
      step: the class's own.
      after: the iteration that the signal comes at the end of.
      number: of the signal.
    """

    def iteration(solver):
        step(solver)
        if solver.num_iterations == after:
            interrupt(number)

    return iteration
