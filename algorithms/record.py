"""What a run was made of and what it found, as plain values for JSON."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a record is also read where TensorFlow is not loaded
    from algorithms.run import Result

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
        "reason": result.reason,
        "iterating_seconds": round(last.seconds, 3),
    }


def of_machine() -> dict:
    """The machine's cores and the versions of Python and of the packages."""
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
    }
