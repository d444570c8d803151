"""A game as payoffs that are linear in what a single player does.

Where transitions do not depend on the crowd, a policy is its occupation measure x, the
mass of each decision node and action, and the crowd of a mixture of policies is the
mixture of their measures. Against a crowd that plays a policy with advantages
A = Q - V there and the value v (the performance difference lemma, Kakade & Langford
2002),

    J(x, crowd) = v + <x, A>,

so that one sweep pays all policies at once, and the best response to several crowds, of
which a player knows nothing but the probabilities, is that to their mean advantages: a
decision problem whose rewards are given.

Where transitions do depend on the crowd, such a player would learn from its own moves
which crowd it is in. That is a problem of partial observation, which is not solved
here.

Shapes: D decision nodes, A actions. Measures are float64 [D * A].
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import pyspiel
import tensorflow as tf

from algorithms.correlated.given_rewards import ArrayProblem, TableProblem
from algorithms.model import MeanFieldModel, load_model
from algorithms.model.array_model import ArrayModel
from algorithms.planner import load_planner
from algorithms.policy import greedy


class Crowd(NamedTuple):
    """What a player meets in a crowd.

    Attributes:
      value: what the crowd's players earn, summed over populations.
      advantages: float64 [D * A].
    """

    value: float
    advantages: np.ndarray


class Response(NamedTuple):
    """A best response.

    Attributes:
      value: what it earns of the given rewards, summed over populations.
      measure: float64 [D * A].
    """

    value: float
    measure: np.ndarray


class LinearGame:
    """A game whose transitions do not depend on the crowd.

    Args:
      model: of the game.
      device: a TensorFlow device; None for TensorFlow's choice.

    Attributes:
      model: as given.

    Raises:
      ValueError: transitions depend on the crowd.
    """

    def __init__(self, model: MeanFieldModel, device: str | None = None):
        self.model = model
        if _crowd_moves(model):
            raise ValueError(
                "`game` must have transitions that do not depend on the crowd: else a "
                "player who does not know the crowd learns about it from its own "
                f"moves. Received: game=`{model.game}`"
            )
        if isinstance(model, ArrayModel):
            self._problem = ArrayProblem(model.game, model.dtype.name, device)
        else:
            self._problem = TableProblem(model)
        self._compiled_meet = model.compile(self._meet)
        self._compiled_respond = model.compile(self._respond)

    def meet(self, measure: np.ndarray) -> Crowd:
        """The crowd with this measure."""
        value, advantages = self._compiled_meet(self._rows(measure))
        return Crowd(float(value), _flat(advantages))

    def respond(self, rewards: np.ndarray) -> Response:
        """The best response to rewards [D * A]; ties go to the first legal action."""
        value, measure = self._compiled_respond(self._rows(rewards))
        return Response(float(value), _flat(measure))

    def measure(self, policy: np.ndarray | tf.Tensor) -> np.ndarray:
        """The measure of a policy [D, A]."""
        rows = self.model.as_tensor(policy)
        return _flat(self.model.compiled_distribution(rows).mass[:, None] * rows)

    def policy(self, measure: np.ndarray) -> np.ndarray:
        """The policy [D, A] of a measure; uniform where nobody comes."""
        return played(self.model, self._rows(measure)).numpy()

    def _rows(self, measure: np.ndarray) -> tf.Tensor:
        return self.model.as_tensor(measure.reshape(-1, self.model.num_actions))

    def _meet(self, measure: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        policy = played(self.model, measure)
        values = self.model.evaluate(policy, self.model.distribution(policy))
        earned = tf.reduce_sum(policy * values.q, axis=-1, keepdims=True)
        return tf.reduce_sum(values.totals.value), values.q - earned

    def _respond(self, rewards: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        value, q = self._problem.solve(rewards)
        policy = greedy(q, self.model.legal_actions)
        return value, self.model.distribution(policy).mass[:, None] * policy


def load_linear_game(
    game: pyspiel.Game | str, dtype: str = "float64", device: str | None = None
) -> LinearGame:
    """The linear payoffs of a game; those of the games used last are remembered.

    Args:
      game: an OpenSpiel mean field game, or its string.
      dtype: "float64" or "float32", of the sweeps.
      device: a TensorFlow device; None for TensorFlow's choice.

    Raises:
      ValueError: transitions depend on the crowd; or as for `load_model`.
    """
    return _linear_game(load_model(game, dtype, device), device)


@functools.lru_cache(maxsize=8)
def _linear_game(model: MeanFieldModel, device: str | None) -> LinearGame:
    return LinearGame(model, device)


def played(model: MeanFieldModel, measure: tf.Tensor) -> tf.Tensor:
    """The policy of a measure, both [D, A]; uniform where nobody comes."""
    mass = tf.reduce_sum(measure, axis=-1, keepdims=True)
    policy = tf.math.divide_no_nan(measure, mass)
    return tf.where(mass > 0, policy, model.uniform_policy())


def _crowd_moves(model: MeanFieldModel) -> bool:
    if isinstance(model, ArrayModel):
        return load_planner(model.game).crowd_moves
    return bool(model.node_names())


def _flat(rows: tf.Tensor) -> np.ndarray:
    return rows.numpy().astype(np.float64).ravel()
