"""Reproduces Perrin et al. 2021, Mean Field Games Flock! (flocking).

    python examples/reproduce/flocking_2021.py --fast
    python examples/reproduce/flocking_2021.py

Birds with positions and velocities in a plane or in space learn to fly together:
without and with a fading influence of others, in groups, around obstacles and columns;
and the linear-quadratic game, whose equilibrium is known. Draws the birds at several
times, the variance of their velocities and approximate exploitability against
iterations, leaves an animation of each game, and checks the paper's claims. Every run
is a process's job with a checkpoint: the same command goes on where it was stopped, and
does not do finished runs again. The exit status is 2 if a claim fails.
"""

from __future__ import annotations

import deep_jobs
from fl2021_experiments import FAST, FULL
from fl2021_report import study
import reproduction

if __name__ == "__main__":
    study = deep_jobs.with_flags(study, "runs/flocking_2021_jobs")
    reproduction.main(study, FULL, FAST)
