"""What a run was made of and what it found, as plain values for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
import functools
import importlib.metadata
import json
import os
import pathlib
import platform
import types
from typing import TYPE_CHECKING

import pyspiel

if TYPE_CHECKING:  # a record is also read where TensorFlow is not loaded
    from algorithms.run import Result

UNFINISHED, FINISHED, FAILED = "unfinished", "finished", "failed"
INTERRUPTED = "interrupted"

_DECISIVE = ("game", "algorithm", "solver")
_PACKAGES = ("open_spiel", "numpy", "scipy", "tensorflow", "keras", "mfg-games")


def of_result(result: Result) -> dict:
    """The game, the solver's parameters and how far it came."""
    solver, last = result.solver, result.history[-1]
    return {
        "game": str(solver.game),
        "game_parameters": solver.game_identity["parameters"],
        "parameters": solver.parameters,
        "iterations": last.iteration,
        "exploitability": last.exploitability,
        "best_exploitability": result.best.exploitability,
        "best_iteration": result.best.iteration,
        "resolution": solver.resolution,
        "reason": result.reason,
        "iterating_seconds": round(last.seconds, 3),
    }


def of_machine() -> dict:
    """The machine's cores and the versions of Python and of the packages."""
    packages = dict(versions())
    python = packages.pop("python")
    return {"cores": os.cpu_count(), "python": python, "versions": packages}


@functools.cache
def versions() -> Mapping[str, str]:
    """The versions of Python and of the packages that numbers depend on."""
    packages = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return types.MappingProxyType({"python": platform.python_version(), **packages})


def is_finished(made: Mapping) -> bool:
    """Whether a record is that of a run that came to its end."""
    return bool(made) and made.get("status", FINISHED) == FINISHED


def read(path: pathlib.Path) -> dict:
    """A record that was written; empty if there is no file.

    Raises:
      ValueError: the file is no record.
    """
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ValueError(f"`{path}` is no record of a run: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"`{path}` is no record of a run: it holds {found!r:.40}")
    return found


def differences(first: Mapping, second: Mapping) -> tuple[str, str]:
    """What two nested settings do not share, as `name=value, ...` of each.

    Runs of different games or solvers are told apart by these alone.
    """
    sides = dict(_leaves(first)), dict(_leaves(second))
    paths = [
        path
        for path in sides[1] | sides[0]
        if (path in sides[0], sides[0].get(path))
        != (path in sides[1], sides[1].get(path))
    ]
    paths = [path for path in paths if path[-1] in _DECISIVE] or paths
    return tuple(
        ", ".join(
            f"{path[-1]}={side[path]}" if path in side else f"no {path[-1]}"
            for path in paths
        )
        for side in sides
    )


def _leaves(values: Mapping, path: tuple = ()) -> Iterator[tuple[tuple, object]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, name))
        elif name == "game" and str(value).endswith(")"):
            given = dict(pyspiel.game_parameters_from_string(value))
            yield (*path, name), given.pop("name")
            yield from _leaves(given, (*path, name))
        else:
            yield (*path, name), value
