"""Evacuation of a building (Perolat et al. 2021, section 5.2).

The crowd on the upper floors wants to reach the ground floor without crowding on the
way. The stairs lie in opposite corners by turns, so each floor must be crossed.
"""

from __future__ import annotations

import numpy as np

from mfg_games import crowd, grid, parameters, sizes
from mfg_games.dynamics import Dynamics
from mfg_games.registration import register

_ACTION_NAMES = (*grid.MOVE_NAMES, "downstairs", "upstairs")


@register("mfg_building")
class Building(Dynamics):
    """Evacuation of a building.

    States are the cells (floor, row, column) of `floors` square floors; floor 0 is the
    ground floor. A staircase joins the same cell of two floors: the upper left corner
    of the floors 0 and 1, the lower right one of 1 and 2, the upper left one of 2 and
    3, and so on. The actions are the five moves of `grid.MOVES`, which stay put at the
    walls, downstairs and upstairs, which stay put off their staircase. Then noise makes
    another move on the floor, in each of the four directions with probability
    noise / 4. The distribution starts uniform above the ground floor.

        r(x, mu) = exit_reward 1{x on the ground floor} - crowd_aversion log mu(x)

    The paper leaves the noise open; there is none by default.

    Args:
      floors: number of floors, the ground floor included, at least 2.
      size: cells per side of a floor, at least 2.
      horizon: number of decision times.
      noise: probability of the random move.
      exit_reward: reward of one step on the ground floor.
      crowd_aversion: weight of the log density.
    """

    factor_names = ("floor", "row", "column")

    def __init__(
        self,
        floors: int = 3,
        size: int = 10,
        horizon: int = 60,
        noise: float = 0.0,
        exit_reward: float = 10.0,
        crowd_aversion: float = 1.0,
    ):
        parameters.at_least("floors", floors, 2)
        parameters.at_least("size", size, 2)
        parameters.at_least("horizon", horizon, 1)
        parameters.probability("noise", noise)
        parameters.finite("exit_reward", exit_reward)
        parameters.finite("crowd_aversion", crowd_aversion)
        sizes.require(horizon, floors * size**2, len(_ACTION_NAMES))
        self.horizon = horizon
        self.num_actions = len(_ACTION_NAMES)
        self.state_shape = (floors, size, size)
        cells = size**2
        above = np.arange(floors * cells) >= cells
        self.initial_distribution = (above / above.sum())[None]
        walks = _walks(floors, size)
        self.moves = np.concatenate([walks, _stairs(floors, cells)], axis=1)
        self._successors, self._noise = grid.drawn_outcomes(
            walks, grid.direction_noise(noise)
        )
        self._exit_reward = np.where(above, 0.0, exit_reward)
        self._crowd_aversion = crowd_aversion
        self.concave_potential = crowd_aversion >= 0
        low, high = crowd.aversion_range(crowd_aversion)
        self.reward_range = (low + min(exit_reward, 0.0), high + max(exit_reward, 0.0))

    def transition(self, xp, t, mu, z):
        return self._successors, self._noise

    def reward(self, xp, t, mu, z):
        crowding = crowd.aversion(xp, mu, self._crowd_aversion)
        return (self._exit_reward + crowding)[..., None]

    def potential(self, t, law, z):
        return crowd.aversion_potential(self, t, law, z, self._crowd_aversion)

    def action_name(self, action: int) -> str:
        return _ACTION_NAMES[action]


def _walks(floors: int, size: int) -> np.ndarray:
    """Where the moves on a floor lead, int32 [S, 5]."""
    floor = grid.box(size, size).successors
    first_cells = np.arange(floors, dtype=np.int32)[:, None, None] * size**2
    return (first_cells + floor).reshape(-1, len(grid.MOVES))


def _stairs(floors: int, cells: int) -> np.ndarray:
    """Where downstairs and upstairs lead, int32 [S, 2]."""
    targets = np.arange(floors * cells, dtype=np.int32)[:, None].repeat(2, axis=1)
    lower_floors = np.arange(floors - 1)
    corners = np.where(lower_floors % 2 == 0, 0, cells - 1)
    lower = lower_floors * cells + corners
    targets[lower + cells, 0] = lower
    targets[lower, 1] = lower + cells
    return targets
