"""Chains: what the one-dimensional games of Bench-MFG share."""

from __future__ import annotations

import numpy as np

from mfg_games import parameters, sizes
from mfg_games.dynamics import Dynamics

_STEPS = np.array([-1, 0, 1])


class Chain(Dynamics):
    """Players who walk along a chain of cells, not registered itself.

    Actions walk by a = -1, 0 or +1 and noise by e, which is 0 with probability
    `stay_probability` while +1 and -1 share the rest: x' = x + a + e, clamped to the
    ends of the chain once, after both. The distribution starts uniform. The reward is

        r(x, a, mu) = place(x) - movement_cost |a| + interaction mu(x).
    """

    def __init__(
        self,
        place: np.ndarray,
        *,
        horizon: int,
        discount: float,
        stay_probability: float,
        movement_cost: float,
        interaction: float,
    ):
        """`place` is the reward of being in a cell, float64 [S]."""
        parameters.at_least("horizon", horizon, 1)
        parameters.discount("discount", discount)
        parameters.probability("stay_probability", stay_probability)
        parameters.at_least("movement_cost", movement_cost, 0)
        size = len(place)
        self.horizon = horizon
        self.discount = discount
        self.num_actions = len(_STEPS)
        self.state_shape = (size,)
        self.initial_distribution = np.full((1, size), 1 / size)
        # Walk and noise are clamped together, so that they are no two moves in a row:
        # at x = 0, a = -1 and e = +1 lead to 0.
        walks = np.arange(size)[:, None, None] + _STEPS[:, None] + _STEPS
        self._successors = np.clip(walks, 0, size - 1).astype(np.int32)
        step = (1.0 - stay_probability) / 2
        self._noise = np.array([step, stay_probability, step])
        self._reward = place[:, None] - movement_cost * np.abs(_STEPS)  # [S, A]
        self._interaction = interaction
        self.concave_potential = interaction <= 0
        self.reward_range = (
            self._reward.min() + min(interaction, 0.0),
            self._reward.max() + max(interaction, 0.0),
        )

    def transition(self, xp, t, mu, z):
        return self._successors, self._noise

    def reward(self, xp, t, mu, z):
        return self._reward + self._interaction * mu[..., None]

    def potential(self, t, law, z):
        mu = law.sum(-1)
        paid = np.sum(law * self.reward(np, t, mu, z))
        return float(paid - self._interaction / 2 * np.sum(mu**2))

    def action_name(self, action: int) -> str:
        return f"{_STEPS[action]:+d}"


def cells(num_states: int) -> np.ndarray:
    """The cells of a chain, 0..num_states - 1.

    Raises:
      ValueError: there are fewer than two.
    """
    parameters.at_least("num_states", num_states, 2)
    sizes.require(1, num_states, len(_STEPS), entries=len(_STEPS) ** 2 * num_states)
    return np.arange(num_states)
