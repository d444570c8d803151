"""Systemic risk (Carmona, Fouque & Sun 2015, "Mean field games and systemic risk").

Banks borrow from a central bank or lend to it. Their log-reserves revert to the
average because they lend to each other, and each pays for being away from it.
"""

from __future__ import annotations

import numpy as np

from mfg_games import parameters
from mfg_games.mean_reversion import MeanReversion, require_size, symmetric_grid
from mfg_games.registration import register


@register("mfg_systemic_risk")
class SystemicRisk(MeanReversion):
    """Systemic risk of interbank lending.

    States are the log-reserves -half_width..half_width times `spacing`, actions the
    rates of borrowing (above 0) and lending -max_action..max_action times spacing / dt,
    so that an action alone moves a bank by whole grid points in one step. With m the
    mean of mu and g = m - x, the log-reserve x moves to

        y = x + (mean_reversion g + a) dt + volatility sqrt(dt) w,

    clamped to the box and split between the two nearest grid points so that the mean
    stays exact. The noise w is e, a standard normal discretised on -3..3. At a time t
    divisible by `shock_every` and with common_noise = rho > 0 it is

        w = rho xi + sqrt(1 - rho^2) e,    xi = +1 or -1 for all banks alike.

    The reward is dt (-a^2 / 2 + q a g - epsilon g^2 / 2), and -terminal_cost g^2 / 2 at
    the horizon. The distribution starts uniform. These are the dynamics and the costs
    of the linear-quadratic game (`linear_quadratic.py`) on a grid of any spacing; the
    closed form is that of the paper's section 4 in the limit of many banks.

    Args:
      half_width: number of grid points from 0 to the edge of the box.
      spacing: distance of two grid points.
      horizon: number of decision times.
      dt: time between two of them.
      max_action: largest number of grid points that an action moves by.
      mean_reversion: a in the paper, the rate of lending between the banks.
      volatility: sigma, standard deviation of the noise per unit of time.
      common_noise: rho, the correlation of the banks' noise.
      shock_every: number of steps from one shock of the common noise to the next; the
        first hits at t = 0. There are 2^shocks histories, at most 4096.
      q: incentive to borrow below the mean and to lend above it.
      epsilon: cost of the distance to the mean; at least q^2.
      terminal_cost: c, the same at the horizon.
    """

    factor_names = ("reserve",)

    def __init__(
        self,
        half_width: int = 20,
        spacing: float = 0.1,
        horizon: int = 20,
        dt: float = 0.05,
        max_action: int = 5,
        mean_reversion: float = 1.0,
        volatility: float = 1.0,
        common_noise: float = 0.0,
        shock_every: int = 1,
        q: float = 0.5,
        epsilon: float = 1.0,
        terminal_cost: float = 1.0,
    ):
        parameters.at_least("half_width", half_width, 1)
        parameters.positive("spacing", spacing)
        parameters.positive("dt", dt)
        require_size(half_width, max_action)
        positions = symmetric_grid("half_width", half_width, spacing)
        super().__init__(
            positions,
            symmetric_grid("max_action", max_action, spacing / dt),
            np.full(len(positions), 1 / len(positions)),
            horizon=horizon,
            dt=dt,
            mean_reversion=mean_reversion,
            volatility=volatility,
            cross_term=("q", q),
            kappa=("epsilon", epsilon),
            terminal_cost=terminal_cost,
            common_noise=common_noise,
            shock_every=shock_every,
        )
