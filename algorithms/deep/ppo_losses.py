"""Advantages and losses of proximal policy optimisation, as pure functions.

Shapes: L moves of E players; B samples, A actions. Rewards are discounted to time 0,
as those of `Steps` are, so that nothing here discounts again. All functions work
eagerly, in graphs and under XLA.
"""

from __future__ import annotations

import tensorflow as tf


def generalised_advantages(
    rewards: tf.Tensor,
    values: tf.Tensor,
    next_values: tf.Tensor,
    ends: tf.Tensor,
    trace: float,
) -> tf.Tensor:
    """Generalised advantage estimation (Schulman et al. 2016, eq. 16).

    A_l = d_l + trace A_{l+1}, where d_l = r_l + V(x_{l+1}) - V(x_l); nothing follows
    the end of a game or the last move of the walk.

    Args:
      rewards: [L, E].
      values: [L, E], of the nodes where the moves were made.
      next_values: [L, E], of the nodes they led to; ignored at an end.
      ends: bool [L, E], whether the game was over after the move.
      trace: lambda; 0 for the error of one move, 1 for the whole walk.

    Returns:
      [L, E].

    Raises:
      ValueError: the shapes do not fit.
    """
    for name, array in (("values", values), ("next_values", next_values)):
        _same_shape(name, array, rewards)
    _same_shape("ends", ends, rewards)
    errors = rewards + tf.where(ends, tf.zeros_like(values), next_values) - values
    decay = tf.where(ends, tf.zeros_like(values), trace * tf.ones_like(values))
    return tf.scan(
        lambda after, move: move[0] + move[1] * after,
        (errors, decay),
        tf.zeros_like(errors[0]),
        reverse=True,
    )


def standardised(advantages: tf.Tensor) -> tf.Tensor:
    """Shifted and scaled to mean 0 and deviation 1; 0 where all are the same."""
    centred = advantages - tf.reduce_mean(advantages)
    deviation = tf.sqrt(tf.reduce_mean(tf.square(centred)))
    return centred / tf.maximum(deviation, 1e-6)


def clipped_surrogate(
    log_probabilities: tf.Tensor,
    old_log_probabilities: tf.Tensor,
    advantages: tf.Tensor,
    clip: float,
) -> tf.Tensor:
    """The loss of cautious improvement (Schulman et al. 2017, eq. 7).

    -mean min(ratio A, clipped ratio A), where the ratio is that of the new and the old
    probability of the action taken, clipped to 1 - clip .. 1 + clip.

    Args:
      log_probabilities: [B], of the actions taken.
      old_log_probabilities: [B], when they were taken.
      advantages: [B].
      clip: how far the ratio may go from 1 with profit.

    Returns:
      A scalar.

    Raises:
      ValueError: the shapes do not fit.
    """
    _same_shape("old_log_probabilities", old_log_probabilities, log_probabilities)
    _same_shape("advantages", advantages, log_probabilities)
    ratio = tf.exp(log_probabilities - old_log_probabilities)
    clipped = tf.clip_by_value(ratio, 1 - clip, 1 + clip)
    return -tf.reduce_mean(tf.minimum(ratio * advantages, clipped * advantages))


def entropy(log_policy: tf.Tensor) -> tf.Tensor:
    """Mean entropy of distributions, in nats.

    Args:
      log_policy: [B, A], finite: as little as can be for illegal actions.

    Returns:
      A scalar.
    """
    return -tf.reduce_mean(tf.reduce_sum(tf.exp(log_policy) * log_policy, axis=-1))


def _same_shape(name: str, array: tf.Tensor, other: tf.Tensor) -> None:
    """Shapes that would broadcast to something else must not."""
    if not array.shape.is_compatible_with(other.shape):
        raise ValueError(f"`{name}` has the wrong shape: {array.shape}")
