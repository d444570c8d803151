"""Reproduces Laurière et al. 2022, Learning in Mean Field Games: A Survey.

    python examples/reproduce/survey_2022.py --fast
    python examples/reproduce/survey_2022.py

Solves the survey's benchmark, exploration of four rooms, by its seven algorithms, draws
its two figures and checks its claims; then shows the same algorithms on static,
stationary and evolutive games whose equilibria are known otherwise. Without --fast also
at the noise levels that the authors' notebook has commented out. The exit status is 2
if a claim fails.
"""

from __future__ import annotations

import reproduction
from survey2022_experiments import FAST, FULL
from survey2022_report import study

if __name__ == "__main__":
    reproduction.main(study, FULL, FAST)
