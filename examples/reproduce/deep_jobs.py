"""Runs deep solvers as jobs, and reads what they have left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
import csv
import dataclasses
import pathlib
import sys
from typing import Any

from absl import flags
from experiments import Solved
import numpy as np

from algorithms import catalogue, directory
from algorithms.job import FAILED, Job, prepare_all

sys.path.append(str(pathlib.Path(__file__).parents[1]))

import processes


def with_flags(study: Callable, directory: str) -> Callable:
    """Defines the flags of a script that runs jobs.

    Args:
      study: takes a scale, which says how many jobs go on `side_by_side`, a seed, and
        the directory of the jobs.
      directory: where the jobs are, unless the flag says otherwise.

    Returns:
      The study with the flags, which takes scale and seed.
    """
    script = {"module_name": sys.argv[0]}
    flags.DEFINE_integer(
        "jobs", 2, "Runs at a time, each with one thread.", lower_bound=1, **script
    )
    flags.DEFINE_string(
        "jobs_dir",
        directory,
        "Where the runs of the deep solvers are; finished ones are not done again.",
        **script,
    )

    def with_these(scale, seed: int):
        scale = dataclasses.replace(scale, side_by_side=flags.FLAGS.jobs)
        root = pathlib.Path(flags.FLAGS.jobs_dir).resolve() / scale.name
        return study(scale, seed, root)

    return with_these


def do_all(jobs: Mapping[Any, Job], root: pathlib.Path, side_by_side: int) -> float:
    """Does the jobs that are not finished, each with one thread.

    Args:
      jobs: what to do, in this order.
      root: where their directories are.
      side_by_side: how many at a time.

    Returns:
      The seconds that those which were finished took, as many at a time.

    Raises:
      RuntimeError: some failed.
      ValueError: another process is in the directory.
      Interrupted: by a signal; finished ones are kept, the others go on next time.
    """
    finished = [job.record(root) for job in jobs.values() if job.is_finished(root)]
    earlier = sum(record["iterating_seconds"] for record in finished) / side_by_side
    todo = [job for job in jobs.values() if not job.is_finished(root)]
    seconds = sum(job.stopping.get("seconds") or 0 for job in todo) / side_by_side
    least = f", at least {seconds / 60:.1f} minutes" if seconds else ""
    print(
        f"{len(jobs)} runs of deep solvers, {len(jobs) - len(todo)} of them finished "
        f"before; {side_by_side} at a time{least}."
    )
    if not todo:
        return earlier
    with directory.locked(root):
        prepare_all(todo, root)
        records = processes.do_all(todo, root, num_jobs=side_by_side, threads=1)
    failed = [record for record in records if record["status"] == FAILED]
    if failed:
        raise RuntimeError(
            f"{len(failed)} of {len(todo)} runs in {root} failed, one of them with: "
            f"{failed[0]['error']} The same command tries them again."
        )
    return earlier


def read(jobs: Mapping[Any, Job], root: pathlib.Path) -> dict[Any, Solved]:
    """The curves of finished runs, without crowds."""
    found, dynamics = {}, {}
    for key, job in jobs.items():
        if job.game not in dynamics:
            game = catalogue.load_game(job.game)  # none in continuous space has any
            dynamics[job.game] = getattr(game, "dynamics", None)
        path = root / job.name / "exploitability.csv"
        with open(path, encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        columns = (
            np.array([float(row[name]) for row in rows])
            for name in ("exploitability", "seconds")
        )
        found[key] = Solved(dynamics[job.game], *columns, layers=[])
    return found


def restored(job: Job, root: pathlib.Path):
    """The solver of a finished job, as it ended."""
    import tensorflow as tf

    from algorithms import checkpoint

    # It warns of functions that are traced again, which those of new solvers are.
    tf.get_logger().setLevel("ERROR")
    solver_class = catalogue.solver_class(job.algorithm)
    solver = solver_class.make(catalogue.load_game(job.game), **job.given)
    checkpoint.load(root / job.name / "checkpoint.npz", solver)
    return solver
