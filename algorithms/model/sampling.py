"""The population as so many players show it."""

from __future__ import annotations

import tensorflow as tf


def sampled(mass: tf.Tensor, players: int, seed: tf.Tensor) -> tf.Tensor:
    """Where players are found who are drawn independently from a law.

    Args:
      mass: [..., S], up to a factor, which the result keeps.
      players: how many are drawn for each row.
      seed: integers [2].

    Returns:
      [..., S], shares of the players in multiples of 1 / `players`.
    """
    rows = tf.reshape(mass, [-1, mass.shape[-1]])
    total = tf.reduce_sum(rows, axis=-1, keepdims=True)
    uniforms = tf.random.stateless_uniform(
        (rows.shape[0], players), seed, dtype=mass.dtype, alg="philox"
    )
    places = tf.searchsorted(tf.cumsum(rows, axis=-1), uniforms * total, side="right")
    # Rounding must not let anybody fall off the last state that has a mass.
    states = tf.range(rows.shape[-1])
    last = tf.reduce_max(tf.where(rows > 0, states, 0), axis=-1, keepdims=True)
    places = tf.minimum(places, last)
    places += tf.range(rows.shape[0])[:, None] * rows.shape[-1]
    counts = tf.math.unsorted_segment_sum(
        tf.ones_like(places, mass.dtype), places, rows.shape[0] * rows.shape[1]
    )
    shares = tf.reshape(counts, rows.shape) / players * total
    return tf.reshape(shares, mass.shape)
