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

from deep2022_experiments import FAST, FULL
from deep2022_report import study
import deep_jobs
import reproduction

if __name__ == "__main__":
    study = deep_jobs.with_flags(study, "runs/deep_2022_jobs")
    reproduction.main(study, FULL, FAST)
