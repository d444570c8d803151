"""Munchausen online mirror descent (Lauriere et al. 2022, "Scalable deep RL").

    policy <- uniform
    repeat: mu <- flow of the policy
            Q <- r + alpha tau log policy
                 + E[sum_b policy(b) (Q(b) - tau log policy(b)) at the next state]
            policy <- softmax(Q / tau)

The bonus alpha tau log policy carries what mirror descent sums up, so that a network
can learn Q without keeping older ones. Here everything is exact. With q = Q - alpha tau
log policy the recursion is the policy's evaluation in the game that pays
(1 - alpha) tau times the policy's entropy, and the update, up to constants of the rows,

    log policy <- alpha log policy + q / tau.

So alpha = 1 is mirror descent at rate 1 / tau. Below 1 it is damped mirror descent of
the regularised game, and converges, if at all, to that game's equilibrium, whose
exploitability does not vanish.
"""

from __future__ import annotations

from open_spiel.python.mfg import value as openspiel_value
import pyspiel
import tensorflow as tf

from algorithms.mirror_descent import MirrorDescent
from algorithms.model import Evaluation, Flow, ScorePolicy
from algorithms.regularisers import Entropy
from mfg_games import parameters


class MunchausenMirrorDescent(MirrorDescent):
    """Munchausen mirror descent: softmax of values with a bonus for the last policy.

    Args:
      game: any OpenSpiel mean field game, or its string.
      state_value: of no effect, as in OpenSpiel's class of the same name.
      lr: 1 / tau, mirror descent's learning rate.
      root_state: the game's start, which is the default.
      alpha: share of the last policy's logarithm in the bonus, in [0, 1].
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.
    """

    graph_options = (*MirrorDescent.graph_options, "_regularised")

    def __init__(
        self,
        game: pyspiel.Game | str,
        state_value: openspiel_value.ValueFunction | None = None,
        lr: float = 0.01,
        root_state: pyspiel.State | None = None,
        alpha: float = 1.0,
        dtype: str = "float64",
        device: str | None = None,
    ):
        parameters.probability("alpha", alpha)
        self._regularised = alpha < 1
        damping = 1 - alpha
        super().__init__(
            game,
            state_value,
            lr,
            root_state,
            damping=damping,
            dtype=dtype,
            device=device,
        )

    def _gains(self, policy: ScorePolicy, flow: Flow, values: Evaluation) -> tf.Tensor:
        if not self._regularised:
            return values.scores
        entropy = Entropy(self._temperature)
        return self.model.evaluate(policy, flow, entropy).scores
