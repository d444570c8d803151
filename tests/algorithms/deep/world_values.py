"""Exact values in the world of single players, by repeated backups.

Shapes: D decision nodes, A actions, K outcomes. Games are finite, so that as many
backups as there are decisions in a game give the values.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from algorithms.deep.players import NOWHERE, World


def best_values(world: World) -> tf.Tensor:
    """What each action is worth when the best ones follow, float32 [D, A]."""

    def best(q):
        return tf.reduce_max(tf.where(world.legal, q, q.dtype.min), axis=-1)

    return _values(world, best)


def policy_values(world: World, policy: tf.Tensor) -> tf.Tensor:
    """What each action is worth when a policy [D, A] follows, float32 [D, A]."""
    return _values(world, lambda q: tf.reduce_sum(policy * q, axis=-1))


def start_value(world: World, values: tf.Tensor) -> tf.Tensor:
    """The mean of nodes' values [D] over the starts, summed over the populations."""
    return tf.reduce_sum(
        world.start_probabilities * tf.gather(values, world.start_rows)
    )


def _values(world: World, summary: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """Backups until nothing changes; `summary` makes values of nodes from actions'."""
    places = tf.where(world.successors == NOWHERE, 0, world.successors + 1)

    def backup(q, _):
        after = tf.concat([tf.zeros(1, q.dtype), summary(q)], axis=0)
        expected = tf.reduce_sum(world.probabilities * tf.gather(after, places), -1)
        backed = world.rewards + expected
        return backed, tf.reduce_any(backed != q)

    q, _ = tf.while_loop(lambda _, changes: changes, backup, (world.rewards, True))
    return q
