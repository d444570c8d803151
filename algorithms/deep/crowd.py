"""What a network sees of the population: how dense it is in each state.

Shapes: N populations, S states, W places around a player, R rows of nodes, of which
N * S follow each other for each time and noise history.
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
# Of the places that players see around themselves, in each dimension.
_RADIUS = 3
EMBEDDINGS = ("auto", "dense", "around", "convolution")
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
        without one.
      cells: int [S], the place of each state in the image, counted row by row.
      around: int [S, W], the states around each one in the same order, S where there is
        none; None for players who do not look around themselves.
    """

    num_populations: int
    num_states: int
    shape: tuple[int, int] | None = None
    cells: tuple[int, ...] = ()
    around: np.ndarray | None = None

    @classmethod
    def of(cls, dynamics: Dynamics, embedding: str) -> Crowd:
        """The crowd of a game.

        Args:
          dynamics: the game.
          embedding: "dense", all densities as they are; "around", moreover those of
            the places near the player once again, from where he stands; "convolution",
            moreover what a convolution makes of all; "auto" is "around" where states
            have one or two factors, else "dense".

        Raises:
          ValueError: a convolution is asked for where states are not in a plane.
        """
        sizes = dynamics.num_populations, dynamics.num_states
        coordinates, shape = dynamics.state_coordinates(), dynamics.state_shape
        if embedding == "auto":
            embedding = "around" if len(shape) <= 2 else "dense"
        if embedding == "dense":
            return cls(*sizes)
        if embedding == "around":
            return cls(*sizes, around=_around(coordinates))
        if len(shape) != 2:
            raise ValueError(
                "`embedding` 'convolution' needs states with two factors. "
                f"Received: {len(shape)} in {shape}"
            )
        cells = coordinates[:, 0] * shape[1] + coordinates[:, 1]
        return cls(*sizes, tuple(shape), tuple(cells.tolist()))

    @property
    def size(self) -> int:
        """How many features there are."""
        near = 0 if self.around is None else self.around.shape[1]
        return self.num_populations * (self.num_states + near)

    def densities(self, mass: tf.Tensor) -> tf.Tensor:
        """The population that each row faces, as a network sees it.

        Args:
          mass: [R].

        Returns:
          float32 [R, size]: the logarithm of each population's shares times S, 0 where
          it is uniform; of shares below a hundredth of that, about log 0.01; where
          there is no state, 0.
        """
        laws = tf.reshape(mass, [-1, self.num_populations, self.num_states])
        laws /= tf.reduce_mean(laws, axis=2, keepdims=True)
        laws = tf.math.log(tf.cast(laws, tf.float32) + _LEAST)
        rows = self.num_populations * self.num_states
        everywhere = tf.repeat(tf.reshape(laws, [-1, rows]), rows, axis=0)
        if self.around is None:
            return everywhere
        near = tf.gather(tf.pad(laws, [[0, 0], [0, 0], [0, 1]]), self.around, axis=2)
        near = tf.transpose(near, [0, 2, 1, 3])  # [., S, N, W]
        near = tf.tile(near[:, None], [1, self.num_populations, 1, 1, 1])
        near = tf.reshape(near, [-1, self.size - rows])
        return tf.concat([everywhere, near], axis=1)

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


def _around(coordinates: np.ndarray) -> np.ndarray:
    """States [S, W] around each state by their coordinates [S, dimensions], or S."""
    window = np.arange(-_RADIUS, _RADIUS + 1)
    dimensions = coordinates.shape[1]
    offsets = np.stack(np.meshgrid(*[window] * dimensions, indexing="ij"), axis=-1)
    places = coordinates[:, None] + offsets.reshape(-1, dimensions)
    number = {tuple(place): state for state, place in enumerate(coordinates.tolist())}
    found = [
        [number.get(tuple(place), len(coordinates)) for place in row]
        for row in places.tolist()
    ]
    found = np.array(found)
    return found[:, (found < len(coordinates)).any(axis=0)]  # places that exist
