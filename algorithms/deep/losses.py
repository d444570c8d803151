"""Targets and losses of Q-learning, as pure functions.

Shapes: B samples, A actions. Rewards are discounted to time 0, as those of `Steps`
are, so that no target discounts again. All functions work eagerly, in graphs and
under XLA.
"""

from __future__ import annotations

import tensorflow as tf


def dqn_targets(
    rewards: tf.Tensor, next_q: tf.Tensor, next_legal: tf.Tensor, ends: tf.Tensor
) -> tf.Tensor:
    """Q-learning targets, r + max_b Q(x', b) over the actions legal at x'.

    Args:
      rewards: [B].
      next_q: [B, A], the target network's values at the next node.
      next_legal: bool [B, A], the actions legal there.
      ends: bool [B], whether there is no next node.

    Returns:
      [B].

    Raises:
      ValueError: the shapes do not fit.
    """
    _check(rewards, ends, next_q, next_legal)
    best = tf.reduce_max(tf.where(next_legal, next_q, next_q.dtype.min), axis=-1)
    return rewards + tf.where(ends, tf.zeros_like(best), best)


def policy_targets(
    rewards: tf.Tensor, next_q: tf.Tensor, next_policy: tf.Tensor, ends: tf.Tensor
) -> tf.Tensor:
    """Targets of a policy's values, r + sum_b pi(b | x') Q(x', b) (expected Sarsa).

    Args:
      rewards: [B].
      next_q: [B, A], the target network's values at the next node.
      next_policy: [B, A], 0 for illegal actions.
      ends: bool [B], whether there is no next node.

    Returns:
      [B].

    Raises:
      ValueError: the shapes do not fit.
    """
    _check(rewards, ends, next_q, next_policy)
    after = tf.reduce_sum(next_policy * next_q, axis=-1)
    return rewards + tf.where(ends, tf.zeros_like(after), after)


def munchausen_targets(
    rewards: tf.Tensor,
    log_policy: tf.Tensor,
    next_q: tf.Tensor,
    next_log_policy: tf.Tensor,
    ends: tf.Tensor,
    tau: float,
    alpha: float,
    smallest_probability: float,
) -> tf.Tensor:
    """Targets of Munchausen mirror descent (Lauriere et al. 2022, section 4).

    r + alpha tau log pi(a | x) + sum_b pi(b | x') (Q(x', b) - tau log pi(b | x')),

    where pi is the policy of the iteration before, not that of the network.

    Args:
      rewards: [B].
      log_policy: [B], of the actions taken.
      next_q: [B, A], the target network's values at the next node.
      next_log_policy: [B, A], -inf or as little as can be for illegal actions.
      ends: bool [B], whether there is no next node.
      tau: temperature.
      alpha: share of the bonus.
      smallest_probability: logarithms of smaller ones count as that of this one.

    Returns:
      [B].

    Raises:
      ValueError: the shapes do not fit.
    """
    _check(rewards, ends, next_q, next_log_policy)
    _require(
        log_policy.shape.is_compatible_with(rewards.shape), "log_policy", log_policy
    )
    floor = tf.math.log(tf.constant(smallest_probability, next_q.dtype))
    bonus = alpha * tau * tf.maximum(log_policy, floor)
    after = next_q - tau * tf.maximum(next_log_policy, floor)
    after = tf.reduce_sum(tf.exp(next_log_policy) * after, axis=-1)
    return rewards + bonus + tf.where(ends, tf.zeros_like(after), after)


def mse(values: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Mean squared error of values [B], a scalar; no gradient goes to the targets."""
    return tf.reduce_mean(tf.square(_errors(values, targets)))


def huber(values: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Mean Huber loss of values [B]: e^2 / 2 up to |e| = 1, |e| - 1/2 beyond."""
    sizes = tf.abs(_errors(values, targets))
    quadratic = tf.minimum(sizes, 1.0)
    return tf.reduce_mean(quadratic * (sizes - 0.5 * quadratic))


def _errors(values: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    _require(values.shape.rank == 1, "values", values)
    _require(targets.shape.is_compatible_with(values.shape), "targets", targets)
    return values - tf.stop_gradient(targets)


def _check(rewards, ends, next_q, table) -> None:
    """Shapes that would broadcast to something else must not."""
    _require(rewards.shape.rank == 1, "rewards", rewards)
    _require(ends.shape.is_compatible_with(rewards.shape), "ends", ends)
    _require(next_q.shape.rank == 2, "next_q", next_q)
    _require(rewards.shape.is_compatible_with(next_q.shape[:1]), "next_q", next_q)
    _require(table.shape.is_compatible_with(next_q.shape), "what fits next_q", table)


def _require(condition: bool, name: str, array: tf.Tensor) -> None:
    if not condition:
        raise ValueError(f"`{name}` has the wrong shape: {array.shape}")
