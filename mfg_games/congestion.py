"""Crowd modelling with congestion (Laurière et al. 2022, the paper on deep methods).

A crowd walks through a maze towards a target. Everybody avoids the crowd, and walking
is the more costly the more players are in the cell that one leaves.
"""

from __future__ import annotations

import re

import numpy as np

from mfg_games import grid, parameters
from mfg_games.exploration import Exploration
from mfg_games.registration import register


@register("mfg_congestion")
class Congestion(Exploration):
    """Crowd modelling with congestion.

    States, actions, noise and start are those of `mfg_exploration`. With |a| the length
    of the move that the action asks for, 0 or 1, and rows and columns those of the map,

        r(x, a, mu) = -|x - target|_1 / (rows + columns) - congestion mu(x) |a|
                      - crowd_aversion log mu(x).

    The distance is that on the map without its walls.

    Args:
      layout: as in `mfg_exploration`.
      horizon: number of decision times.
      noise: weight of the random move.
      target: "center" for the cell (rows // 2, columns // 2), or any "row|column" of
        the map; a wall will do.
      congestion: price of a move out of a cell that holds everybody.
      crowd_aversion: weight of the log density.
      start: as in `mfg_exploration`.
    """

    def __init__(
        self,
        layout: str = "maze",
        horizon: int = 100,
        noise: float = 1.0,
        target: str = "center",
        congestion: float = 1.0,
        crowd_aversion: float = 1.0,
        start: str = "",
    ):
        parameters.finite("congestion", congestion)
        super().__init__(layout, horizon, noise, crowd_aversion, start)
        world = grid.from_layout(layout)
        distances = world.distances(_target_cell(world, target))
        self._distance_cost = distances / sum(world.shape)
        self._move_cost = congestion * grid.MOVE_LENGTHS
        if congestion != 0:  # moves thwart each other, but staying thwarts nobody
            self.concave_potential = None
        low, high = self.reward_range
        self.reward_range = (
            low - self._distance_cost.max() - max(congestion, 0.0),
            high - self._distance_cost.min() - min(congestion, 0.0),
        )

    def reward(self, xp, t, mu, z):
        place = super().reward(xp, t, mu, z) - self._distance_cost[:, None]
        return place - mu[..., None] * self._move_cost


def _target_cell(world: grid.Grid, target: str) -> np.ndarray:
    """The cell that the parameter `target` names, int [2]."""
    if target == "center":
        return world.center
    cell = re.fullmatch(r"(\d+)\|(\d+)", target, re.ASCII)
    allowed = '"center" or a cell "row|column" of the {} x {} map'.format(*world.shape)
    parameters.require(cell is not None, "target", target, allowed)
    row, column = (int(number) for number in cell.groups())
    inside = row < world.shape[0] and column < world.shape[1]
    parameters.require(inside, "target", target, allowed)
    return np.array([row, column])
