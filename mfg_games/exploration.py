"""Exploration (Geist et al. 2021; Lauriere et al. 2022, both papers).

A crowd that starts in one place spreads over a grid with walls, because everybody
avoids the crowd. The game is potential: an equilibrium maximises the sum over time of
the entropies of the distributions.
"""

from __future__ import annotations

from mfg_games import crowd, grid, parameters
from mfg_games.dynamics import Dynamics
from mfg_games.registration import register


@register("mfg_exploration")
class Exploration(Dynamics):
    """Exploration of a grid world.

    States are the free cells of a map, actions the five moves of `grid.MOVES`; moves
    into walls and over the edge are illegal. After the move, with weight `noise`,
    noise makes one more move, uniform over the legal ones of the new cell, staying
    included. The reward is

        r(x, mu) = -crowd_aversion log mu(x).

    The papers leave the noise open; the default is OpenSpiel's.

    Args:
      layout: "four_rooms", "four_rooms_open" (without its border), "maze",
        "empty_NxM" (N rows, M columns), or a map with rows separated by `|`, `#` for
        walls and `.` for free cells.
      horizon: number of decision times.
      noise: weight of the random move.
      crowd_aversion: weight of the log density.
      start: "" for the upper left free cell, "uniform" for all free cells, or equally
        likely cells "row|column;row|column".
    """

    factor_names = ("row", "column")

    def __init__(
        self,
        layout: str = "four_rooms",
        horizon: int = 40,
        noise: float = 1.0,
        crowd_aversion: float = 1.0,
        start: str = "",
    ):
        parameters.at_least("horizon", horizon, 1)
        parameters.probability("noise", noise)
        parameters.finite("crowd_aversion", crowd_aversion)
        world = grid.from_layout(layout)
        self.horizon = horizon
        self.num_actions = len(grid.MOVES)
        self.state_shape = world.shape
        self.coordinates = world.coordinates
        self.initial_distribution = world.start_distribution("start", start)[None]
        self.legal_actions = world.legal
        self.moves = world.successors
        self._successors = world.successors  # noise moves as the actions do
        self._noise = world.legal_move_noise(noise)
        self._crowd_aversion = crowd_aversion
        self.concave_potential = crowd_aversion >= 0
        self.reward_range = crowd.aversion_range(crowd_aversion)

    def transition(self, xp, t, mu, z):
        return self._successors, self._noise

    def reward(self, xp, t, mu, z):
        return crowd.aversion(xp, mu, self._crowd_aversion)[..., None]

    def potential(self, t, law, z):
        return crowd.aversion_potential(self, t, law, z, self._crowd_aversion)

    def action_name(self, action: int) -> str:
        return grid.MOVE_NAMES[action]
