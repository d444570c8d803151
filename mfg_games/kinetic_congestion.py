"""Kinetic congestion (Bench-MFG 0.1.3).

Everybody walks to one cell of a room, and a crowded cell lets nobody in: the dynamics
depend on the distribution, the reward does not.
"""

from __future__ import annotations

import numpy as np

from mfg_games import grid, parameters, sizes
from mfg_games.dynamics import Dynamics
from mfg_games.registration import register


@register("mfg_kinetic_congestion")
class KineticCongestion(Dynamics):
    """Kinetic congestion.

    States are the cells of a room, actions the five moves of `grid.MOVES`. A move into
    another cell y succeeds with probability 1 - min(1, mu(y) / capacity), else the
    player stays, as after a move into a wall. The distribution starts uniform.

        r(x, a) = -1{x not the target} - movement_cost 1{a not stay}

    In Bench-MFG the game is stationary; here it ends at the horizon. Bench-MFG rounds
    the probability to hundredths (its noise has 100 values), orders the moves up,
    right, down, left, stay and draws row 0 at the bottom, none of which is a different
    game. The defaults are those of its class; what its command plays by default is the
    setting "kinetic_congestion_bench_mfg".

    Args:
      rows: number of rows.
      cols: number of columns.
      horizon: number of decision times.
      discount: weight of the next step's reward.
      target: the target's state, row cols + column; -1 for the last cell.
      movement_cost: cost of any action but to stay.
      capacity: density at which a cell is full.
    """

    factor_names = ("row", "column")

    def __init__(
        self,
        rows: int = 5,
        cols: int = 5,
        horizon: int = 50,
        discount: float = 0.99,
        target: int = -1,
        movement_cost: float = 0.1,
        capacity: float = 0.4,
    ):
        parameters.at_least("rows", rows, 1)
        parameters.at_least("cols", cols, 1)
        parameters.at_least("horizon", horizon, 1)
        parameters.discount("discount", discount)
        size = rows * cols
        allowed = f"-1 or a state 0..rows cols - 1, with rows={rows} and cols={cols}"
        parameters.require(-1 <= target < size, "target", target, allowed)
        parameters.at_least("movement_cost", movement_cost, 0)
        parameters.positive("capacity", capacity)
        sizes.require(horizon, size, len(grid.MOVES))
        self.horizon = horizon
        self.discount = discount
        self.num_actions = len(grid.MOVES)
        self.state_shape = (rows, cols)
        self.initial_distribution = np.full((1, size), 1 / size)
        self._targets = grid.box(rows, cols).successors  # [S, A]
        cells = np.broadcast_to(np.arange(size)[:, None], self._targets.shape)
        self._successors = np.stack([self._targets, cells], -1).astype(np.int32)
        self._capacity = capacity
        away = np.ones((size, 1))
        away[target] = 0.0
        moving = np.arange(self.num_actions) != grid.STAY
        self._reward = (0.0 - away - movement_cost * moving)[None]
        self.reward_range = (-1.0 - movement_cost, 0.0)

    def transition(self, xp, t, mu, z):
        density = xp.take(mu, self._targets, axis=-1)  # [1, S, A], of where they go
        refused = xp.minimum(density / self._capacity, 1.0)
        return self._successors, xp.stack([1.0 - refused, refused], axis=-1)

    def reward(self, xp, t, mu, z):
        return xp.asarray(self._reward)

    def action_name(self, action: int) -> str:
        return grid.MOVE_NAMES[action]
