"""The crowd-averse chain (Bench-MFG 0.1.3, "Lasry-Lions chain").

Everybody wants to be in the middle of a chain and away from the others. The game is
monotone (Lasry & Lions 2007), so its equilibrium distribution is unique.
"""

from __future__ import annotations

from mfg_games import parameters
from mfg_games.chain import Chain, cells
from mfg_games.registration import register


@register("mfg_crowd_chain")
class CrowdChain(Chain):
    """Crowd-averse chain.

    States are the cells 0..num_states - 1, actions walk by a = -1, 0 or +1 and noise
    by e: x' = x + a + e, clamped to the ends. The distribution starts uniform.

        r(x, a, mu) = -crowd_cost mu(x) - center_attraction (x - (num_states - 1) / 2)^2
                      - movement_cost |a|

    In Bench-MFG the game is stationary; here it ends at the horizon. The defaults are
    those of its class, whose noise and size have none; the size and the coefficients
    that its command plays by default are the setting "crowd_chain_bench_mfg".

    Args:
      num_states: number of cells, at least 2.
      horizon: number of decision times.
      discount: weight of the next step's reward.
      stay_probability: P(e = 0); +1 and -1 share the rest.
      crowd_cost: cost of the density of the own cell.
      movement_cost: cost of one step.
      center_attraction: cost of the squared distance to the middle.
    """

    def __init__(
        self,
        num_states: int = 20,
        horizon: int = 50,
        discount: float = 0.99,
        stay_probability: float = 0.3333333333333333,
        crowd_cost: float = 1.0,
        movement_cost: float = 0.1,
        center_attraction: float = 0.5,
    ):
        x = cells(num_states)
        parameters.at_least("crowd_cost", crowd_cost, 0)
        parameters.at_least("center_attraction", center_attraction, 0)
        super().__init__(
            -center_attraction * (x - (num_states - 1) / 2) ** 2,
            horizon=horizon,
            discount=discount,
            stay_probability=stay_probability,
            movement_cost=movement_cost,
            interaction=-crowd_cost,
        )
