"""The epidemic game (Cui & Koeppl 2021; Laurière et al. 2022).

Susceptible players who go out are infected the faster the more players are infected;
keeping distance is safe and has a price. The dynamics depend on the distribution,
the reward does not, and the game is not monotone.
"""

from __future__ import annotations

import numpy as np

from mfg_games import parameters, sizes
from mfg_games.dynamics import Dynamics
from mfg_games.registration import register

_INFECTED = 1
_ACTION_NAMES = ("out", "distance")
# From every state under every action: to susceptible, to infected.
_SUCCESSORS = np.broadcast_to(np.arange(2, dtype=np.int32), (2, 2, 2))


@register("mfg_sis")
class SIS(Dynamics):
    """Epidemic with susceptible and infected players.

    States are 0 (susceptible) and 1 (infected), actions 0 (go out) and 1 (keep
    distance). A susceptible player who goes out is infected with probability
    infection mu(infected), one who keeps distance never; an infected player recovers
    with probability `recovery` whatever they do.

        r(x, a) = -infection_cost 1{x infected} - distancing_cost 1{a distance}

    Args:
      horizon: number of decision times.
      recovery: probability of recovering in one step.
      infection: probability of infection when everybody is infected.
      initial_infected: mass of the infected at the start.
      infection_cost: cost of one step while infected.
      distancing_cost: cost of one step of distance.
    """

    factor_names = ("health",)

    def __init__(
        self,
        horizon: int = 50,
        recovery: float = 0.3,
        infection: float = 0.81,
        initial_infected: float = 0.6,
        infection_cost: float = 1.0,
        distancing_cost: float = 0.5,
    ):
        parameters.at_least("horizon", horizon, 1)
        parameters.probability("recovery", recovery)
        parameters.probability("infection", infection)
        parameters.probability("initial_infected", initial_infected)
        parameters.finite("infection_cost", infection_cost)
        parameters.finite("distancing_cost", distancing_cost)
        sizes.require(horizon, 2, len(_ACTION_NAMES))
        self.horizon = horizon
        self.num_actions = len(_ACTION_NAMES)
        self.state_shape = (2,)
        self.state_names = ("susceptible", "infected")
        self.initial_distribution = np.array([[1 - initial_infected, initial_infected]])
        self._lasting = np.array([[0.0, 0.0], [1 - recovery, 1 - recovery]])
        self._exposure = np.array([[infection, 0.0], [0.0, 0.0]])
        state_cost = np.array([[0.0], [infection_cost]])
        self._reward = (0.0 - state_cost - [0.0, distancing_cost])[None]
        self.reward_range = (self._reward.min(), self._reward.max())

    def transition(self, xp, t, mu, z):
        infected = self._lasting + self._exposure * mu[0, _INFECTED]  # [S, A]
        return _SUCCESSORS, xp.stack([1.0 - infected, infected], axis=-1)[None]

    def reward(self, xp, t, mu, z):
        return xp.asarray(self._reward)

    def action_name(self, action: int) -> str:
        return _ACTION_NAMES[action]
