"""Players who walk through a game side by side, inside a graph.

Shapes: E players, D decision nodes, A actions, K outcomes, R start rows, F features.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from algorithms.deep.randomness import uniform
from algorithms.model import Flow, MeanFieldModel

NOWHERE = -1  # the row of a player whose game has ended


class World(NamedTuple):
    """What single players meet in a population whose flow is frozen.

    Attributes:
      successors, probabilities, rewards: of `Steps`, int64 and float32; `NOWHERE` is
        the end.
      legal: bool [D, A].
      start_rows, start_probabilities: int64 and float32 [R]; the populations come in
        equal shares.
      features: float32 [D, F], what a network sees of each node.
    """

    successors: tf.Tensor
    probabilities: tf.Tensor
    rewards: tf.Tensor
    legal: tf.Tensor
    start_rows: tf.Tensor
    start_probabilities: tf.Tensor
    features: tf.Tensor

    @classmethod
    def signature(cls, num_actions: int, num_features: int) -> World:
        """The specification of a world, whatever its number of nodes."""
        spec = tf.TensorSpec
        return cls(
            spec((None, num_actions, None), tf.int64),
            spec((None, num_actions, None), tf.float32),
            spec((None, num_actions), tf.float32),
            spec((None, num_actions), tf.bool),
            spec((None,), tf.int64),
            spec((None,), tf.float32),
            spec((None, num_features), tf.float32),
        )


def world(model: MeanFieldModel, flow: Flow, features: tf.Tensor) -> World:
    """The world of a model's game under a flow."""
    steps, start = model.compiled_steps(flow), model.start()
    ended = steps.successors == model.num_nodes
    successors = tf.where(ended, NOWHERE, steps.successors)
    return World(
        tf.cast(successors, tf.int64),
        tf.cast(steps.probabilities, tf.float32),
        tf.cast(steps.rewards, tf.float32),
        model.legal_actions,
        tf.cast(start.rows, tf.int64),
        tf.cast(start.probabilities, tf.float32),
        features,
    )


def draw(probabilities: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """Inverts cumulative distributions.

    Args:
      probabilities: [..., K], up to a factor, or [K] for all; an outcome of
        probability 0 never comes.
      uniforms: [...], in [0, 1).

    Returns:
      int64 [...].
    """
    cumulated = tf.cumsum(probabilities, axis=-1)
    reached = uniforms[..., None] * cumulated[..., -1:] >= cumulated
    return tf.reduce_sum(tf.cast(reached, tf.int64), axis=-1)


def draw_starts(world: World, uniforms: tf.Tensor) -> tf.Tensor:
    """Rows where games begin, int64 [E], from uniforms [E] in [0, 1)."""
    return tf.gather(world.start_rows, draw(world.start_probabilities, uniforms))


def draw_successors(world: World, places: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """Rows that moves lead to, or `NOWHERE`.

    Args:
      world: where the moves are made.
      places: int64 [E, 2], rows and actions.
      uniforms: [E], in [0, 1).

    Returns:
      int64 [E].
    """
    outcomes = draw(tf.gather_nd(world.probabilities, places), uniforms)
    successors = tf.gather_nd(world.successors, places)
    return tf.gather(successors, outcomes, axis=1, batch_dims=1)


def explore(policy: tf.Tensor, legal: tf.Tensor, exploration: float) -> tf.Tensor:
    """A policy [..., A] that plays a random legal action with some probability."""
    legal = tf.cast(legal, policy.dtype)
    uniform = legal / tf.reduce_sum(legal, axis=-1, keepdims=True)
    return (1 - exploration) * policy + exploration * uniform


class Players:
    """Players who start again when their game has ended.

    Args:
      number: E.

    Attributes:
      number: E.
      variables: where they are, by name.
    """

    def __init__(self, number: int):
        self.number = number
        self._rows = tf.Variable(tf.fill([number], tf.constant(NOWHERE, tf.int64)))
        self.variables = {"rows": self._rows}

    def restart(self) -> None:
        """All begin a new game with their next move."""
        self._rows.assign(tf.fill(self._rows.shape, tf.constant(NOWHERE, tf.int64)))

    def move(
        self,
        world: World,
        behaviour: Callable[[tf.Tensor], tf.Tensor],
        seed: tf.Tensor,
    ) -> tf.Tensor:
        """One move of every player.

        Args:
          world: where they are.
          behaviour: maps rows [E] to probabilities of actions [E, A].
          seed: integers [2].

        Returns:
          int64 [E, 3]: the decision's row, the action, and the next decision's row or
          `NOWHERE`.
        """
        uniforms = uniform((3, self.number), seed)
        starts = draw_starts(world, uniforms[0])
        rows = tf.where(self._rows == NOWHERE, starts, self._rows)
        actions = draw(behaviour(rows), uniforms[1])
        places = tf.stack([rows, actions], axis=1)
        after = draw_successors(world, places, uniforms[2])
        self._rows.assign(after)
        return tf.concat([places, after[:, None]], axis=1)
