"""Random numbers that a seed fixes: stateless, and the same with and without XLA."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

_MOST = 1 - 2**-22  # 5.1 standard deviations


def derived_seed(seed: int, *path: int | str) -> int:
    """A seed of its own for each use of random numbers.

    Args:
      seed: the solver's.
      *path: names and numbers that tell the uses apart.
    """
    words = [part if isinstance(part, int) else list(part.encode()) for part in path]
    words = np.concatenate([np.atleast_1d(word) for word in words])
    return int(np.random.SeedSequence([seed, *words]).generate_state(1)[0])


def branch(seed: tf.Tensor, number: int) -> tf.Tensor:
    """A seed, integers [2], for one of several uses of another one."""
    return seed + tf.constant([number, 0], seed.dtype)


def uniform(shape: tuple[int, ...], seed: tf.Tensor, dtype=tf.float32) -> tf.Tensor:
    """Random numbers in [0, 1).

    Made from integers, since `stateless_uniform` of a floating type gives other numbers
    under XLA.

    Args:
      shape: of the result.
      seed: integers [2].
      dtype: float32 or float64.
    """
    digits = {tf.float32: 24, tf.float64: 53}[dtype]
    bits = tf.random.stateless_uniform(
        shape, seed, 0, 2**digits, tf.int64, alg="philox"
    )
    return tf.cast(bits, dtype) / 2**digits


def normal(shape: tuple[int, ...], seed: tf.Tensor) -> tf.Tensor:
    """Standard normals, float32; arguments of `uniform`."""
    centered = 2 * uniform(shape, seed) - 1
    # Nearer to 1 some kernels round to 1, whose normal is infinite.
    return tf.sqrt(2.0) * tf.math.erfinv(tf.clip_by_value(centered, -_MOST, _MOST))
