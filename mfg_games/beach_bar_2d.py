"""The beach bar in two dimensions (Perrin et al. 2021, the paper on master policies).

Bathers on a square beach want to be close to the bar in its middle, away from the
crowd, without walking far. Master policies are trained on many initial distributions:
one of them is a parameter.
"""

from __future__ import annotations

import re

import numpy as np

from mfg_games import crowd, grid, laws, parameters, sizes
from mfg_games.dynamics import Dynamics
from mfg_games.registration import register

_LEAST_STD = 0.01
_NUMBER = r"(\d+(?:\.\d+)?)"


@register("mfg_beach_bar_2d")
class BeachBar2D(Dynamics):
    """Beach bar in two dimensions.

    States are the cells of a square, actions the five moves of `grid.MOVES`. After the
    move, noise makes another one in each direction with probability noise / 4. At the
    edges both stay put. With the bar in the cell (size // 2, size // 2) and |a| the
    length of the action's move, 0 or 1,

        r(x, a, mu) = -|x - bar|_1 / size - |a| / size - crowd_aversion log mu(x).

    Args:
      size: cells per side.
      horizon: number of decision times.
      noise: probability of the random move.
      crowd_aversion: weight of the log density.
      initial: the initial distribution: "uniform", or "gaussian row|column std" for a
        normal with this mean, in the square, and this standard deviation, at least
        0.01, discretised on the cells.
    """

    factor_names = ("row", "column")

    def __init__(
        self,
        size: int = 11,
        horizon: int = 15,
        noise: float = 0.2,
        crowd_aversion: float = 1.0,
        initial: str = "uniform",
    ):
        parameters.at_least("size", size, 1)
        parameters.at_least("horizon", horizon, 1)
        parameters.probability("noise", noise)
        parameters.finite("crowd_aversion", crowd_aversion)
        sizes.require(horizon, size**2, len(grid.MOVES))
        world = grid.box(size, size)
        self.horizon = horizon
        self.num_actions = len(grid.MOVES)
        self.state_shape = world.shape
        self.initial_distribution = _initial_distribution(initial, size).reshape(1, -1)
        self.moves = world.successors
        self._successors, self._noise = grid.drawn_outcomes(
            world.successors, grid.direction_noise(noise)
        )
        self._crowd_aversion = crowd_aversion
        self.concave_potential = crowd_aversion >= 0
        distances = world.distances(world.center)
        self._costs = (distances[:, None] + grid.MOVE_LENGTHS) / size
        low, high = crowd.aversion_range(crowd_aversion)
        self.reward_range = (low - self._costs.max(), high)

    def transition(self, xp, t, mu, z):
        return self._successors, self._noise

    def reward(self, xp, t, mu, z):
        crowding = crowd.aversion(xp, mu, self._crowd_aversion)
        return crowding[..., None] - self._costs

    def potential(self, t, law, z):
        return crowd.aversion_potential(self, t, law, z, self._crowd_aversion)

    def action_name(self, action: int) -> str:
        return grid.MOVE_NAMES[action]


def _initial_distribution(initial: str, size: int) -> np.ndarray:
    """The distribution that the parameter `initial` names, float64 [size, size]."""
    if initial == "uniform":
        return np.full((size, size), 1 / size**2)
    words = re.fullmatch(rf"gaussian {_NUMBER}\|{_NUMBER} {_NUMBER}", initial, re.ASCII)
    allowed = (
        f'"uniform" or "gaussian row|column std" with row and column in 0..{size - 1} '
        f"and std in {_LEAST_STD}..{parameters.LARGEST:g}"
    )
    parameters.require(words is not None, "initial", initial, allowed)
    row, column, std = (float(number) for number in words.groups())
    valid = max(row, column) <= size - 1 and _LEAST_STD <= std <= parameters.LARGEST
    parameters.require(valid, "initial", initial, allowed)
    rows, columns = (
        laws.discretised_normal(np.arange(size), mean, std) for mean in (row, column)
    )
    return np.outer(rows, columns)
