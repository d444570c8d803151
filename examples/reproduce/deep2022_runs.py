"""Runs the deep solvers of `deep_2022` as jobs, and reads what they have left."""

from __future__ import annotations

from collections.abc import Mapping
import csv
import dataclasses
import pathlib
import sys

from deep2022_experiments import Key, Scale
import experiments
from experiments import Solved, total_variation
import numpy as np

from algorithms import catalogue
from algorithms.job import FAILED, Job

sys.path.append(str(pathlib.Path(__file__).parents[1]))

import processes


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


def do_all(jobs: Mapping[Key, Job], root: pathlib.Path, side_by_side: int) -> None:
    """Does the jobs that are not finished, each with one thread.

    Args:
      jobs: what to do, in this order.
      root: where their directories are.
      side_by_side: how many at a time.

    Raises:
      RuntimeError: some failed.
    """
    todo = [job for job in jobs.values() if not job.is_finished(root)]
    seconds = sum(job.stopping["seconds"] or 0 for job in todo) / side_by_side
    least = f", at least {seconds / 60:.1f} minutes" if seconds else ""
    print(
        f"{len(jobs)} runs of deep solvers, {len(jobs) - len(todo)} of them finished "
        f"before; {side_by_side} at a time{least}."
    )
    for job in todo:
        job.prepare(root)
    if not todo:
        return
    records = processes.do_all(todo, root, num_jobs=side_by_side, threads=1)
    failed = [record for record in records if record["status"] == FAILED]
    if failed:
        raise RuntimeError(
            f"{len(failed)} of {len(todo)} runs in {root} failed, one of them with: "
            f"{failed[0]['error']} The same command tries them again."
        )


def read(jobs: Mapping[Key, Job], root: pathlib.Path) -> Curves:
    """The curves of finished runs."""
    found, dynamics = {}, {}
    for key, job in jobs.items():
        if job.game not in dynamics:
            dynamics[job.game] = catalogue.load_game(job.game).dynamics
        path = root / job.name / "exploitability.csv"
        with open(path, encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        columns = (
            np.array([float(row[name]) for row in rows])
            for name in ("exploitability", "seconds")
        )
        found[key] = Solved(dynamics[job.game], *columns, layers=[])
    return found


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
    import tensorflow as tf

    from algorithms import checkpoint

    # It warns of functions that are traced again, which those of new solvers are.
    tf.get_logger().setLevel("ERROR")
    found = {}
    for (game, label, seed), job in jobs.items():
        if label in shown and (game, label) not in found:
            print(f"{game}, {label}, seed {seed}: the crowd at the end")
            solver_class = catalogue.solver_class(job.algorithm)
            solver = solver_class.make(catalogue.load_game(job.game), **job.given)
            checkpoint.load(root / job.name / "checkpoint.npz", solver)
            found[game, label] = _ending(solver, curves[game, label, seed])
    return found


def solve_exactly(scale: Scale) -> Endings:
    """Solves every game by the exact solvers."""
    found = {}
    for each in scale.environments:
        for label, (name, options) in each.exact.items():
            print(f"{each.name}, {label}")
            game = catalogue.load_game(each.game)
            solver = catalogue.solver_class(name).make(game, **options)
            solved = experiments.run_solver(solver, scale.iterations)
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
