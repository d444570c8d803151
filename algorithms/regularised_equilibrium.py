"""Fixed point iteration for regularised equilibria (Cui & Koeppl 2021).

    policy <- uniform
    repeat: mu <- flow of the policy
            Q <- values of the best response to mu in the regularised game
            policy <- argmax_p <Q, p> - temperature h(p), the softmax of Q / temperature
                      if h is the negative entropy; averaged with the old if damped

In the regularised game each decision costs temperature * h(policy): under an entropy
the best response is worth temperature * logsumexp(Q / temperature) at each node, where
`FixedPoint(temperature=...)` takes the softmax of Q without regularisation. A fixed
point is a regularised equilibrium (the RelEnt equilibrium of the paper, up to the
constant between entropy and relative entropy to the uniform policy). At temperatures
high enough the iteration is a contraction (Theorem 3); at low ones it cycles like plain
fixed point iteration.
"""

from __future__ import annotations

import dataclasses

import pyspiel
import tensorflow as tf

from algorithms import regularisers
from algorithms.fixed_point import FixedPoint
from algorithms.model import Evaluation, Flow
from algorithms.programs import program
from algorithms.regularisers import Regulariser
from algorithms.solver import State, exclusive
from mfg_games import parameters


class RegularisedEquilibrium(FixedPoint):
    """Fixed point of the regularised game: softmaxes of regularised values.

    Args:
      game: any OpenSpiel mean field game, or its string.
      temperature: strength of the regularisation.
      damping: weight of the old policy in the new one, in [0, 1); the average is
        weighted by the flows, as in fictitious play.
      regulariser: h, one of "entropy", "euclidean" and "tsallis".
      tsallis_order: the order of "tsallis".
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.
    """

    graph_options = ("_temperature", "_regulariser")

    def __init__(
        self,
        game: pyspiel.Game | str,
        temperature: float = 1.0,
        damping: float = 0.0,
        regulariser: str = "entropy",
        tsallis_order: float = 0.5,
        dtype: str = "float64",
        device: str | None = None,
    ):
        parameters.positive("temperature", temperature)
        self._regulariser = regularisers.regulariser(regulariser, tsallis_order)
        super().__init__(game, temperature, damping, dtype, device)
        self._compiled_gap = program(self, "_gap")

    @property
    @exclusive
    def regularised_exploitability(self) -> float:
        """What the best response of the regularised game gains there.

        Summed over populations; zero exactly at a regularised equilibrium.
        """
        self._state = self._padded(self._state)
        return float(self._compiled_gap(self._state))

    def _gap(self, state: State) -> tf.Tensor:
        policy = self._policy(state)
        flow = self.model.distribution(policy)
        values = self.model.evaluate(policy, flow, self._costs())
        return values.totals.exploitability

    def _costs(self) -> Regulariser:
        return dataclasses.replace(self._regulariser, strength=self._temperature)

    def _response(
        self, policy: tf.Tensor, flow: Flow, values: Evaluation, legal: tf.Tensor
    ) -> tf.Tensor:
        values = self.model.evaluate(policy, flow, self._costs())
        return self._costs().policy(values.best_q, legal)
