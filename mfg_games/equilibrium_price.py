"""The equilibrium price game (Guo, Hu & Zhang 2022; MFGLib 0.3.0).

Firms turn a raw material into a product, keep an inventory of the material and
replenish it. All sell at the price at which demand takes what all produce: the players
meet through what they do, not through where they are.
"""

from __future__ import annotations

import math

import numpy as np

from mfg_games import parameters, sizes
from mfg_games.dynamics import Dynamics
from mfg_games.registration import register


@register("mfg_equilibrium_price")
class EquilibriumPrice(Dynamics):
    """Firms that sell at the price which clears the market.

    The state is the inventory s in 0..max_inventory. An action is a pair: production
    q in 0..max_production and replenishment h in 0..max_replenishment, numbered
    q (max_replenishment + 1) + h. The inventory becomes

        s' = min(s - min(q, s) + h, max_inventory).

    Demand at the price p is demand p^(-elasticity), supply the mean production E[q]
    under the joint law of state and action plus offset. They meet at the price
    p = (demand / (E[q] + offset))^(1 / elasticity), and with the costs c0..c4

        r = (p - c0) q - c1 q^2 - c2 h - (c2 + c3) max(q - s, 0) - c4 s.

    The distribution starts uniform.

    Args:
      max_inventory: largest inventory.
      max_production: largest production.
      max_replenishment: largest replenishment.
      horizon: number of decision times; one more than the peer's T.
      demand: d, demand at price 1.
      offset: e0, what others supply; keeps the price finite when nobody produces.
      elasticity: sigma, of demand.
      costs: c0 of labour per unit produced, c1 of its square, c2 of a unit of the
        material, c3 on top where it is bought at short notice, c4 of storing it.
    """

    joint_law = True
    factor_names = ("inventory",)

    def __init__(
        self,
        max_inventory: int = 3,
        max_production: int = 2,
        max_replenishment: int = 2,
        horizon: int = 5,
        demand: float = 1.0,
        offset: float = 1.0,
        elasticity: float = 1.0,
        costs: str = "1.0 1.0 1.0 1.0 1.0",
    ):
        parameters.at_least("max_inventory", max_inventory, 0)
        parameters.at_least("max_production", max_production, 0)
        parameters.at_least("max_replenishment", max_replenishment, 0)
        parameters.at_least("horizon", horizon, 1)
        parameters.at_least("demand", demand, 0)
        parameters.positive("offset", offset)
        parameters.positive("elasticity", elasticity)
        _require_price(demand, offset, elasticity)
        self.horizon = horizon
        self.state_shape = (max_inventory + 1,)
        self.num_actions = (max_production + 1) * (max_replenishment + 1)
        sizes.require(horizon, max_inventory + 1, self.num_actions)
        inventory = np.arange(max_inventory + 1, dtype=np.int32)
        self.initial_distribution = np.full((1, len(inventory)), 1 / len(inventory))
        self._production, self._replenishment = np.divmod(
            np.arange(self.num_actions, dtype=np.int32), max_replenishment + 1
        )
        left = np.maximum(inventory[:, None] - self._production, 0)
        self.moves = np.minimum(left + self._replenishment, max_inventory)
        self._successors = inventory[:, None]  # nothing is left to chance
        self._demand, self._offset, self._elasticity = demand, offset, elasticity
        self._expenses = self._expenses_of(inventory[:, None], costs)
        self.reward_range = (
            (self.price(max_production) * self._production - self._expenses).min(),
            (self.price(0) * self._production - self._expenses).max(),
        )

    def price(self, produced):
        """The price when the mean production is `produced`."""
        return (self._demand / (produced + self._offset)) ** (1 / self._elasticity)

    def transition(self, xp, t, mu, z):
        return self._successors, np.ones(1)

    def reward(self, xp, t, mu, z):
        produced = xp.sum(mu[0] * self._production)
        return (self.price(produced) * self._production - self._expenses)[None]

    def action_name(self, action: int) -> str:
        q, h = self._production[action], self._replenishment[action]
        return f"produce {q} replenish {h}"

    def _expenses_of(self, inventory: np.ndarray, costs: str) -> np.ndarray:
        """What every state and action costs, [S, A]."""
        c = parameters.numbers("costs", costs)
        parameters.require(len(c) == 5, "costs", costs, "five numbers")
        q, h = self._production.astype(float), self._replenishment
        shortage = np.maximum(q - inventory, 0.0)
        making = c[0] * q + c[1] * q**2
        buying = c[2] * h + (c[2] + c[3]) * shortage
        return making + buying + c[4] * inventory


def _require_price(demand: float, offset: float, elasticity: float) -> None:
    """Requires a largest price, (demand / offset)^(1 / elasticity), in bounds."""
    largest = elasticity * math.log(parameters.LARGEST)
    parameters.require(
        demand == 0 or math.log(demand / offset) <= largest,
        "demand",
        demand,
        f"small enough for a price of at most {parameters.LARGEST:g} when nobody "
        f"produces, with offset={offset!r} and elasticity={elasticity!r}",
    )
