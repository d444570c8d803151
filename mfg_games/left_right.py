"""Left or right (Cui & Koeppl 2021; MFGLib).

The smallest static game of congestion: two options, the second of which gets worse
twice as fast.
"""

from __future__ import annotations

import numpy as np

from mfg_games.choice import Choice
from mfg_games.registration import register


@register("mfg_left_right")
class LeftRight(Choice):
    """Left or right.

    States are start, left and right; everybody begins at the start, and an action
    leads to its state from everywhere. The reward is 0 at the start and

        r(left) = -mu(left),    r(right) = -2 mu(right).

    The only equilibrium choice is (2, 1) / 3, where both options are worth -2 / 3. The
    game is monotone.

    Args:
      horizon: number of decision times; MFGLib's T, always 1 there, is one less. With
        2, which is the static game, everybody chooses at t = 0 and is paid at t = 1.
    """

    def __init__(self, horizon: int = 2):
        super().__init__(("left", "right"), np.diag([0.0, -1.0, -2.0]), horizon)
