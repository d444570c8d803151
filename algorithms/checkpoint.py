"""Checkpoints of solvers."""

from __future__ import annotations

from collections.abc import Sequence
import pathlib

import numpy as np

from algorithms import array_file, files
from algorithms.history import Record, from_arrays, to_arrays
from algorithms.solver import IterativeSolver, State

_STATE, _BEST = "state/", "best/"
_REQUIRED = {"identity": "U0", "history": "f2", "metrics": "U1", "num_iterations": "i0"}


def save(
    path: str | pathlib.Path,
    solver: IterativeSolver,
    best_state: State,
    history: Sequence[Record],
) -> None:
    """Writes what a run needs to go on.

    Args:
      path: the file; it is replaced at once or not at all.
      solver: the solver.
      best_state: the state of its best iterate.
      history: the run's records.
    """
    arrays = {_STATE + name: array.numpy() for name, array in solver.state.items()}
    arrays |= {_BEST + name: array.numpy() for name, array in best_state.items()}
    array_file.write(
        path,
        **arrays,
        **solver.node_arrays(),
        **to_arrays(history),
        identity=array_file.identity_array(_identity(solver)),
        num_iterations=np.array(solver.num_iterations),
    )


def load(
    path: str | pathlib.Path, solver: IterativeSolver
) -> tuple[State, list[Record]]:
    """Puts a solver where a checkpoint was written.

    Returns:
      The state of the best iterate, and the history.

    Raises:
      ValueError: the file is missing, damaged, no checkpoint, or of another game,
        solver or parameters.
    """
    nodes = array_file.NODES if solver.node_arrays() else {}
    arrays = array_file.read(path, **_REQUIRED, **nodes)
    found, expected = array_file.read_identity(path, arrays), _identity(solver)
    if found != expected:
        raise ValueError(
            f"`{path}` is a checkpoint of {found}, not of {expected}. Remove it or "
            "choose another file."
        )
    with files.naming(path):
        history = from_arrays(arrays)
        if not history:
            raise ValueError("Its history is empty.")
        best, _ = (_restored(solver, arrays, part) for part in (_BEST, _STATE))
        return best, history


def _restored(
    solver: IterativeSolver, arrays: dict[str, np.ndarray], part: str
) -> State:
    """The state of the solver when it is put where a part of the arrays was taken."""
    state = solver.in_own_rows(_part(arrays, part), arrays)
    solver.restore(state, int(arrays["num_iterations"]))
    return solver.state


def _identity(solver: IterativeSolver) -> dict:
    return {
        **solver.game_identity,
        "solver": type(solver).__name__,
        "solver_parameters": solver.parameters,
    }


def _part(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
