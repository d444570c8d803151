"""Small games whose correlated equilibria are known."""

import numpy as np

from mfg_games.choice import Choice
from mfg_games.registration import register


@register("mfg_test_two_sides")
class TwoSides(Choice):
    """Two sides: with the share x on the right, right pays d(x) more than left.

    With d(x) = x - 1/2 and c(x) = 64 x (1 - x) (1 - 2 x)^2 / 3, left pays c(x) and
    right c(x) + d(x). Equilibria are at x = 0, 1/2 and 1, where c is 0: their welfare
    is 0, 0 and 1/2. At x = 1/4 and 3/4, c is 1.
    """

    def __init__(self):
        super().__init__(("left", "right"), np.zeros((3, 3)), horizon=2)
        self.reward_range = (-1.0, 3.0)

    def reward(self, xp, t, mu, z):
        x = mu[:, 2]
        common = 64 / 3 * x * (1 - x) * (1 - 2 * x) ** 2
        return xp.stack([0 * x, common, common + x - 0.5], axis=1)[..., None]
