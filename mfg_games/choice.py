"""Static games as mean field games: what they share."""

from __future__ import annotations

import numpy as np

from mfg_games import parameters
from mfg_games.dynamics import Dynamics


class Choice(Dynamics):
    """A choice among options, not registered itself.

    State 0 is the start, state i + 1 the i-th option; an action goes to its option from
    every state, without noise. The reward is linear in the distribution and does not
    depend on the action. With the horizon 2 everybody chooses once, at t = 0, and is
    paid at t = 1; the choice at the last time is paid to nobody.
    """

    factor_names = ("choice",)

    def __init__(self, options: tuple[str, ...], payoffs: np.ndarray, horizon: int):
        """`payoffs[x, y]` is the reward in x for each unit of mass in y, [S, S]."""
        parameters.at_least("horizon", horizon, 1)
        size = len(options) + 1
        self.horizon = horizon
        self.num_actions = len(options)
        self.state_shape = (size,)
        self.state_names = ("start", *options)
        self.initial_distribution = np.zeros((1, size))
        self.initial_distribution[0, 0] = 1.0
        self.moves = np.tile(np.arange(1, size, dtype=np.int32), (size, 1))
        self._successors = np.arange(size, dtype=np.int32)[:, None]
        self._payoffs = payoffs
        if (payoffs == payoffs.T).all():
            highest = np.linalg.eigvalsh(payoffs)[-1]
            self.concave_potential = bool(highest <= 0)
        self.reward_range = (payoffs.min(), payoffs.max())

    def transition(self, xp, t, mu, z):
        return self._successors, np.ones(1)

    def reward(self, xp, t, mu, z):
        return xp.matmul(mu, self._payoffs.T)[..., None]

    def potential(self, t, law, z):
        mu = law.sum(-1)
        return float(np.sum(mu * (mu @ self._payoffs.T)) / 2)

    def action_name(self, action: int) -> str:
        return self.state_names[action + 1]
