"""Policies as arrays over a model's nodes, and as OpenSpiel policies."""

from __future__ import annotations

import itertools

import numpy as np
from open_spiel.python import policy as openspiel_policy
import pyspiel
import tensorflow as tf

from algorithms import openspiel_arguments
from algorithms.model import MeanFieldModel
from algorithms.regularisers import softmax

# Two actions are tied whose values differ by less than such a share of the difference
# between the best action and the worst one.
TIE_TOLERANCE = {tf.float64: 1e-10, tf.float32: 1e-5}

# By how much the sum of a policy's row may miss one: networks are in float32.
_SUM_TOLERANCE = 1e-6

# Values are sums of some terms, each of which is rounded.
_ROUNDINGS = 8


def greedy(
    q: tf.Tensor, legal: tf.Tensor, rounding: tf.Tensor | float = 0.0
) -> tf.Tensor:
    """The deterministic policy of the best actions, [D, A].

    Ties go to the first legal action, everywhere. Values that differ from the best by
    rounding alone, or by a tiny share of what actions differ by, count as tied, so that
    symmetric games do not depend on the rounding of one machine.

    Args:
      q: [D, A].
      legal: bool [D, A].
      rounding: how much of a difference may be rounding, `Totals.resolution`; that of
        `q` itself counts anyway.
    """
    best = tf.reduce_max(tf.where(legal, q, q.dtype.min), axis=-1, keepdims=True)
    worst = tf.reduce_min(tf.where(legal, q, q.dtype.max), axis=-1, keepdims=True)
    own = _ROUNDINGS * np.finfo(q.dtype.as_numpy_dtype).eps
    own *= tf.maximum(tf.abs(best), tf.abs(worst))
    least = tf.maximum(own, tf.cast(rounding, q.dtype))
    tied = legal & (q >= best - TIE_TOLERANCE[q.dtype] * (best - worst) - least)
    first = tf.argmax(tf.cast(tied, tf.int32), axis=-1)
    return tf.one_hot(first, q.shape[-1], dtype=q.dtype)


def respond(
    q: tf.Tensor,
    legal: tf.Tensor,
    temperature: float | None,
    rounding: tf.Tensor | float = 0.0,
) -> tf.Tensor:
    """The greedy policy, or softmax(q / temperature) if there is a temperature.

    `rounding` is that of `greedy`.
    """
    if temperature is None:
        return greedy(q, legal, rounding)
    return softmax(q / temperature, legal)


def in_dtype(policy: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """A network's policy, float32 [D, A], with rows that sum to one in another dtype.

    Where they sum to one in single precision alone, masses get lost on the way, and
    the policy seems to gain or lose what its rows are short of.
    """
    rows = tf.cast(policy, dtype)
    return rows / tf.reduce_sum(rows, axis=-1, keepdims=True)


class ArrayPolicy(openspiel_policy.Policy):
    """A policy on a model's nodes that plays in OpenSpiel.

    Args:
      model: the model whose rows `probabilities` has.
      probabilities: [D, A]; fewer rows than D where the model has met further nodes
        since.

    Attributes:
      model: the model.
      probabilities: [D, A], read-only.

    Raises:
      ValueError: a row is no distribution over the legal actions.
    """

    def __init__(self, model: MeanFieldModel, probabilities: np.ndarray | tf.Tensor):
        super().__init__(model.game, list(range(model.game.num_players())))
        self.model = model
        self.probabilities = np.asarray(probabilities).view()
        self.probabilities.setflags(write=False)
        _check_rows(model, self.probabilities)

    def __reduce__(self):
        return (type(self), (self.model, self.probabilities))

    def action_probabilities(
        self, state: pyspiel.State, player_id: int | None = None
    ) -> dict[int, float]:
        legal = state.legal_actions()
        if len(legal) == 1:
            return {legal[0]: 1.0}
        index = self.model.node_index(state)
        if index >= len(self.probabilities):  # a node that the model has met since
            return dict.fromkeys(legal, 1 / len(legal))
        row = self.probabilities[index]
        return {action: float(row[action]) for action in legal}


def policy_array(model: MeanFieldModel, policy: openspiel_policy.Policy) -> tf.Tensor:
    """Any OpenSpiel policy of the model's game as an array, [D, A].

    A tabular policy lacks the states that nobody can reach; they get uniform rows.

    Raises:
      ValueError: a row is no distribution over the legal actions, the policy raises a
        KeyError at a state that it reaches, or it was made for another game.
    """
    if isinstance(policy, ArrayPolicy) and _same_rows(policy.model, model):
        return model.as_tensor(_summing_to_one(policy.probabilities))
    openspiel_arguments.require_same_game("policy", policy, model.game)
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
    array = model.as_tensor(_summing_to_one(rows))
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
    if rows.ndim != 2 or rows.shape[1] != model.num_actions:
        raise ValueError(
            f"A policy of `{model.game}` needs rows of {model.num_actions} "
            f"probabilities. Received: an array of shape {rows.shape}"
        )
    if len(rows) > model.num_nodes:
        raise ValueError(
            f"A policy of `{model.game}` has {model.num_nodes} rows at most. "
            f"Received: {len(rows)}"
        )
    legal = model.legal_actions.numpy()[: len(rows)]
    possible = (rows == 0) | (legal & (rows > 0))
    sums = rows.sum(axis=1, dtype=np.float64)
    wrong = ~possible.all(axis=1) | ~(abs(sums - 1) <= _SUM_TOLERANCE)
    if wrong.any():
        index = int(np.argmax(wrong))
        state = next(itertools.islice(model.decision_states(), index, None))
        raise ValueError(
            f"The policy is no distribution at {state or model.node_names()[index]}, "
            f"whose legal actions are {np.flatnonzero(legal[index]).tolist()}: "
            f"{rows[index]}"
        )


def _summing_to_one(rows: np.ndarray) -> np.ndarray:
    """Rows that sum to one up to `_SUM_TOLERANCE`, float64, up to its rounding."""
    rows = rows.astype(np.float64)
    sums = rows.sum(axis=1)
    off = np.abs(sums - 1) > _ROUNDINGS * np.finfo(np.float64).eps
    rows[off] /= sums[off, None]
    return rows
