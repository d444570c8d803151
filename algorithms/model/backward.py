"""What backward sweeps carry from one time to the one before it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from algorithms.regularisers import Regulariser


class Carry(NamedTuple):
    """What is known of the nodes of one time: H histories, N populations, S states.

    Attributes:
      columns: [2, H, N, S], the policy's values above the base, and what the best
        response gains.
      base: float64 [H, N], a part of the values that all states share.
      resolution: float64 scalar, how much of the gains may be rounding.
    """

    columns: tf.Tensor
    base: tf.Tensor
    resolution: tf.Tensor


def centred(
    rewards: tf.Tensor, weights: tf.Tensor, dtype: tf.DType
) -> tuple[tf.Tensor, tf.Tensor]:
    """Splits rewards into their mean and the rest.

    Args:
      rewards: float64 [H, N, S, A or 1].
      weights: of the mean, in the same shape; zeros for a mean of zero.
      dtype: of the rest.

    Returns:
      The rest in the shape of `rewards`, and the mean, float64 [H, N].
    """
    weights = tf.cast(weights, tf.float64)
    paid, total = (
        tf.reduce_sum(array, [2, 3]) for array in (weights * rewards, weights)
    )
    mean = tf.stop_gradient(tf.math.divide_no_nan(paid, total))
    return tf.cast(rewards - mean[:, :, None, None], dtype), mean


def rounding(values: tf.Tensor, means: tf.Tensor) -> tf.Tensor:
    """The rounding of one step: that of values, and of rewards with such means."""
    return sum(
        float(np.finfo(array.dtype.as_numpy_dtype).eps)
        * tf.cast(tf.reduce_max(tf.abs(array)), tf.float64)
        for array in (values, means)
    )


def decide(
    q: tf.Tensor,
    later_gain: tf.Tensor,
    policy: tf.Tensor,
    legal: tf.Tensor | None,
    regulariser: Regulariser | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Values of decisions and what the best response gains from there on.

    The gain is what the policy loses here against its own best action, plus the best
    that comes of an action: what is gained later less what the action loses now. No
    totals are subtracted, so that gains stay exact where they are small, and no gain is
    negative.

    Args:
      q: [..., A], what actions are worth when the policy is followed later.
      later_gain: [..., A], what the best response gains after each action.
      policy: [..., A].
      legal: bool, broadcastable to [..., A]; None if everything is.
      regulariser: of `MeanFieldModel.evaluate`.

    Returns:
      (values, gains), each [...].
    """

    def masked(array: tf.Tensor, illegal: float) -> tf.Tensor:
        return array if legal is None else tf.where(legal, array, illegal)

    most = tf.reduce_max(masked(q, q.dtype.min), axis=-1)
    behind = masked(most[..., None] - q, 0.0)
    lost = tf.reduce_sum(policy * behind, axis=-1)
    ahead = later_gain - behind
    if regulariser is None:
        best = tf.reduce_max(masked(ahead, q.dtype.min), axis=-1)
        return most - lost, best + lost
    lost += regulariser.value(policy)
    everything = tf.ones(q.shape[-1], tf.bool)
    best = regulariser.conjugate(ahead, everything if legal is None else legal)
    kept = tf.reduce_sum(policy * later_gain, axis=-1)  # gained without a change here
    return most - lost, tf.maximum(best + lost, kept)
