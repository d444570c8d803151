"""Reproduces Perolat et al. 2021, Scaling up MFGs with Online Mirror Descent.

    python examples/reproduce/online_mirror_descent_2021.py --fast
    python examples/reproduce/online_mirror_descent_2021.py
    python examples/reproduce/online_mirror_descent_2021.py --million

Solves the paper's games, Garnets, the evacuation of a building, crowd motion with a
moving target (common noise) and chasing populations on squares and tori, by fictitious
play, damped fictitious play and mirror descent at several rates, draws the crowds and
checks the paper's claims. Then it measures the speed of mirror descent on games of
growing size. The paper's largest game does not fit into an ordinary machine: that claim
is reported as failed, and the exit status is 2, as whenever a claim fails.
"""

from __future__ import annotations

import dataclasses

from absl import flags
from omd2021_experiments import FAST, FULL, Scale
import omd2021_report
import reproduction

FLAGS = flags.FLAGS
flags.DEFINE_bool(
    "million", False, "Also ten iterations on a million cells: 20 minutes, 8 GB."
)


def study(scale: Scale, seed: int) -> reproduction.Findings:
    """The study, with the largest building if it is asked for."""
    extra = 10 if FLAGS.million else 0
    scale = dataclasses.replace(scale, iterations_of_million=extra)
    return omd2021_report.study(scale, seed)


if __name__ == "__main__":
    reproduction.main(study, FULL, FAST)
