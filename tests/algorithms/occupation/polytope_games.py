"""Small games for the solvers over the polytope of flows."""

import numpy as np

from mfg_games.choice import Choice
from mfg_games.registration import register


@register("mfg_test_circle")
class Circle(Choice):
    """Rock, paper, scissors with payoffs +-1, and 1/2 more for rock.

    The payoffs are skew but for the bonus, so that the game is monotone, but not
    strictly, and has no potential. With b = 1/2, equal payoffs at the equilibrium give
    (1/3, 1/3 + b/3, 1/3 - b/3) for rock, paper and scissors.
    """

    BONUS = 0.5
    EQUILIBRIUM = (1 / 3, 1 / 3 + BONUS / 3, 1 / 3 - BONUS / 3)

    def __init__(self):
        payoffs = np.zeros((4, 4))
        payoffs[1:, 1:] = [[0, -1, 1], [1, 0, -1], [-1, 1, 0]]
        payoffs[1] += self.BONUS
        super().__init__(("rock", "paper", "scissors"), payoffs, horizon=2)


@register("mfg_test_meeting")
class Meeting(Choice):
    """Two places, each worth the share that meets there, and the second one twice that.

    There are three equilibria: all meet in the one, all in the other, or 2/3 are in the
    first place and 1/3 in the second.
    """

    def __init__(self):
        super().__init__(("first", "second"), np.diag([0.0, 1.0, 2.0]), horizon=2)
