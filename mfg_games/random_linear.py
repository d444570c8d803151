"""The random linear game (MFGLib 0.3.0, `Environment.random_linear`).

Rewards are random affine functions of the joint law of state and action, transition
probabilities the softmax of such functions. Nothing is monotone about it: a test of
solvers where every player's reward and dynamics depend on what all others do.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mfg_games import parameters, sizes
from mfg_games.dynamics import Dynamics
from mfg_games.registration import register


class Tables(NamedTuple):
    """The random numbers of the game, with S states and as many actions.

    Attributes:
      reward_slope, reward_offset: r1 and r2, [S, S].
      logit_slope, logit_offset: p1 and p2, [S, S, S], the next state first.
    """

    reward_slope: np.ndarray
    reward_offset: np.ndarray
    logit_slope: np.ndarray
    logit_offset: np.ndarray


@register("mfg_random_linear")
class RandomLinear(Dynamics):
    """Random linear game.

    There are as many actions as states. With L(s, a) the joint law of state and action,

        r(s, a) = sum_k r1[s, k] L(k, a) + r2[s, a],
        P(s' | s, a) = softmax over s' of sum_k p1[s', s, k] L(k, a) + p2[s', s, a].

    The entries of the tables r1, r2, p1 and p2 are scale (2 u - 1), where u are the
    doubles in [0, 1) that NumPy's `Generator(PCG64(seed)).random` gives, in this order
    of the tables and row-major in each: a seed is the same game on every machine. The
    peer draws from the same law with PyTorch's generator, hence other games. The
    distribution starts uniform.

    Args:
      num_states: number of states, and of actions.
      horizon: number of decision times; one more than the peer's T.
      scale: largest magnitude of an entry.
      seed: of the tables.

    Attributes:
      tables: the random numbers.
    """

    joint_law = True

    def __init__(
        self, num_states: int = 5, horizon: int = 4, scale: float = 10.0, seed: int = 0
    ):
        parameters.at_least("num_states", num_states, 1)
        parameters.at_least("horizon", horizon, 1)
        parameters.at_least("scale", scale, 0)
        parameters.at_least("seed", seed, 0)
        n = num_states
        sizes.require(horizon, n, n, entries=2 * n**3)
        rng = np.random.Generator(np.random.PCG64(seed))
        self.tables = Tables(
            *(
                scale * (2 * rng.random(shape) - 1)
                for shape in ((n, n), (n, n), (n, n, n), (n, n, n))
            )
        )
        self.horizon = horizon
        self.num_actions = n
        self.state_shape = (n,)
        self.initial_distribution = np.full((1, n), 1 / n)
        self._successors = np.broadcast_to(np.arange(n, dtype=np.int32), (n, n, n))
        self.reward_range = (-2.0 * scale, 2.0 * scale)

    def transition(self, xp, t, mu, z):
        slope, offset = self.tables.logit_slope, self.tables.logit_offset
        logits = xp.matmul(slope, mu[0]) + offset
        weights = xp.exp(logits - xp.max(logits, axis=0))
        law = weights / xp.sum(weights, axis=0)  # [S', S, A]
        return self._successors, xp.moveaxis(law, 0, -1)[None]

    def reward(self, xp, t, mu, z):
        slope, offset = self.tables.reward_slope, self.tables.reward_offset
        return (xp.matmul(slope, mu[0]) + offset)[None]
