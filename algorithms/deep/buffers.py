"""Memories of samples, as variables on the device.

A sample is a row of integers. TensorFlow keeps int32 variables on the host, hence
int64. Random numbers are stateless: a seed is an integer tensor [2].
"""

from __future__ import annotations

import abc

import tensorflow as tf

from algorithms.deep.randomness import uniform


class Buffer(abc.ABC):
    """Samples of which a subclass decides which ones to keep.

    Args:
      capacity: how many are kept.
      width: integers of a sample.

    Attributes:
      capacity: how many are kept.
      variables: all that it remembers, by name.
    """

    def __init__(self, capacity: int, width: int):
        self.capacity = capacity
        # Samples that are not kept are written to the last row, which is never read.
        self._rows = tf.Variable(tf.zeros((capacity + 1, width), tf.int64))
        self._count = tf.Variable(tf.zeros((), tf.int64))
        self.variables = {"rows": self._rows, "count": self._count}

    def add(self, samples: tf.Tensor, seed: tf.Tensor) -> None:
        """Takes samples [E, width] in their order."""
        numbers = self._count + tf.range(samples.shape[0], dtype=tf.int64)
        places = self._places(numbers, seed)
        # Of samples with one place the last one stays, in whatever order they are
        # written.
        later = tf.linalg.band_part(places[:, None] == places[None, :], 0, -1)
        later = tf.linalg.set_diag(later, tf.zeros(samples.shape[0], tf.bool))
        places = tf.where(tf.reduce_any(later, 1), self._trash, places)
        self._rows.scatter_nd_update(places[:, None], samples)
        self._count.assign_add(samples.shape[0])

    def sample(self, number: int, seed: tf.Tensor) -> tf.Tensor:
        """That many samples, uniform with replacement, [number, width].

        The buffer must not be empty.
        """
        places = tf.random.stateless_uniform(
            (number,), seed, 0, self.size(), tf.int64, alg="philox"
        )
        return tf.gather(self._rows, places)

    def kept(self) -> tf.Tensor:
        """All samples, [size, width]."""
        return self._rows[: self.size()]

    def size(self) -> tf.Tensor:
        """How many samples there are, int64."""
        return tf.minimum(self._count, self.capacity)

    @property
    def _trash(self) -> tf.Tensor:
        return tf.constant(self.capacity, tf.int64)

    @abc.abstractmethod
    def _places(self, numbers: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Where the samples that came with these numbers go, int64 [E]."""


class RingBuffer(Buffer):
    """The last samples."""

    def _places(self, numbers: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return numbers % self.capacity


class ReservoirBuffer(Buffer):
    """A uniform choice of all samples so far (Vitter 1985, Algorithm R).

    The n-th sample replaces each of those kept with probability 1 / n.
    """

    def _places(self, numbers: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        draws = uniform(numbers.shape, seed, tf.float64)
        chosen = tf.cast(draws * tf.cast(numbers + 1, tf.float64), tf.int64)
        chosen = tf.where(chosen < self.capacity, chosen, self._trash)
        return tf.where(numbers < self.capacity, numbers, chosen)
