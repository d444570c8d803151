"""Games solved by several algorithms, with all that figures and claims need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
import contextlib
import dataclasses
import pathlib

import numpy as np
import pyspiel

from algorithms import catalogue, files
from algorithms.history import Record
from algorithms.interruption import Interrupted
from mfg_games.dynamics import Dynamics

# Label -> name in `algorithms.catalogue.SOLVERS`, arguments of the constructor.
Algorithms = Mapping[str, tuple[str, Mapping]]


@dataclasses.dataclass(frozen=True)
class Solved:
    """What a solver has found.

    Attributes:
      dynamics: the game.
      exploitability: [iterations + 1].
      seconds: [iterations + 1], since the run began.
      layers: T + 1 arrays [histories, N, S], the last policy's flow given the history.
    """

    dynamics: Dynamics
    exploitability: np.ndarray
    seconds: np.ndarray
    layers: list[np.ndarray]

    def path(self, history: int = 0, population: int = 0) -> np.ndarray:
        """The flow on the way to a history at the horizon, [T + 1, S]."""
        path = ancestors(self.dynamics, history)
        return np.stack(
            [layer[h, population] for layer, h in zip(self.layers, path, strict=True)]
        )


Runs = dict[tuple[str, str], Solved]  # by game and algorithm
_until_now: Runs = {}  # what the study that goes on has solved, without flows


def solve(
    name: str, game: pyspiel.Game | str, algorithms: Algorithms, iterations: int
) -> Runs:
    """Solves a game by each algorithm.

    Args:
      name: of the game in the runs.
      game: a game of this package, or its string.
      algorithms: what to run.
      iterations: of each.
    """
    runs = {}
    for label, (solver, arguments) in algorithms.items():
        solver = catalogue.solver_class(solver)(game, **arguments)
        runs[name, label] = run_solver(name, label, solver, iterations)
    return runs


def run_solver(
    name: str, label: str, solver, iterations: int, callbacks: Sequence[Callable] = ()
) -> Solved:
    """Runs a solver of a game of this package, showing its progress.

    Args:
      name: of the game.
      label: of the solver.
      solver: a fresh solver.
      iterations: how many.
      callbacks: called with the solver and each new record.
    """
    from algorithms.pictures import layers_of
    from algorithms.run import run

    print(f"{name}, {label}")
    d = solver.game.dynamics
    try:
        history = run(solver, iterations, callbacks=callbacks).history
    except Interrupted as end:
        _until_now[name, label] = _curve(d, end.result.history)
        raise
    _until_now[name, label] = _curve(d, history)
    layers = [
        layer / d.history_probabilities(t)[:, None, None]
        for t, layer in enumerate(layers_of(solver.model, solver.flow))
    ]
    return dataclasses.replace(_curve(d, history), layers=layers)


def _curve(dynamics: Dynamics, history: Sequence[Record]) -> Solved:
    """A run without its flow."""
    columns = (
        np.array([getattr(record, name) for record in history])
        for name in ("exploitability", "seconds")
    )
    return Solved(dynamics, *columns, layers=[])


@contextlib.contextmanager
def kept(path: pathlib.Path) -> Iterator[None]:
    """Writes the curves of all runs until then if a signal ends the study within.

    Args:
      path: of the table, see `save_exploitability`.
    """
    _until_now.clear()
    try:
        yield
    except KeyboardInterrupt:
        if _until_now:
            save_exploitability(_until_now, path)
            print(f"{path} has the runs until now.")
        raise
    finally:
        _until_now.clear()


def of_game(runs: Runs, name: str) -> dict[str, Solved]:
    """The runs on one game, by algorithm."""
    return {label: solved for (game, label), solved in runs.items() if game == name}


def ancestors(d: Dynamics, history: int) -> list[int]:
    """The histories at times 0..T on the way to one at the horizon."""
    path = [history]
    for t in reversed(range(d.horizon)):
        path.append(path[-1] // d.num_common_outcomes(t))
    return path[::-1]


def save_exploitability(runs: Runs, path: pathlib.Path) -> None:
    """Writes all curves as CSV, one row an iteration."""
    rows = (
        [*names, k, float(value), f"{seconds:.3f}"]
        for names, solved in runs.items()
        for k, (value, seconds) in enumerate(
            zip(solved.exploitability, solved.seconds, strict=True)
        )
    )
    columns = ["game", "algorithm", "iteration", "exploitability", "seconds"]
    files.write_csv(path, columns, rows)


def total_variation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Total variation distances of distributions along the last axis."""
    return np.abs(first - second).sum(axis=-1) / 2


def slope(curve: np.ndarray, first: int) -> float:
    """Least-squares slope in log-log against j = k + 1, from iteration k.

    Args:
      curve: [iterations + 1], positive.
      first: the first iteration k that counts.
    """
    j = np.arange(1, len(curve) + 1)
    return np.polyfit(np.log(j[first:]), np.log(curve[first:]), 1)[0]
