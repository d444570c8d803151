"""Prior descent (Cui & Koeppl 2021, "Approximately solving mean field games").

    prior <- uniform, policy <- uniform
    repeat: mu <- flow of the policy
            Q <- values of the best response to mu
            policy <- prior * exp(Q / temperature), normalised
            after every n_inner iterations: prior <- policy

All is kept as logarithms, so that no temperature makes the policy underflow. If the
prior is never replaced, this is the fixed point iteration with softmax responses, the
GMF-V of Guo et al. 2019 for a known model. MFGLib 0.3.0 replaces the prior one
iteration earlier, after n_inner - 1, 2 n_inner - 1, ... of them.
"""

from __future__ import annotations

import pyspiel
import tensorflow as tf

from algorithms.regularisers import softmax
from algorithms.solver import Solver, State, Update
from mfg_games import parameters


class PriorDescent(Solver):
    """Prior descent: softmax responses relative to a policy replaced now and then.

    The learning rate of an iteration is the weight, in logarithms, of the new policy
    in the prior of the next ones.

    Args:
      game: any OpenSpiel mean field game, or its string.
      temperature: of the responses.
      n_inner: iterations from one prior to the next; None to keep the uniform one.
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.
    """

    largest_step = 1.0

    graph_options = ("_temperature",)

    def __init__(
        self,
        game: pyspiel.Game | str,
        temperature: float = 1.0,
        n_inner: int | None = None,
        dtype: str = "float64",
        device: str | None = None,
    ):
        parameters.positive("temperature", temperature)
        if n_inner is not None:
            parameters.at_least("n_inner", n_inner, 1)
        self._temperature = temperature
        self._n_inner = n_inner
        super().__init__(game, dtype, device)

    def step_size(self) -> float:
        due = self._n_inner and (self.num_iterations + 1) % self._n_inner == 0
        return 1.0 if due else 0.0

    def fresh_state(self) -> State:
        zeros = tf.zeros(
            (self.model.num_nodes, self.model.num_actions), self.model.dtype
        )
        return {"prior_logits": zeros, "logits": zeros}

    def _policy(self, state: State) -> tf.Tensor:
        return softmax(state["logits"], self.model.legal_actions)

    def _update(self, state: State, step_size: tf.Tensor) -> Update:
        flow, values = self._sweep(self._policy(state))
        gain = values.best_q / self._temperature
        prior = state["prior_logits"]
        state = {"prior_logits": prior + step_size * gain, "logits": prior + gain}
        return Update(state, flow, values.totals)
