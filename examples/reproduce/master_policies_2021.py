"""Reproduces Perrin et al. 2021, Generalization in Mean Field Games by Master Policies.

    python examples/reproduce/master_policies_2021.py --fast
    python examples/reproduce/master_policies_2021.py

Learns one policy for many initial distributions of a crowd that explores a line, a
plane and four rooms, and of the beach bar in two dimensions: by master mirror descent
and master fictitious play, whose networks see where everybody is; and the paper's
baselines: unconditioned, mixture-reward and specialised policies. Evaluates all of them
exactly from laws that none but the specialised ones have learnt, draws the matrix of
exploitabilities, curves and crowds, and checks the paper's claims. Every run is a
process's job with a checkpoint: the same command goes on where it was stopped, and does
not do finished runs again. Without --fast it takes about an hour on two cores. The exit
status is 2 if a claim fails.
"""

from __future__ import annotations

import dataclasses
import pathlib

from absl import flags
from mp2021_experiments import FAST, FULL, Scale
import mp2021_report
import reproduction

FLAGS = flags.FLAGS
flags.DEFINE_integer("jobs", 2, "Runs at a time, each with one thread.", lower_bound=1)
flags.DEFINE_string(
    "jobs_dir",
    "runs/master_policies_2021_jobs",
    "Where the runs are; finished ones are not done again.",
)


def study(scale: Scale, seed: int) -> reproduction.Findings:
    """The study, with the flags of this script."""
    scale = dataclasses.replace(scale, side_by_side=FLAGS.jobs)
    root = pathlib.Path(FLAGS.jobs_dir).resolve() / scale.name
    return mp2021_report.study(scale, seed, root)


if __name__ == "__main__":
    reproduction.main(study, FULL, FAST)
