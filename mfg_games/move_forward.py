"""Move forward (Bench-MFG 0.1.3, "no interaction").

Nobody feels anybody else: a Markov decision process, whose solution is the best
response to any flow.
"""

from __future__ import annotations

import numpy as np

from mfg_games.chain import Chain, cells
from mfg_games.registration import register


@register("mfg_move_forward")
class MoveForward(Chain):
    """Chain without interaction.

    States are the cells 0..num_states - 1, actions walk by a = -1, 0 or +1 and noise
    by e: x' = x + a + e, clamped to the ends. The distribution starts uniform.

        r(x, a) = x - movement_cost |a|

    In Bench-MFG the game is stationary; here it ends at the horizon. The defaults are
    those of its class, whose noise and size have none; the size that its command plays
    by default is the setting "move_forward_bench_mfg".

    Args:
      num_states: number of cells, at least 2.
      horizon: number of decision times.
      discount: weight of the next step's reward.
      stay_probability: P(e = 0); +1 and -1 share the rest.
      movement_cost: cost of one step.
    """

    def __init__(
        self,
        num_states: int = 20,
        horizon: int = 50,
        discount: float = 0.99,
        stay_probability: float = 0.3333333333333333,
        movement_cost: float = 0.1,
    ):
        super().__init__(
            cells(num_states).astype(np.float64),
            horizon=horizon,
            discount=discount,
            stay_probability=stay_probability,
            movement_cost=movement_cost,
            interaction=0.0,
        )
