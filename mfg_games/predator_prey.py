"""Predators and prey (Perolat et al. 2021, section 5.4).

Several populations share a grid. Each avoids its own crowd, is drawn to the
populations that it hunts and flees from those that hunt it.
"""

from __future__ import annotations

import numpy as np

from mfg_games import crowd, grid, parameters, sizes
from mfg_games.dynamics import Dynamics
from mfg_games.registration import register

_GEOMETRIES = {"square": grid.box, "torus": grid.torus}


@register("mfg_predator_prey")
class PredatorPrey(Dynamics):
    """Predators and prey.

    States are the cells of a square or of a torus, actions the five moves of
    `grid.MOVES`. After the move, noise makes another one in each direction with
    probability noise / 4. At the edges of a square both stay put. With N populations,

        r_i(x, mu) = -crowd_aversion log mu_i(x) + sum_j R_ij mu_j(x).

    Everybody starts on the border: populations 0 to 3 in the corners, clockwise from
    the upper left, further ones spread evenly along the sides, clockwise from the
    middle of the top.

    Args:
      populations: N, at least 2 and at most the 4 (size - 1) cells of the border.
      size: cells per side.
      horizon: number of decision times.
      noise: probability of the random move.
      crowd_aversion: weight of the log density of one's own population.
      geometry: "square" or "torus".
      rewards: R as rows "0 1;-1 0", or "" for a cycle in which each population hunts
        the next one, R_(i, i+1) = 1 and R_(i+1, i) = -1. The paper's three populations
        hunt the other way round; of two, only population 0 hunts.
    """

    factor_names = ("row", "column")

    def __init__(
        self,
        populations: int = 3,
        size: int = 5,
        horizon: int = 10,
        noise: float = 0.8,
        crowd_aversion: float = 1.0,
        geometry: str = "square",
        rewards: str = "",
    ):
        parameters.at_least("size", size, 2)
        parameters.require(
            2 <= populations <= 4 * (size - 1),
            "populations",
            populations,
            f"in 2..{4 * (size - 1)}, the border cells of a grid of size {size}",
        )
        parameters.at_least("horizon", horizon, 1)
        parameters.probability("noise", noise)
        parameters.finite("crowd_aversion", crowd_aversion)
        parameters.one_of("geometry", geometry, tuple(_GEOMETRIES))
        actions, pairs = len(grid.MOVES), populations**2
        sizes.require(horizon, size**2, actions, populations, entries=pairs)
        world = _GEOMETRIES[geometry](size, size)
        self.num_populations = populations
        self.horizon = horizon
        self.num_actions = len(grid.MOVES)
        self.state_shape = world.shape
        self.initial_distribution = np.zeros((populations, world.num_states))
        starts = np.ravel_multi_index(_start_cells(populations, size).T, world.shape)
        self.initial_distribution[np.arange(populations), starts] = 1.0
        self.moves = world.successors
        self._successors = world.successors  # noise moves as the actions do
        self._noise = grid.direction_noise(noise)
        self._crowd_aversion = crowd_aversion
        self._rewards = _reward_matrix(rewards, populations)
        low, high = crowd.aversion_range(crowd_aversion)
        self.reward_range = (
            low + float(self._rewards.clip(max=0.0).sum(axis=1).min()),
            high + float(self._rewards.clip(min=0.0).sum(axis=1).max()),
        )

    def transition(self, xp, t, mu, z):
        return self._successors, self._noise

    def reward(self, xp, t, mu, z):
        crowding = crowd.aversion(xp, mu, self._crowd_aversion)
        return (xp.matmul(self._rewards, mu) + crowding)[..., None]

    def action_name(self, action: int) -> str:
        return grid.MOVE_NAMES[action]


def _reward_matrix(rewards: str, populations: int) -> np.ndarray:
    """R, float64 [N, N]: given as text, or a cycle of hunters."""
    if rewards:
        matrix = parameters.matrix("rewards", rewards)
        parameters.require(
            matrix.shape == (populations, populations),
            "rewards",
            rewards,
            f"a {populations} x {populations} matrix",
        )
        return matrix
    matrix = np.zeros((populations, populations))
    hunters = np.arange(populations if populations > 2 else 1)
    prey = (hunters + 1) % populations
    matrix[hunters, prey] = 1.0
    matrix[prey, hunters] = -1.0
    return matrix.T if populations == 3 else matrix


def _start_cells(populations: int, size: int) -> np.ndarray:
    """Where the populations start, int [N, 2]."""
    side = np.stack([np.zeros(size - 1, int), np.arange(size - 1)], axis=-1)
    sides = [side]  # each begins with its corner
    for _ in range(3):
        row, column = sides[-1].T
        sides.append(np.stack([column, size - 1 - row], axis=-1))
    border = np.stack(sides)
    corners, between = border[:, 0], border[:, 1:].reshape(-1, 2)
    between = np.roll(between, -((size - 2) // 2), axis=0)  # first the top's middle
    further = max(populations - 4, 0)
    places = np.linspace(0, len(between), further, endpoint=False).astype(int)
    return np.concatenate([corners[:populations], between[places]])
