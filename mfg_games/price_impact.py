"""Portfolio liquidation with price impact (Carmona & Lacker 2015, quadratic costs).

Traders wind up their inventories of one stock. Each pays for trading fast and for
holding inventory; what all trade together moves the price, and with it the worth of
what each still holds. The players meet through their controls alone, and in continuous
time the equilibrium is known in closed form.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from mfg_games import parameters, sizes
from mfg_games.dynamics import Dynamics
from mfg_games.laws import discretised_normal
from mfg_games.registration import register


@register("mfg_price_impact")
class PriceImpact(Dynamics):
    """Portfolio liquidation with price impact.

    States are the inventories -max_inventory..max_inventory, actions the trades
    -max_trade..max_trade. The inventory x becomes x + a, clamped to the box, and then
    moves by +1 or -1 with probability noise / 2 each, clamped again. With E[a] the mean
    trade under the joint law of state and action,

        r = dt (-trading_cost a^2 / 2 - inventory_cost x^2 / 2 + impact x E[a]),

    and -terminal_cost x^2 / 2 at the horizon. The initial distribution is a normal,
    discretised on the box.

    Args:
      max_inventory: the box is -max_inventory..max_inventory.
      max_trade: largest trade of one step.
      horizon: number of decision times.
      dt: weight of one step's reward.
      trading_cost: c_a.
      inventory_cost: c_x.
      impact: g, how far the mean trade moves the price.
      terminal_cost: c_T, of what is left at the end.
      noise: probability that the inventory moves by itself.
      initial_mean: mean of the normal, inside the box.
      initial_std: its standard deviation, at least 0.01.
    """

    joint_law = True
    factor_names = ("inventory",)

    def __init__(
        self,
        max_inventory: int = 10,
        max_trade: int = 2,
        horizon: int = 20,
        dt: float = 0.1,
        trading_cost: float = 1.0,
        inventory_cost: float = 0.1,
        impact: float = 0.5,
        terminal_cost: float = 1.0,
        noise: float = 0.2,
        initial_mean: float = 5.0,
        initial_std: float = 1.0,
    ):
        parameters.at_least("max_inventory", max_inventory, 1)
        parameters.at_least("max_trade", max_trade, 0)
        parameters.at_least("horizon", horizon, 1)
        parameters.positive("dt", dt)
        parameters.positive("trading_cost", trading_cost)
        parameters.at_least("inventory_cost", inventory_cost, 0)
        parameters.finite("impact", impact)
        parameters.at_least("terminal_cost", terminal_cost, 0)
        parameters.probability("noise", noise)
        parameters.require(
            abs(initial_mean) <= max_inventory,
            "initial_mean",
            initial_mean,
            f"in the box -{max_inventory}..{max_inventory} set by max_inventory",
        )
        parameters.at_least("initial_std", initial_std, 0.01)
        sizes.require(horizon, 2 * max_inventory + 1, 2 * max_trade + 1)
        self.horizon = horizon
        self.inventories = np.arange(-max_inventory, max_inventory + 1.0)
        self.trades = np.arange(-max_trade, max_trade + 1.0)
        self.num_actions = len(self.trades)
        self.state_shape = (len(self.inventories),)
        self.state_names = tuple(f"{int(x)}" for x in self.inventories)
        law = discretised_normal(self.inventories, initial_mean, initial_std)
        self.initial_distribution = law[None]
        # The step's weight is part of the costs from here on.
        self._trading_cost = dt * trading_cost
        self._inventory_cost = dt * inventory_cost
        self._impact = dt * impact
        self._terminal_cost = terminal_cost
        self._noise = noise
        self._make_steps()
        self._make_costs()

    def _make_steps(self) -> None:
        last = self.num_states - 1
        states = np.arange(last + 1)[:, None]
        after = states + self.trades.astype(int)
        self.moves = np.clip(after, 0, last).astype(np.int32)
        shocks = np.array([-1, 0, 1])
        self._successors = np.clip(states + shocks, 0, last).astype(np.int32)
        self._law = np.array([self._noise / 2, 1 - self._noise, self._noise / 2])

    def _make_costs(self) -> None:
        squares = self.inventories[:, None] ** 2 / 2
        trading = self._trading_cost * self.trades**2 / 2
        self._costs = self._inventory_cost * squares + trading  # [S, A]
        self._terminal_costs = self._terminal_cost * squares.T  # [1, S]
        swing = abs(self._impact) * self.inventories[-1] * self.trades[-1]
        self.reward_range = (-self._costs.max() - swing, swing)
        self.terminal_reward_range = (-self._terminal_costs.max(), 0.0)

    def transition(self, xp, t, mu, z):
        return self._successors, self._law

    def reward(self, xp, t, mu, z):
        mean_trade = xp.sum(mu[0] * self.trades)
        gain = self._impact * mean_trade * self.inventories[:, None]
        return (gain - self._costs)[None]

    def terminal_reward(self, xp, mu, z):
        return xp.asarray(-self._terminal_costs)

    def action_name(self, action: int) -> str:
        return f"{int(self.trades[action]):+d}"

    def closed_form(self) -> ClosedForm:
        """The equilibrium in continuous time and space, without a box."""
        return ClosedForm(
            horizon=self.horizon,
            trading_cost=self._trading_cost,
            inventory_cost=self._inventory_cost,
            impact=self._impact,
            terminal_cost=self._terminal_cost,
            initial_mean=float(self.initial_distribution[0] @ self.inventories),
        )


@dataclasses.dataclass(frozen=True)
class ClosedForm:
    """Equilibrium of the game in continuous time and space.

    The unit of time is the game's step. A trader of inventory x who trades at the rate
    a has dx = a dt + noise. Where all others trade at the mean rate b(t), the game is
    worth -(eta x^2 / 2 + chi x + const) to them, with

        eta' = eta^2 / c_a - c_x,         eta(horizon) = c_T,
        chi' = eta chi / c_a + g b,       chi(horizon) = 0,

    and their best rate is a = -(eta x + chi) / c_a. In equilibrium b is the mean of a
    and the slope of the mean inventory m. Then a = m' - eta (x - m) / c_a, where

        c_a m'' + g m' - c_x m = 0,       c_a m'(horizon) = -c_T m(horizon).

    Attributes:
      horizon: the end, in steps.
      trading_cost, inventory_cost, impact: c_a, c_x and g, of one step.
      terminal_cost: c_T.
      initial_mean: m(0).
    """

    horizon: float
    trading_cost: float
    inventory_cost: float
    impact: float
    terminal_cost: float
    initial_mean: float

    def eta(self, times) -> np.ndarray:
        """Solution of the Riccati equation, shaped like `times`."""
        _, slope = self._urge(0.0, self._to_go(times))
        return self.trading_cost * slope

    def mean(self, times) -> np.ndarray:
        """Mean inventory, shaped like `times`."""
        now, _ = self._urge(self._lean, self._to_go(times))
        first, _ = self._urge(self._lean, self.horizon)
        fall = np.exp(-(self._lean + self._rate(self._lean)) * np.asarray(times))
        return self.initial_mean * fall * now / first

    def mean_trade(self, times) -> np.ndarray:
        """Mean rate of trading m', shaped like `times`."""
        _, slope = self._urge(self._lean, self._to_go(times))
        return -slope * self.mean(times)

    def trade(self, t, x):
        """The rate at which a trader of inventory x trades at time t."""
        gap = x - self.mean(t)
        return self.mean_trade(t) - self.eta(t) / self.trading_cost * gap

    @property
    def _lean(self) -> float:
        return self.impact / (2 * self.trading_cost)

    def _rate(self, lean: float) -> float:
        return math.sqrt(lean**2 + self.inventory_cost / self.trading_cost)

    def _to_go(self, times) -> np.ndarray:
        return self.horizon - np.asarray(times, np.float64)

    def _urge(self, lean: float, s) -> tuple[np.ndarray, np.ndarray]:
        """Solution of y'' = 2 lean y' + (c_x / c_a) y, y(0) = 1, y'(0) = c_T / c_a.

        The mean inventory is such a y of the time to go s, up to a factor, and so is,
        without the lean, what makes eta = c_a y' / y.

        Returns:
          (y exp(-(lean + rate) s), which does not overflow; y' / y).
        """
        rate = self._rate(lean)
        cosh = (1 + np.exp(-2 * rate * s)) / 2
        sinh = -np.expm1(-2 * rate * s) / (2 * rate) if rate > 0 else s
        start = self.terminal_cost / self.trading_cost - lean
        y = cosh + start * sinh
        return y, lean + (start * cosh + rate**2 * sinh) / y
