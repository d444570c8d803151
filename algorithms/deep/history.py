"""All networks that a solver has had."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import tensorflow as tf

from algorithms.deep import networks


class NetworkHistory:
    """Weights of networks of one kind.

    Args:
      network: one of them, into whose likes the weights are loaded.

    Attributes:
      variables: all weights, by name.
    """

    def __init__(self, network: keras.Model):
        self._network = keras.models.clone_model(network)
        size = sum(tf.size(variable) for variable in network.variables)
        # It grows by a row for each network.
        self._rows = tf.Variable(tf.zeros((0, size)), shape=(None, size))
        self.variables: Mapping[str, tf.Variable] = {"weights": self._rows}
        self._outputs = networks.on_all_rows(self._network)

    def __len__(self) -> int:
        return len(self._rows.value())

    def append(self, network: keras.Model) -> None:
        """Remembers a network as it is now."""
        row = networks.flat_weights(network)[None]
        self._rows.assign(tf.concat([self._rows, row], axis=0))

    def outputs(self, number: int, features: tf.Tensor) -> tf.Tensor:
        """What a network, counted from 0, says of features [D, F].

        Raises:
          ValueError: there is no such network.
        """
        if not 0 <= number < len(self):
            raise ValueError(
                f"There are {len(self)} networks, counted from 0. Received: {number}"
            )
        sizes = [tf.size(variable) for variable in self._network.variables]
        parts = tf.split(self._rows[number], sizes)
        for variable, part in zip(self._network.variables, parts, strict=True):
            variable.assign(tf.reshape(part, variable.shape))
        return self._outputs(features)
