"""Checkpoints of solvers."""

from __future__ import annotations

from collections.abc import Sequence
import pathlib

import numpy as np

from algorithms import array_file
from algorithms.history import Record, from_arrays, to_arrays
from algorithms.solver import Solver, State

_STATE, _BEST = "state/", "best/"
_REQUIRED = (
    "identity",
    "history",
    "metrics",
    "num_iterations",
    "nodes",
    "legal_actions",
)


def save(
    path: str | pathlib.Path,
    solver: Solver,
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
        **array_file.node_arrays(solver.model),
        **to_arrays(history),
        identity=array_file.identity_array(_identity(solver)),
        num_iterations=np.array(solver.num_iterations),
    )


def load(path: str | pathlib.Path, solver: Solver) -> tuple[State, list[Record]]:
    """Puts a solver where a checkpoint was written.

    Returns:
      The state of the best iterate, and the history.

    Raises:
      ValueError: the file is no checkpoint, or of another game, solver or parameters.
    """
    arrays = array_file.read(path, *_REQUIRED)
    found, expected = array_file.read_identity(arrays), _identity(solver)
    if found != expected:
        raise ValueError(
            f"`{path}` is a checkpoint of {found}, not of {expected}. Remove it or "
            "choose another file."
        )
    model = solver.model
    rows = array_file.rows_in(model, arrays)
    state, best = (_in_rows(_part(arrays, p), rows, solver) for p in (_STATE, _BEST))
    solver.restore(state, int(arrays["num_iterations"]))
    best = {name: model.as_tensor(array) for name, array in best.items()}
    return best, from_arrays(arrays)


def _in_rows(
    state: dict[str, np.ndarray], rows: np.ndarray | None, solver: Solver
) -> dict[str, np.ndarray]:
    """A saved state in the rows that its nodes have in the solver's model."""
    if rows is None:
        return state
    placed = {name: np.array(array) for name, array in solver.fresh_state().items()}
    for name, array in state.items():
        if name not in placed:
            placed[name] = array  # of the solver's variables, which have no nodes
        elif array.ndim:
            placed[name][rows[: len(array)]] = array
        else:
            placed[name][...] = array
    return placed


def _identity(solver: Solver) -> dict:
    return {
        **array_file.game_identity(solver.game),
        "solver": type(solver).__name__,
        "solver_parameters": solver.parameters,
    }


def _part(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
