"""Policies as arrays over a model's nodes, and as OpenSpiel policies."""

from __future__ import annotations

import itertools

import numpy as np
from open_spiel.python import policy as openspiel_policy
import pyspiel
import tensorflow as tf

from algorithms.model import MeanFieldModel
from algorithms.regularisers import softmax

# Two actions whose values differ by less, relative to the values' size, are tied.
TIE_TOLERANCE = {tf.float64: 1e-10, tf.float32: 1e-5}


def greedy(q: tf.Tensor, legal: tf.Tensor) -> tf.Tensor:
    """The deterministic policy of the best actions, [D, A].

    Ties go to the first legal action, everywhere. Values within `TIE_TOLERANCE` of
    the best count as tied, so that symmetric games do not depend on the rounding of
    one machine.
    """
    q = tf.where(legal, q, q.dtype.min)
    best = tf.reduce_max(q, axis=-1, keepdims=True)
    tied = q >= best - TIE_TOLERANCE[q.dtype] * (1 + tf.abs(best))
    first = tf.argmax(tf.cast(tied, tf.int32), axis=-1)
    return tf.one_hot(first, q.shape[-1], dtype=q.dtype)


def respond(q: tf.Tensor, legal: tf.Tensor, temperature: float | None) -> tf.Tensor:
    """The greedy policy, or softmax(q / temperature) if there is a temperature."""
    return greedy(q, legal) if temperature is None else softmax(q / temperature, legal)


class ArrayPolicy(openspiel_policy.Policy):
    """A policy on a model's nodes that plays in OpenSpiel.

    Attributes:
      model: the model whose rows `probabilities` has.
      probabilities: [D, A].
    """

    def __init__(self, model: MeanFieldModel, probabilities: np.ndarray | tf.Tensor):
        super().__init__(model.game, list(range(model.game.num_players())))
        self.model = model
        self.probabilities = np.asarray(probabilities)

    def __reduce__(self):
        return (type(self), (self.model, self.probabilities))

    def action_probabilities(
        self, state: pyspiel.State, player_id: int | None = None
    ) -> dict[int, float]:
        legal = state.legal_actions()
        if len(legal) == 1:
            return {legal[0]: 1.0}
        row = self.probabilities[self.model.node_index(state)]
        return {action: float(row[action]) for action in legal}


def policy_array(model: MeanFieldModel, policy: openspiel_policy.Policy) -> tf.Tensor:
    """Any OpenSpiel policy of the model's game as an array, [D, A].

    A tabular policy lacks the states that nobody can reach; they get uniform rows.

    Raises:
      ValueError: a row is no distribution over the legal actions, the policy raises a
        KeyError at a state that it reaches, or it was made for another game.
    """
    if isinstance(policy, ArrayPolicy) and _same_rows(policy.model, model):
        return model.as_tensor(policy.probabilities)
    if str(policy.game) != str(model.game):
        raise ValueError(
            f"The policy was made for `{policy.game}`, not for `{model.game}`."
        )
    rows = model.uniform_policy().numpy().astype(np.float64)
    unknown = {}
    for index, state in enumerate(model.decision_states()):
        if state is None:
            continue
        try:
            probabilities = policy.action_probabilities(state)
        except KeyError:
            unknown[index] = state
            continue
        rows[index] = 0
        for action, probability in probabilities.items():
            rows[index, action] = probability
    _check_rows(model, rows)
    array = model.as_tensor(rows)
    if unknown:
        mass = model.compiled_distribution(array).mass.numpy()
        for index, state in unknown.items():
            if mass[index] > 0:
                raise ValueError(f"The policy reaches {state} but does not know it.")
    return array


def _same_rows(model: MeanFieldModel, other: MeanFieldModel) -> bool:
    """Whether arrays of one model fit another, which may have another dtype."""
    if model is other:
        return True
    return (
        type(model) is type(other)
        and model.game is other.game
        and (not model.node_names())
    )


def _check_rows(model: MeanFieldModel, rows: np.ndarray) -> None:
    """Raises a ValueError unless all rows are distributions over legal actions."""
    possible = (rows == 0) | (model.legal_actions.numpy() & (rows > 0))
    wrong = ~possible.all(axis=1) | ~(abs(rows.sum(axis=1) - 1) <= 1e-6)
    if wrong.any():
        index = int(np.argmax(wrong))
        state = next(itertools.islice(model.decision_states(), index, None))
        raise ValueError(f"The policy is no distribution at {state}: {rows[index]}")
