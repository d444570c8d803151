"""Online mirror descent (Perolat et al. 2021, Algorithm 1).

    y <- 0
    repeat: policy <- softmax(y)
            mu <- flow of the policy
            Q <- values of the policy against mu
            y <- y + lr * Q

OpenSpiel's class of the same name updates the table that the policy under evaluation
reads; this one is the paper's algorithm.
"""

from __future__ import annotations

import pyspiel
import tensorflow as tf

from algorithms.policy import softmax
from algorithms.solver import Solver, State, Update
from mfg_games import parameters


class MirrorDescent(Solver):
    """Online mirror descent: softmax of the sum of all values so far.

    Args:
      game: any OpenSpiel mean field game, or its string.
      lr: learning rate.
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.
    """

    def __init__(
        self,
        game: pyspiel.Game | str,
        lr: float = 0.01,
        dtype: str = "float64",
        device: str | None = None,
    ):
        parameters.positive("lr", lr)
        self._lr = lr
        super().__init__(game, dtype, device)

    def step_size(self) -> float:
        return self._lr

    def fresh_state(self) -> State:
        shape = (self.model.num_nodes, self.model.num_actions)
        return {"cumulative_q": tf.zeros(shape, self.model.dtype)}

    def _policy(self, state: State) -> tf.Tensor:
        return softmax(state["cumulative_q"], self.model.legal_actions)

    def _update(self, state: State, step_size: tf.Tensor) -> Update:
        flow, values = self._sweep(self._policy(state))
        cumulative_q = state["cumulative_q"] + step_size * values.q
        return Update(
            {"cumulative_q": cumulative_q}, flow, values.value, values.best_value
        )
