"""Fictitious play (Perrin et al. 2020, Algorithm 1).

    policy <- uniform
    repeat: mu <- flow of the policy
            b <- best response to mu (or its softmax)
            policy <- average of the policy and b, weighted by their flows

In monotone games exploitability falls like 1 / k (section 3, in continuous time).
"""

from __future__ import annotations

import pyspiel
import tensorflow as tf

from algorithms.model import Evaluation, Flow
from algorithms.policy import respond
from algorithms.solver import Solver, State, Update
from mfg_games import parameters


class FictitiousPlay(Solver):
    """Fictitious play, plain, softmax or damped: the average of all best responses.

    Args:
      game: any OpenSpiel mean field game, or its string.
      lr: constant weight of each new best response (damped fictitious play); None for
        1 / (k + 1) at iteration k = 1, 2, ...: the average over all iterations.
      temperature: respond with softmax(Q / temperature) instead of the best response.
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.
    """

    largest_step = 1.0

    graph_options = ("_temperature",)

    def __init__(
        self,
        game: pyspiel.Game | str,
        lr: float | None = None,
        temperature: float | None = None,
        dtype: str = "float64",
        device: str | None = None,
    ):
        if lr is not None:
            parameters.require(0 < lr <= 1, "lr", lr, "above 0 and at most 1")
        if temperature is not None:
            parameters.positive("temperature", temperature)
        self._lr = lr
        self._temperature = temperature
        super().__init__(game, dtype, device)

    def step_size(self) -> float:
        return self._lr or 1 / (self.num_iterations + 2)

    def fresh_state(self) -> State:
        return {"policy": self.model.uniform_policy()}

    def _policy(self, state: State) -> tf.Tensor:
        return state["policy"]

    def _update(self, state: State, step_size: tf.Tensor) -> Update:
        # Asked for before the sweeps, which may discover further nodes.
        legal, uniform = self.model.legal_actions, self.model.uniform_policy()
        policy = state["policy"]
        flow, values = self._sweep(policy)
        response = self._response(policy, flow, values, legal)
        average = average_policy(
            (1 - step_size) * flow.mass,
            policy,
            step_size * self.model.distribution(response).mass,
            response,
            tf.where(step_size < 1, uniform, response),
        )
        return Update({"policy": average}, flow, values.totals)

    def _response(
        self, policy: tf.Tensor, flow: Flow, values: Evaluation, legal: tf.Tensor
    ) -> tf.Tensor:
        """What a newcomer to the flow plays, [D, A]."""
        rounding = values.totals.resolution
        return respond(values.best_q, legal, self._temperature, rounding)


def average_policy(
    mass: tf.Tensor,
    policy: tf.Tensor,
    response_mass: tf.Tensor,
    response: tf.Tensor,
    empty: tf.Tensor,
) -> tf.Tensor:
    """The policy of a crowd in which a part plays one policy and the rest another.

    Args:
      mass: [D], of the one part,
      policy: [D, A], and what it plays.
      response_mass: [D], of the other part,
      response: [D, A], and what it plays.
      empty: [D, A], the policy where nobody comes.
    """
    total = (mass + response_mass)[:, None]
    # Shares, since products of probabilities and the smallest masses would underflow;
    # two of them, since 1 - share would round a small share of the policy away.
    kept = tf.math.divide_no_nan(mass[:, None], total)
    share = tf.math.divide_no_nan(response_mass[:, None], total)
    average = kept * policy + share * response
    return tf.where(total > 0, average, empty)
