"""The kinds of inputs, by name."""

from collections.abc import Mapping
import importlib
import types

KINDS: Mapping[str, str] = types.MappingProxyType(
    {
        "games": "game_strings",
        "options": "solver_options",
        "flags": "script_flags",
        "files": "damaged_files",
        "values": "nash_convs",
        "kills": "kills",
    }
)


def load(name: str) -> types.ModuleType:
    """A kind's module, which may import TensorFlow."""
    return importlib.import_module(f".{KINDS[name]}", __package__)
