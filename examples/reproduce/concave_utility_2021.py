"""Reproduces Geist et al. 2021, Concave Utility RL: the Mean-Field Game Viewpoint.

    python examples/reproduce/concave_utility_2021.py --fast
    python examples/reproduce/concave_utility_2021.py

Maximises five concave utilities of a crowd's occupancy of four rooms by fictitious
play, Frank-Wolfe with several steps and mirror descent, draws how utility and
exploitability go and where the crowds are, and checks the paper's claims. The exit
status is 2 if a claim fails.
"""

from __future__ import annotations

from cu2021_experiments import FAST, FULL
from cu2021_report import study
import reproduction

if __name__ == "__main__":
    reproduction.main(study, FULL, FAST)
