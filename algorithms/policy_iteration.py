"""Policy iteration against the policy's own flow, greedy or Boltzmann.

    policy <- uniform
    repeat: Q <- values of the policy against its flow
            policy <- greedy(Q), or softmax(Q / temperature)

Unlike mirror descent it keeps no sum of the Qs, and oscillates where that sum is what
calms the crowd (Lauriere et al. 2022, survey, section 3).
"""

from __future__ import annotations

import pyspiel
import tensorflow as tf

from algorithms.policy import greedy
from algorithms.regularisers import softmax
from algorithms.solver import Solver, State, Update
from mfg_games import parameters


class PolicyIteration(Solver):
    """Policy iteration: greedy for the values of the last policy.

    Args:
      game: any OpenSpiel mean field game, or its string.
      temperature: improve to softmax(Q / temperature) instead of the greedy policy.
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.
    """

    graph_options = ("_temperature",)

    def __init__(
        self,
        game: pyspiel.Game | str,
        temperature: float | None = None,
        dtype: str = "float64",
        device: str | None = None,
    ):
        if temperature is not None:
            parameters.positive("temperature", temperature)
        self._temperature = temperature
        super().__init__(game, dtype, device)

    def step_size(self) -> float:
        """The inverse temperature; of no effect on the greedy policy."""
        return 1 / (self._temperature or 1.0)

    def fresh_state(self) -> State:
        return {"policy": self.model.uniform_policy()}

    def _policy(self, state: State) -> tf.Tensor:
        return state["policy"]

    def _update(self, state: State, step_size: tf.Tensor) -> Update:
        legal = self.model.legal_actions  # before the sweeps discover further nodes
        flow, values = self._sweep(state["policy"])
        if self._temperature is None:
            policy = greedy(values.q, legal, values.totals.resolution)
        else:
            policy = softmax(step_size * values.q, legal)
        return Update({"policy": policy}, flow, values.totals)
