"""Reproduces Laurière et al. 2022, Scalable Deep RL Algorithms for Mean Field Games.

    python examples/reproduce/deep_2022.py --fast
    python examples/reproduce/deep_2022.py

Solves the paper's five games (epidemic, linear-quadratic, exploration of four rooms,
congestion in a maze, chasing populations) by deep Munchausen mirror descent,
average-network fictitious play and the deep baselines, several seeds each, and by the
exact solvers; draws exploitability and crowds, and checks the paper's claims and, on
four rooms, this project's targets. Every run of a deep solver is a process's job of its
own, with a checkpoint: the same command goes on where it was stopped, and does not do
finished runs again. Without --fast it takes more than an hour on two cores. The exit
status is 2 if a claim fails.
"""

from __future__ import annotations

import dataclasses
import pathlib

from absl import flags
from deep2022_experiments import FAST, FULL, Scale
import deep2022_report
import reproduction

FLAGS = flags.FLAGS
flags.DEFINE_integer("jobs", 2, "Runs at a time, each with one thread.", lower_bound=1)
flags.DEFINE_string(
    "jobs_dir",
    "runs/deep_2022_jobs",
    "Where the runs of the deep solvers are; finished ones are not done again.",
)


def study(scale: Scale, seed: int) -> reproduction.Findings:
    """The study, with the flags of this script."""
    scale = dataclasses.replace(scale, side_by_side=FLAGS.jobs)
    root = pathlib.Path(FLAGS.jobs_dir).resolve() / scale.name
    return deep2022_report.study(scale, seed, root)


if __name__ == "__main__":
    reproduction.main(study, FULL, FAST)
