"""Rock, paper, scissors (Cui & Koeppl 2021; Laurière et al. 2022, survey; MFGLib).

Shapley's (1964) version of the static game, on which classical fictitious play does
not converge.
"""

from __future__ import annotations

import numpy as np

from mfg_games.choice import Choice
from mfg_games.registration import register

_OPTIONS = ("rock", "paper", "scissors")
_PAYOFFS = np.array(
    [
        [0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, -1.0, 2.0],
        [0.0, 4.0, 0.0, -2.0],
        [0.0, -3.0, 6.0, 0.0],
    ]
)


@register("mfg_rock_paper_scissors")
class RockPaperScissors(Choice):
    """Rock, paper, scissors.

    States are start, rock, paper and scissors; everybody begins at the start, and an
    action leads to its state from everywhere. The reward is 0 at the start and

        r(rock)     = 2 mu(scissors) -   mu(paper)
        r(paper)    = 4 mu(rock)     - 2 mu(scissors)
        r(scissors) = 6 mu(paper)    - 3 mu(rock).

    The only equilibrium choice is (26, 20, 31) / 77, where each option is worth 6 / 11.
    The game is not monotone, neither with these signs nor reversed.

    Args:
      horizon: number of decision times; MFGLib's T is one less. With 2, which is the
        static game, everybody chooses at t = 0 and is paid at t = 1.
      reverse: whether all rewards change their sign, so that best responses go round
        the other way.
    """

    def __init__(self, horizon: int = 2, reverse: bool = False):
        super().__init__(_OPTIONS, -_PAYOFFS if reverse else _PAYOFFS, horizon)
