"""What backward sweeps carry from one time to the one before it."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from algorithms.regularisers import Regulariser


class Carry(NamedTuple):
    """What is known of the nodes of one time: H histories, N populations, S states.

    Attributes:
      columns: [2, H, N, S], values of the policy and of the best response, less the
        base.
      base: float64 [H, N], a part of the values that all states share.
    """

    columns: tf.Tensor
    base: tf.Tensor


def centred(
    rewards: tf.Tensor, weights: tf.Tensor, dtype: tf.DType
) -> tuple[tf.Tensor, tf.Tensor]:
    """Splits rewards into their mean and the rest.

    Args:
      rewards: float64 [H, N, S, A or 1].
      weights: float64, of the mean, in the same shape, with a sum of one.
      dtype: of the rest.

    Returns:
      The rest in the shape of `rewards`, and the mean, float64 [H, N].
    """
    # Sums of weights are rounded, which of a large constant would leave much.
    one = rewards[:, :, :1, :1]
    mean = one + tf.reduce_sum(weights * (rewards - one), [2, 3], keepdims=True)
    mean = tf.stop_gradient(mean)
    return tf.cast(rewards - mean, dtype), mean[:, :, 0, 0]


def decide(
    q: tf.Tensor,
    best_q: tf.Tensor,
    policy: tf.Tensor,
    legal: tf.Tensor | None,
    regulariser: Regulariser | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Values of decisions to the policy and to the best response.

    Args:
      q: [..., A], what actions are worth when the policy is followed later.
      best_q: [..., A], what they are worth when the best response is.
      policy: [..., A].
      legal: bool, broadcastable to [..., A]; None if everything is.
      regulariser: of `MeanFieldModel.evaluate`.

    Returns:
      (values, best values), each [...].
    """
    value = tf.reduce_sum(policy * q, axis=-1)
    if legal is not None:
        best_q = tf.where(legal, best_q, q.dtype.min)
    if regulariser is None:
        return value, tf.reduce_max(best_q, axis=-1)
    value -= regulariser.value(policy)
    everything = tf.ones(q.shape[-1], tf.bool)
    return value, regulariser.conjugate(best_q, everything if legal is None else legal)
