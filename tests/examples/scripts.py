"""Scripts run in this process, which has TensorFlow loaded already."""

from collections.abc import Iterator
import contextlib
import importlib.util
import pathlib
import sys
import types

from absl import flags


@contextlib.contextmanager
def loaded(path: pathlib.Path) -> Iterator[types.ModuleType]:
    """A script as a module; its flags are forgotten afterwards, others define them."""
    known = set(flags.FLAGS)
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        for name in set(flags.FLAGS) - known:
            delattr(flags.FLAGS, name)


def call(module: types.ModuleType, *arguments: str) -> None:
    """What a command line with these arguments does."""
    module.main(flags.FLAGS([module.__file__, *arguments]))
