"""Scripts run in this process, which has TensorFlow loaded already."""

from collections.abc import Callable, Iterator
import contextlib
import importlib.util
import pathlib
import sys
import time
import types

from absl import flags


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
