"""The switching game (Bench-MFG 0.1.3, "contraction game").

Two places, each the worse the more players are there, and a price for changing. Where
the price is high nobody ever changes, whatever the others do.
"""

from __future__ import annotations

import numpy as np

from mfg_games import parameters
from mfg_games.dynamics import Dynamics
from mfg_games.registration import register

_ACTION_NAMES = ("stay", "switch")
_SWITCH = 1


@register("mfg_switching")
class Switching(Dynamics):
    """Two places with a price for switching.

    States are 0 and 1, actions 0 (stay) and 1 (switch), both without noise. The
    distribution starts uniform.

        r(x, a, mu) = -switching_cost 1{a switch} - crowd_cost mu(x)

    With switching_cost > crowd_cost / (1 - discount) staying is the only best response
    to any flow, at every horizon: a constant map, the strongest contraction. From the
    uniform start staying is an equilibrium at every switching_cost, worth
    -crowd_cost / 2 at each step.

    In Bench-MFG the game is stationary; here it ends at the horizon. The defaults are
    those of its class; the coefficients that its command plays by default, which are
    no contraction, are the setting "switching_bench_mfg".

    Args:
      horizon: number of decision times.
      discount: weight of the next step's reward.
      switching_cost: C, the price of switching once.
      crowd_cost: alpha, the cost of the density of the own place.
    """

    def __init__(
        self,
        horizon: int = 50,
        discount: float = 0.99,
        switching_cost: float = 1.0,
        crowd_cost: float = 1.0,
    ):
        parameters.at_least("horizon", horizon, 1)
        parameters.discount("discount", discount)
        parameters.at_least("switching_cost", switching_cost, 0)
        parameters.at_least("crowd_cost", crowd_cost, 0)
        self.horizon = horizon
        self.discount = discount
        self.num_actions = len(_ACTION_NAMES)
        self.state_shape = (2,)
        self.initial_distribution = np.full((1, 2), 0.5)
        self.moves = np.array([[0, 1], [1, 0]], np.int32)
        self._successors = np.array([[0], [1]], np.int32)  # after the move, no noise
        self._prices = np.zeros(2)
        self._prices[_SWITCH] = switching_cost
        self._crowd_cost = crowd_cost
        self.concave_potential = True
        self.reward_range = (-switching_cost - crowd_cost, 0.0)

    def transition(self, xp, t, mu, z):
        return self._successors, np.ones(1)

    def reward(self, xp, t, mu, z):
        return -self._crowd_cost * mu[..., None] - self._prices

    def potential(self, t, law, z):
        crowding = self._crowd_cost / 2 * np.sum(law.sum(-1) ** 2)
        return float(-crowding - np.sum(law * self._prices))

    def action_name(self, action: int) -> str:
        return _ACTION_NAMES[action]
