"""Fictitious play (Perrin et al. 2020, Algorithm 1).

    policy <- uniform
    repeat: mu <- flow of the policy
            b <- best response to mu (or its softmax)
            policy <- average of the policy and b, weighted by their flows

In monotone games exploitability falls like 1 / k (section 3, in continuous time).
"""

from __future__ import annotations

from collections.abc import Sequence
import math

import numpy as np
from open_spiel.python import policy as openspiel_policy
from open_spiel.python.mfg import distribution as openspiel_distribution
import pyspiel
import tensorflow as tf

from algorithms.distribution import DistributionPolicy
from algorithms.model import Evaluation, Flow
from algorithms.policy import ArrayPolicy, policy_array, respond
from algorithms.solver import Solver, State, Update, exclusive
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

    def iteration(
        self,
        br_policy: openspiel_policy.Policy | None = None,
        learning_rate: float | None = None,
    ) -> None:
        """Runs one iteration.

        Args:
          br_policy: respond to what the actions are worth if this is played after them,
            instead of the best.
          learning_rate: the weight of the response instead of the solver's own.

        Raises:
          FloatingPointError: a value became infinite or no number.
          ValueError: the learning rate is out of range, or the policy is of another
            game.
        """
        if br_policy is None:
            super().iteration(learning_rate)
        else:
            self._respond_with(br_policy, learning_rate)

    @exclusive
    def _respond_with(
        self, br_policy: openspiel_policy.Policy, learning_rate: float | None
    ) -> None:
        self._require_step(learning_rate)
        model, flow = self.model, self.flow
        q = model.compiled_evaluate(policy_array(model, br_policy), flow).q
        # Asked for before the sweep, which may discover further nodes.
        uniform = model.uniform_policy()
        policy = self._padded(self._state)["policy"]
        mass = tf.pad(flow.mass, [[0, len(policy) - len(flow.mass)]])
        response = respond(q, model.legal_actions, self._temperature)
        step = model.as_tensor(learning_rate or self.step_size())
        average = average_policy(
            (1 - step) * mass,
            policy,
            step * model.compiled_distribution(response).mass,
            response,
            tf.where(step < 1, uniform, response),
        )
        self._state, self._pending = {"policy": average}, None
        self.num_iterations += 1

    def get_correlating_policy(self) -> ArrayPolicy:
        """`get_policy`, under the name that OpenSpiel's learners ask for."""
        return self.get_policy()

    def get_correlating_distribution(self) -> DistributionPolicy:
        """`distribution`, under the name that OpenSpiel's learners ask for."""
        return self.distribution

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
    # The two shares sum to one up to rounding, which grows with the iterations.
    average = tf.math.divide_no_nan(average, tf.reduce_sum(average, -1, keepdims=True))
    return tf.where(total > 0, average, empty)


class MergedPolicy(openspiel_policy.Policy):
    """What a crowd plays on average whose parts play different policies.

    Args:
      game: an OpenSpiel mean field game.
      player_ids: the players that it is for.
      policies: of the parts.
      distributions: of each part, as if it were the whole crowd.
      weights: sizes of the parts, which sum to one.

    Raises:
      ValueError: the lengths differ, or the weights do not sum to one.
    """

    def __init__(
        self,
        game: pyspiel.Game,
        player_ids: Sequence[int],
        policies: Sequence[openspiel_policy.Policy],
        distributions: Sequence[openspiel_distribution.Distribution],
        weights: Sequence[float],
    ):
        lengths = [len(policies), len(distributions), len(weights)]
        if len(set(lengths)) > 1:
            raise ValueError(
                "There must be as many `policies` as `distributions` and `weights`. "
                f"Received: {lengths}"
            )
        valid = min(weights) >= 0 and math.isclose(sum(weights), 1.0)
        parameters.require(valid, "weights", weights, "not negative, with a sum of 1")
        super().__init__(game, player_ids)
        self._parts = list(zip(policies, distributions, weights, strict=True))

    def action_probabilities(
        self, state: pyspiel.State, player_id: int | None = None
    ) -> dict[int, float]:
        legal = state.legal_actions()
        merged, total = np.zeros(len(legal)), 0.0
        name = state.observation_string(pyspiel.PlayerId.DEFAULT_PLAYER_ID)
        for policy, distribution, weight in self._parts:
            mass = weight * distribution.value_str(name, 0.0)
            if mass > 0:
                played = policy.action_probabilities(state)
                merged += mass * np.array([played.get(a, 0.0) for a in legal])
                total += mass
        row = merged / total if total > 0 else np.full(len(legal), 1 / len(legal))
        return dict(zip(legal, row.tolist(), strict=True))
