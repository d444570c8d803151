"""What a network sees of the population: how dense it is in each state.

Shapes: N populations, S states, R rows of nodes, of which N * S follow each other for
each time and noise history.
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from mfg_games.dynamics import Dynamics

# Added to densities before their logarithm is taken. Networks that see logarithms
# generalise better than those that see densities (by a quarter, exploring a line).
_LEAST = 0.01
# Two layers of 16 filters of 3 x 3; the second one sees every other place.
_FILTERS = 16
_KERNEL = 3
_STRIDES = (1, 2)


class Crowd(NamedTuple):
    """How the last features of a row, the densities, lie in space.

    Attributes:
      num_populations: N.
      num_states: S.
      shape: rows and columns of the image that a convolution sees; None for a network
        that sees no neighbourhood.
      cells: int [S], the place of each state in the image, counted row by row.
    """

    num_populations: int
    num_states: int
    shape: tuple[int, int] | None = None
    cells: tuple[int, ...] = ()

    @classmethod
    def of(cls, dynamics: Dynamics, embedding: str) -> Crowd:
        """The crowd of a game.

        Args:
          dynamics: the game.
          embedding: "dense", "convolution", or "auto": a convolution where the states
            are places in a plane.
        """
        sizes = dynamics.num_populations, dynamics.num_states
        coordinates, shape = dynamics.state_coordinates(), dynamics.state_shape
        planar = len(shape) == 2
        if embedding == "auto":
            embedding = "convolution" if planar and min(shape) > 1 else "dense"
        if embedding == "dense":
            return cls(*sizes)
        if not planar:
            raise ValueError(
                "`embedding` 'convolution' needs states with two factors. "
                f"Received: {len(shape)} in {shape}"
            )
        cells = coordinates[:, 0] * shape[1] + coordinates[:, 1]
        return cls(*sizes, tuple(shape), tuple(cells.tolist()))

    @property
    def size(self) -> int:
        """How many densities there are."""
        return self.num_populations * self.num_states

    def densities(self, mass: tf.Tensor) -> tf.Tensor:
        """The population that each row faces, as a network sees it.

        Args:
          mass: [R].

        Returns:
          float32 [R, N * S]: the logarithm of each population's shares times S, 0 where
          it is uniform; of shares below a hundredth of that, about log 0.01.
        """
        laws = tf.reshape(mass, [-1, self.num_populations, self.num_states])
        laws /= tf.reduce_mean(laws, axis=2, keepdims=True)
        laws = tf.math.log(tf.cast(laws, tf.float32) + _LEAST)
        laws = tf.reshape(laws, [-1, self.size])
        return tf.repeat(laws, self.size, axis=0)

    def embedded(self, densities: keras.KerasTensor, seed: int, dtype: str):
        """The densities, or what a convolution makes of them, flat."""
        if self.shape is None:
            return densities
        image = self._image(densities)
        for number, strides in enumerate(_STRIDES):
            initializer = keras.initializers.GlorotUniform(seed + number)
            image = keras.layers.Conv2D(
                _FILTERS,
                _KERNEL,
                strides,
                padding="same",
                activation="relu",
                kernel_initializer=initializer,
                dtype=dtype,
            )(image)
        return keras.ops.concatenate(
            [densities, keras.layers.Flatten()(image)], axis=-1
        )

    def _image(self, densities: keras.KerasTensor) -> keras.KerasTensor:
        """[B, rows, columns, N + 1]: the densities, and where states are."""
        rows, columns = self.shape
        scatter = np.zeros((self.num_states, rows * columns), np.float32)
        scatter[np.arange(self.num_states), list(self.cells)] = 1.0
        populations = keras.ops.reshape(
            densities, (-1, self.num_populations, self.num_states)
        )
        image = keras.ops.matmul(populations, scatter)
        image = keras.ops.transpose(image, (0, 2, 1))
        places = keras.ops.add(
            keras.ops.zeros_like(image[:, :, :1]), scatter.sum(axis=0)[None, :, None]
        )
        image = keras.ops.concatenate([image, places], axis=-1)
        return keras.ops.reshape(image, (-1, rows, columns, self.num_populations + 1))
