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

import deep_jobs
from mp2021_experiments import FAST, FULL
from mp2021_report import study
import reproduction

if __name__ == "__main__":
    study = deep_jobs.with_flags(study, "runs/master_policies_2021_jobs")
    reproduction.main(study, FULL, FAST)
