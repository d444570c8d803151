"""Two beach bars (Bench-MFG 0.1.3, "multiple equilibria").

Bathers on a line of cells like the crowd and want to be close to one of two bars. The
game is potential, but what its players maximise is not concave: where the crowd
gathers is a matter of coordination, and there are several equilibria.
"""

from __future__ import annotations

import numpy as np

from mfg_games import parameters
from mfg_games.chain import Chain, cells
from mfg_games.registration import register


@register("mfg_two_beach_bars")
class TwoBeachBars(Chain):
    """Two beach bars.

    States are the cells 0..num_states - 1, actions walk by a = -1, 0 or +1 and noise
    by e: x' = x + a + e, clamped to the ends. The distribution starts uniform.

        r(x, a, mu) = attraction mu(x) - distance_cost min(|x - left|, |x - right|)
                      - movement_cost |a|

    In Bench-MFG the game is stationary; here it ends at the horizon. The defaults are
    those of its class, whose noise and size have none; the size and the coefficients
    that its command plays by default are the setting "two_beach_bars_bench_mfg".

    Args:
      num_states: number of cells, at least 2.
      horizon: number of decision times.
      discount: weight of the next step's reward.
      stay_probability: P(e = 0); +1 and -1 share the rest.
      attraction: reward for the density of the own cell (Bench-MFG's alpha).
      distance_cost: cost of one cell of distance to the nearer bar (beta).
      movement_cost: cost of one step.
      left_bar: cell of a bar; -1 for num_states // 4.
      right_bar: cell of the other; -1 for 3 num_states // 4.
    """

    def __init__(
        self,
        num_states: int = 20,
        horizon: int = 50,
        discount: float = 0.99,
        stay_probability: float = 0.3333333333333333,
        attraction: float = 1.0,
        distance_cost: float = 1.0,
        movement_cost: float = 1.0,
        left_bar: int = -1,
        right_bar: int = -1,
    ):
        x = cells(num_states)
        parameters.at_least("attraction", attraction, 0)
        parameters.at_least("distance_cost", distance_cost, 0)
        left = _bar("left_bar", left_bar, num_states, num_states // 4)
        right = _bar("right_bar", right_bar, num_states, 3 * num_states // 4)
        super().__init__(
            -distance_cost * np.minimum(np.abs(x - left), np.abs(x - right)),
            horizon=horizon,
            discount=discount,
            stay_probability=stay_probability,
            movement_cost=movement_cost,
            interaction=attraction,
        )


def _bar(name: str, cell: int, num_states: int, default: int) -> int:
    allowed = f"-1 or a cell 0..num_states - 1, with num_states={num_states}"
    parameters.require(-1 <= cell < num_states, name, cell, allowed)
    return default if cell == -1 else cell
