"""The beach bar process (Perrin et al. 2020, sections 4.2 and 5).

Bathers choose where to lie on a circular beach: close to the bar, away from the
crowd, without walking far. With common noise the bar may close at a known time, after
which nobody cares for its place any more.
"""

from __future__ import annotations

import numpy as np

from mfg_games import crowd, parameters, sizes
from mfg_games.dynamics import CommonNoise, Dynamics
from mfg_games.registration import register

_ACTIONS = np.array([-1, 0, 1])
_OPEN, _CLOSED = 1.0, 0.0


@register("mfg_beach_bar")
class BeachBar(Dynamics):
    """Beach bar process.

    States are the places of a torus Z / size, actions walk by -1, 0 or +1, then noise
    moves by e in {-1, 0, +1}. The distribution starts uniform. With the bar at
    b = size // 2,

        r(x, a, mu) = 1 - |x - b| / b - |a| / size - crowd_aversion log mu(x).

    The paper leaves the noise open; the default is OpenSpiel's uniform noise.

    Args:
      size: number of places.
      horizon: number of decision times.
      stay_probability: P(e = 0); +1 and -1 share the rest.
      crowd_aversion: weight of the log density.
      closing_time: time at which the bar may close, at least 1 since it opens at 0;
        -1 for never.
      closing_probability: probability that it does. Closed, the first two terms of
        the reward, 1 - |x - b| / b, are 0 for the rest of the game.
    """

    def __init__(
        self,
        size: int = 100,
        horizon: int = 15,
        stay_probability: float = 0.3333333333333333,
        crowd_aversion: float = 1.0,
        closing_time: int = -1,
        closing_probability: float = 0.5,
    ):
        parameters.at_least("size", size, 2)
        parameters.at_least("horizon", horizon, 1)
        parameters.probability("stay_probability", stay_probability)
        parameters.finite("crowd_aversion", crowd_aversion)
        parameters.require(
            closing_time == -1 or 1 <= closing_time < horizon,
            "closing_time",
            closing_time,
            f"-1 (never) or in 1..horizon - 1, with horizon={horizon}",
        )
        parameters.between("closing_probability", closing_probability)
        histories = 2 * horizon if closing_time > 0 else None
        sizes.require(horizon, size, len(_ACTIONS), histories=histories)
        self.horizon = horizon
        self.num_actions = len(_ACTIONS)
        self.state_shape = (size,)
        self.initial_distribution = np.full((1, size), 1 / size)
        places = np.arange(size)
        self.moves = (places[:, None] + _ACTIONS).astype(np.int32) % size
        self._successors = self.moves  # noise moves as the actions do
        step = (1.0 - stay_probability) / 2
        self._noise = np.array([step, stay_probability, step])
        self._crowd_aversion = crowd_aversion
        self.concave_potential = crowd_aversion >= 0
        bar = size // 2
        self._attraction = 1.0 - np.abs(places - bar) / bar
        self._walking_cost = np.abs(_ACTIONS) / size
        if closing_time > 0:
            self.common_noise = _closing(horizon, closing_time, closing_probability)
        low, high = crowd.aversion_range(crowd_aversion)
        self.reward_range = (
            low + self._attraction.min() - self._walking_cost.max(),
            high + 1.0,
        )

    def transition(self, xp, t, mu, z):
        return self._successors, self._noise

    def reward(self, xp, t, mu, z):
        bar_open = _OPEN if z is None else z
        crowding = crowd.aversion(xp, mu, self._crowd_aversion)
        return (bar_open * self._attraction + crowding)[..., None] - self._walking_cost

    def potential(self, t, law, z):
        return crowd.aversion_potential(self, t, law, z, self._crowd_aversion)

    def action_name(self, action: int) -> str:
        return f"{_ACTIONS[action]:+d}"


def _closing(horizon: int, time: int, probability: float) -> CommonNoise:
    laws = [[1.0]] * horizon
    laws[time - 1] = [1.0 - probability, probability]

    def advance(t: int, z: float, outcome: int) -> float:
        return _CLOSED if t + 1 == time and outcome == 1 else z

    return CommonNoise.unroll(laws, _OPEN, advance)
