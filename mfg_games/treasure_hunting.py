"""Conservative treasure hunting (Guo, Hu & Zhang 2022; MFGLib 0.3.0).

Every hunter names the next place to dig. Digging again where one stands pays, the more
so the more all others do the same; the less they do, the less a hunter's plan decides
where they end up.
"""

from __future__ import annotations

import numpy as np

from mfg_games import parameters, sizes
from mfg_games.dynamics import Dynamics
from mfg_games.registration import register


@register("mfg_treasure_hunting")
class TreasureHunting(Dynamics):
    """Conservative treasure hunting.

    States are places, and so are actions: where to dig next. With L(s, a) the joint law
    of state and action, its distance from everybody digging on in s is

        d(s) = sum over (s', a') of (L(s', a') - 1{s' = a' = s})^2.

    At t = 0 a player moves to a and is paid nothing. At t >= 1 the player moves to a
    with probability (1 + c d(s)) / (1 + n c d(s)) and to each other place with
    c d(s) / (1 + n c d(s)), where n = num_states and c = conservatism, and

        r(s, a) = treasure 1{a = s} (1 - d(s) / 2).

    The distribution starts uniform. The peer lets the treasure differ from place to
    place and c from time to time; they are constants by default there, always here.

    Args:
      num_states: number of places.
      horizon: number of decision times; one more than the peer's T.
      treasure: reward of digging on where everybody else does so.
      conservatism: how much the others' digging elsewhere thwarts a player's plan.
    """

    joint_law = True
    factor_names = ("place",)

    def __init__(
        self,
        num_states: int = 3,
        horizon: int = 6,
        treasure: float = 1.0,
        conservatism: float = 1.0,
    ):
        parameters.at_least("num_states", num_states, 1)
        parameters.at_least("horizon", horizon, 1)
        parameters.finite("treasure", treasure)
        parameters.at_least("conservatism", conservatism, 0)
        n = num_states
        sizes.require(horizon, n, n, entries=3 * horizon)
        self.horizon = horizon
        self.num_actions = n
        self.state_shape = (n,)
        self.initial_distribution = np.full((1, n), 1 / n)
        self._successors = np.broadcast_to(np.arange(n, dtype=np.int32), (n, n, n))
        started = np.arange(horizon) > 0
        self._treasure = treasure * started
        self._conservatism = conservatism * started
        self.reward_range = (min(treasure, 0.0), max(treasure, 0.0))  # 0 <= d <= 2

    def transition(self, xp, t, mu, z):
        pull = xp.take(self._conservatism, t) * self._distance(xp, mu)[:, None, None]
        wanted = np.eye(self.num_states)  # [A, S']
        law = (wanted + pull) / (1.0 + self.num_states * pull)
        return self._successors, law[None]

    def reward(self, xp, t, mu, z):
        digging = xp.take(self._treasure, t) * (1.0 - self._distance(xp, mu) / 2)
        return (digging[:, None] * np.eye(self.num_states))[None]

    def _distance(self, xp, mu):
        """d(s), [S], with the square opened up: |L|^2 - 2 L(s, s) + 1."""
        law = mu[0]
        distance = xp.sum(law**2) - 2 * xp.diagonal(law) + 1.0
        return xp.maximum(distance, 0.0)  # rounding may leave -1e-16
