"""Reproduces Perrin et al. 2020, Fictitious Play for Mean Field Games.

    python examples/reproduce/fictitious_play_2020.py --fast
    python examples/reproduce/fictitious_play_2020.py

Solves the linear-quadratic game, the beach bar and both with common noise by fictitious
play, with exact best responses (model-based) and with ones learnt by tabular Q-learning
(model-free), draws the paper's figures and checks its claims. The exit status is 2 if
a claim fails.

A finer grid and a smaller time step approach the continuous linear-quadratic game. The
game's grid has spacing 1, so a grid s times as fine is the same game in units s times
as small: lengths, volatility and actions are multiplied by s, rewards thus by s^2, and
dt is divided by s.
"""

from __future__ import annotations

from fp2020_experiments import FAST, FULL
from fp2020_report import study
import reproduction

if __name__ == "__main__":
    reproduction.main(study, FULL, FAST)
