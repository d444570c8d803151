"""Checkpoints of solvers."""

from __future__ import annotations

from collections.abc import Sequence
import json
import pathlib
import sys

import numpy as np
import tqdm

from algorithms import array_file, files, record
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
    arrays = {_STATE + name: np.asarray(a) for name, a in solver.state.items()}
    arrays |= {_BEST + name: np.asarray(a) for name, a in best_state.items()}
    array_file.write(
        path,
        **arrays,
        **solver.node_arrays(),
        **to_arrays(history),
        identity=array_file.identity_array(_identity(solver)),
        versions=array_file.identity_array(dict(record.versions())),
        num_iterations=np.array(solver.num_iterations),
    )


def load(
    path: str | pathlib.Path, solver: IterativeSolver
) -> tuple[State, list[Record]]:
    """Puts a solver where a checkpoint was written.

    A line on standard error says so if that was under other versions of the packages.

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
        theirs, ours = record.differences(found, expected)
        raise ValueError(
            f"`{path}` is a checkpoint of a run of {theirs}, this one has {ours}. "
            "Remove it or choose another file."
        )
    _say_if_versions_differ(path, arrays)
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
    found = _part(arrays, part)
    for name, array in found.items():
        if array.dtype.kind == "f" and np.isnan(array).any():
            raise ValueError(f"`{part}{name}` holds NaN.")
    state = solver.in_own_rows(found, arrays)
    solver.restore(state, int(arrays["num_iterations"]))
    return solver.state


def _identity(solver: IterativeSolver) -> dict:
    return {
        **solver.game_identity,
        "solver": type(solver).__name__,
        "solver_parameters": solver.parameters,
    }


def _say_if_versions_differ(
    path: str | pathlib.Path, arrays: dict[str, np.ndarray]
) -> None:
    """Prints a line: the numbers to come need not be those of an unbroken run."""
    held, own = json.loads(str(arrays.get("versions", "{}"))), dict(record.versions())
    if held != own:
        then, now = record.differences(held, own)
        line = f"`{path}` goes on under {now}, but was written under {then}."
        tqdm.tqdm.write(line, file=sys.stderr)


def _part(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
