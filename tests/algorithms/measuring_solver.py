"""An exact solver that measures and keeps variables, as those that learn do."""

from collections.abc import Mapping
import types

import tensorflow as tf

from algorithms.mirror_descent import MirrorDescent


class MeasuringSolver(MirrorDescent):
    """Its loss is 1 / k in iteration k = 1, 2, ...; `spoilt` is what it is instead."""

    spoilt: Mapping[int, float] = types.MappingProxyType({})

    def __init__(self, game, lr: float = 0.1):
        super().__init__(game, lr=lr)
        self._measured = {}
        self.variables = {"moves": tf.Variable(0, dtype=tf.int64)}

    @property
    def metrics(self):
        return self._measured

    def iteration(self, learning_rate=None):
        super().iteration(learning_rate)
        number = self.num_iterations
        loss = self.spoilt.get(number, 1 / number)
        self.variables["moves"].assign_add(64)
        self._measured = {"loss": loss, "moves": 64, "updates": 8}
