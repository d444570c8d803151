"""The linear-quadratic game (Perrin et al. 2020, section 4.1, and 5 for common noise).

Players on a line pay for steering towards the mean of the population and for being
away from it. The dynamics depend on the distribution through its mean, and in
continuous time the equilibrium is known in closed form.
"""

from __future__ import annotations

import numpy as np

from mfg_games import parameters
from mfg_games.laws import discretised_normal
from mfg_games.mean_reversion import MeanReversion, require_size, symmetric_grid
from mfg_games.registration import register


@register("mfg_linear_quadratic")
class LinearQuadratic(MeanReversion):
    """Linear-quadratic game.

    States are the grid points -half_width..half_width, actions the accelerations
    -max_action..max_action. With m the mean of mu and g = m - x, a player in x moves to

        y = x + (mean_reversion g + a) dt + volatility sqrt(dt) w,

    clamped to the box, then split between the two nearest grid points so that the mean
    stays exact (which adds f (1 - f) to the variance, f the fractional part of y). The
    noise w is e, a standard normal discretised on -3..3. At a time t divisible by
    `shock_every` and with common_noise = rho > 0 it is

        w = rho xi + sqrt(1 - rho^2) e,    xi = +1 or -1 for all players alike.

    The reward is dt (-a^2 / 2 + cross_term a g - kappa g^2 / 2), and
    -terminal_cost g^2 / 2 at the horizon.

    Args:
      half_width: the box is -half_width..half_width.
      horizon: number of decision times.
      dt: time between two of them.
      max_action: largest action.
      mean_reversion: K, the drift towards the mean.
      volatility: standard deviation of the noise per unit of time.
      cross_term: q, reward for steering towards the mean.
      kappa: cost of the distance to the mean; at least cross_term^2, which makes the
        cost convex.
      terminal_cost: c.
      common_noise: rho, the correlation of the players' noise.
      shock_every: number of steps from one shock of the common noise to the next; the
        first hits at t = 0. There are 2^shocks histories, at most 4096.
      modes: means of the initial mixture of discretised normals, inside the box. A
        single mode is written twice ("0 0").
      mode_std: their standard deviation, at least 0.01.
    """

    def __init__(
        self,
        half_width: int = 50,
        horizon: int = 30,
        dt: float = 0.1,
        max_action: int = 18,
        mean_reversion: float = 1.0,
        volatility: float = 3.0,
        cross_term: float = 0.01,
        kappa: float = 0.5,
        terminal_cost: float = 1.0,
        common_noise: float = 0.0,
        shock_every: int = 1,
        modes: str = "-25 25",
        mode_std: float = 5.0,
    ):
        parameters.at_least("half_width", half_width, 1)
        parameters.positive("dt", dt)
        require_size(half_width, max_action)
        positions = symmetric_grid("half_width", half_width)
        super().__init__(
            positions,
            symmetric_grid("max_action", max_action),
            _mixture(positions, modes, mode_std),
            horizon=horizon,
            dt=dt,
            mean_reversion=mean_reversion,
            volatility=volatility,
            cross_term=("cross_term", cross_term),
            kappa=("kappa", kappa),
            terminal_cost=terminal_cost,
            common_noise=common_noise,
            shock_every=shock_every,
        )


def _mixture(positions: np.ndarray, modes: str, std: float) -> np.ndarray:
    """Equal mixture of normals on the grid, each normalised, [S]."""
    means = parameters.numbers("modes", modes)
    parameters.at_least("mode_std", std, 0.01)
    half_width = positions[-1]
    parameters.require(
        np.abs(means).max() <= half_width,
        "modes",
        modes,
        f"inside the box -{half_width:g}..{half_width:g} set by half_width",
    )
    return discretised_normal(positions, means[:, None], std).mean(axis=0)
