"""How the runs of `deep_2022` end, exact and deep."""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import pathlib

from deep2022_experiments import Key, Scale
from deep_jobs import restored
import experiments
from experiments import Solved, total_variation
import numpy as np

from algorithms import catalogue
from algorithms.job import Job


@dataclasses.dataclass(frozen=True)
class Ending:
    """How a run ends.

    Attributes:
      solved: the run, with the crowd of its last policy.
      movement: total variation between the flows of the last policy and of the one
        after another iteration, mean over times and populations.
    """

    solved: Solved
    movement: float


Curves = Mapping[Key, Solved]  # without crowds
Endings = Mapping[tuple[str, str], Ending]  # game and solver, deep or exact


def endings(
    jobs: Mapping[Key, Job], curves: Curves, root: pathlib.Path, shown: tuple[str, ...]
) -> Endings:
    """How the first seed's runs end, read from their checkpoints.

    Args:
      jobs: finished ones.
      curves: theirs.
      root: where their directories are.
      shown: labels of the solvers that are wanted.
    """
    found = {}
    for (game, label, seed), job in jobs.items():
        if label in shown and (game, label) not in found:
            print(f"{game}, {label}, seed {seed}: the crowd at the end")
            solver = restored(job, root)
            found[game, label] = _ending(solver, curves[game, label, seed])
    return found


def solve_exactly(scale: Scale) -> Endings:
    """Solves every game by the exact solvers."""
    found = {}
    for each in scale.environments:
        for label, (name, options) in each.exact.items():
            game = catalogue.load_game(each.game)
            solver = catalogue.solver_class(name).make(game, **options)
            solved = experiments.run_solver(each.name, label, solver, scale.iterations)
            found[each.name, label] = _ending(solver, solved)
    return found


def _ending(solver, solved: Solved) -> Ending:
    before = _crowd(solver)
    solver.iteration()
    moved = np.mean(
        [
            total_variation(*layers).mean()
            for layers in zip(before, _crowd(solver), strict=True)
        ]
    )
    return Ending(dataclasses.replace(solved, layers=before), float(moved))


def _crowd(solver) -> list[np.ndarray]:
    """The flow of a game without common noise, T + 1 arrays [1, N, S]."""
    from algorithms.pictures import layers_of

    return layers_of(solver.model, solver.flow)
