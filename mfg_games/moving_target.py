"""Crowd motion with a moving target (Perolat et al. 2021, section 5.3).

The beach bar in two dimensions, with a bar that wanders: its moves are common noise, so
policies and distributions depend on where it has been.
"""

from __future__ import annotations

import numpy as np

from mfg_games import crowd, grid, parameters, sizes
from mfg_games.dynamics import CommonNoise, Dynamics
from mfg_games.registration import register

_GEOMETRIES = {"torus": grid.torus, "box": grid.box}
_DIAGONALS = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
_MAX_MOVES = 6  # 4096 histories


@register("mfg_moving_target")
class MovingTarget(Dynamics):
    """Crowd motion with a moving target.

    States are the cells of a torus or of a box, actions the five moves of `grid.MOVES`.
    After the move, noise makes another one in each direction with probability
    noise / 4; at the edges of a box both stay put. The distribution starts uniform.

    The target starts in the cell (size // 2, size // 2). Between the times t - 1 and t,
    for every t < horizon divisible by `move_every`, it moves by one of the diagonal
    steps (-1, -1), (-1, +1), (+1, -1) and (+1, +1), equally likely and the same for all
    players. At the edges of a box each of its two coordinates stays put by itself. The
    distance goes the shorter way round the torus.

        r(x, mu) = attraction (1 - |x - target|_1 / (2 size)) - crowd_aversion log mu(x)

    Args:
      size: cells per side.
      horizon: number of decision times.
      noise: probability of the random move.
      attraction: reward of being at the target.
      crowd_aversion: weight of the log density.
      move_every: steps from one move of the target to the next. There are 4^moves
        histories, at most 4096; none but one if it is at least `horizon`.
      geometry: "torus" or "box".
    """

    factor_names = ("row", "column")

    def __init__(
        self,
        size: int = 20,
        horizon: int = 20,
        noise: float = 0.5,
        attraction: float = 10.0,
        crowd_aversion: float = 1.0,
        move_every: int = 5,
        geometry: str = "torus",
    ):
        parameters.at_least("size", size, 1)
        parameters.at_least("horizon", horizon, 1)
        parameters.probability("noise", noise)
        parameters.finite("attraction", attraction)
        parameters.finite("crowd_aversion", crowd_aversion)
        parameters.at_least("move_every", move_every, 1)
        parameters.require(
            (horizon - 1) // move_every <= _MAX_MOVES,
            "move_every",
            move_every,
            f"large enough for at most {_MAX_MOVES} moves of the target, i.e. "
            f"{4**_MAX_MOVES} histories, at horizon={horizon}",
        )
        parameters.one_of("geometry", geometry, tuple(_GEOMETRIES))
        histories = _num_histories(horizon, move_every)
        actions = len(grid.MOVES)
        sizes.require(horizon, size**2, actions, histories=histories)
        self._world = world = _GEOMETRIES[geometry](size, size)
        self.horizon = horizon
        self.num_actions = len(grid.MOVES)
        self.state_shape = world.shape
        self.initial_distribution = np.full((1, world.num_states), 1 / size**2)
        self.moves = world.successors
        self._successors, self._noise = grid.drawn_outcomes(
            world.successors, grid.direction_noise(noise)
        )
        if move_every < horizon:
            self.common_noise = _wandering(world, horizon, move_every)
        self._attraction = attraction
        self._crowd_aversion = crowd_aversion
        self.concave_potential = crowd_aversion >= 0
        low, high = crowd.aversion_range(crowd_aversion)
        diameter = world.distances(world.coordinates[0]).max()
        farthest = attraction * (1 - diameter / (2 * size))
        self.reward_range = (
            low + min(attraction, farthest),
            high + max(attraction, farthest),
        )

    def transition(self, xp, t, mu, z):
        return self._successors, self._noise

    def reward(self, xp, t, mu, z):
        target = self._world.center if z is None else z
        share = self._world.distances(target, xp) / sum(self.state_shape)
        crowding = crowd.aversion(xp, mu, self._crowd_aversion)
        return (self._attraction * (1.0 - share) + crowding)[..., None]

    def potential(self, t, law, z):
        return crowd.aversion_potential(self, t, law, z, self._crowd_aversion)

    def action_name(self, action: int) -> str:
        return grid.MOVE_NAMES[action]


def _num_histories(horizon: int, move_every: int) -> int:
    """How many there are, summed over the times 0..horizon - 1."""
    moves = (horizon - 1) // move_every
    before = sum(move_every * 4**move for move in range(moves))
    return before + (horizon - moves * move_every) * 4**moves


def _wandering(world: grid.Grid, horizon: int, move_every: int) -> CommonNoise:
    """Histories whose value is the target's cell, int [2]."""
    laws, cells = [], [world.center[None]]
    for t in range(1, horizon + 1):
        moves = t % move_every == 0 and t < horizon
        laws.append(np.full(4, 0.25) if moves else np.ones(1))
        steps = _DIAGONALS if moves else np.zeros((1, 2), int)
        cells.append(world.placed(cells[-1][:, None] + steps).reshape(-1, 2))
    return CommonNoise(laws, cells)
