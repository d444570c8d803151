"""A density that is learnt from samples: a neural spline flow (Durkan et al. 2019).

A standard normal is bent by layers, each of which bends half of the components by
splines whose shapes a network chooses from the other half, and from a context if the
density depends on one, such as time. Shapes: B samples, X components, C numbers of a
context.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import math

import numpy as np
import tensorflow as tf

from algorithms.deep import networks, randomness
from algorithms.deep.config import NetworkConfig
from algorithms.deep.networks import NetworkSpec
from algorithms.deep.splines import Spline
from mfg_games import parameters


@dataclasses.dataclass(frozen=True)
class FlowConfig(NetworkConfig):
    """Hyper-parameters of `NormalizingFlow`.

    Attributes:
      layers: how many times half of the components are bent; even.
      bins: of a spline.
      bound: splines bend what is within so many standard deviations.
      updates: gradient steps of a call of `fit`.
    """

    width: int = 64
    batch_size: int = 512
    clip_norm: float = 5.0
    layers: int = 6
    bins: int = 8
    bound: float = 4.0
    updates: int = 500

    def __post_init__(self):
        super().__post_init__()
        parameters.few("layers", self.layers, 2)
        parameters.require(self.layers % 2 == 0, "layers", self.layers, "even")
        parameters.at_least("bins", self.bins, 2)
        # The last layer of each network chooses the splines.
        rows = max(self.width if self.depth else 1, self.batch_size)
        parameters.fits(4 * self.layers * 3 * self.bins * rows, bins=self.bins)
        parameters.positive("bound", self.bound)
        parameters.at_least("updates", self.updates, 1)


class NormalizingFlow:
    """A density with samples and exact values.

    Args:
      num_components: X.
      config: the hyper-parameters.
      seed: of the initial weights and of the samples of gradient steps.
      num_context: C.

    Attributes:
      variables: all that it remembers, by name.

    Raises:
      ValueError: there are fewer than two components, and no context.
    """

    def __init__(
        self, num_components: int, config: FlowConfig, seed: int, num_context: int = 0
    ):
        fewest = 1 if num_context else 2
        parameters.at_least("num_components", num_components, fewest)
        self._size, self._num_context = num_components, num_context
        self._config = config
        self._stream = tf.constant(randomness.derived_seed(seed, "flow"), tf.int64)
        order = np.arange(num_components)
        middle = (num_components + 1) // 2
        halves = [half for half in (order[:middle], order[middle:]) if len(half)]
        self._halves = [halves[i % len(halves)] for i in range(config.layers)]
        self._networks = [
            self._shaper(bent, randomness.derived_seed(seed, f"layer {number}"))
            for number, bent in enumerate(self._halves)
        ]
        spec = NetworkSpec(1, 1)
        self._trainer = networks.Trainer(config, spec, *self._networks)
        # Samples are bent when their mean and deviation have been taken out.
        self._mean = tf.Variable(tf.zeros(num_components))
        self._scale = tf.Variable(tf.ones(num_components))
        samples = tf.TensorSpec((None, num_components), tf.float32)
        context = tf.TensorSpec((None, num_context), tf.float32)
        phase = tf.TensorSpec((), tf.int64)
        self._fit = networks.compiled(self._phase, samples, context, phase)

    @property
    def variables(self) -> Mapping[str, tf.Variable]:
        """All that it remembers, by name."""
        return networks.named_variables(
            networks=[v for net in self._networks for v in net.variables],
            optimizer=self._trainer.variables,
            standard={"mean": self._mean, "scale": self._scale},
        )

    def fit(
        self, samples: tf.Tensor, phase: int, context: tf.Tensor | None = None
    ) -> float:
        """Learns the density of samples [B, X].

        Args:
          samples: float32, drawn from it.
          phase: number of this call, which fixes its random numbers.
          context: float32 [B, C], of each sample.

        Returns:
          The mean loss, the samples' negative log likelihood.

        Raises:
          FloatingPointError: the loss became infinite or no number.
        """
        samples = tf.cast(samples, tf.float32)
        self._mean.assign(tf.reduce_mean(samples, axis=0))
        self._scale.assign(tf.math.reduce_std(samples, axis=0) + 1e-6)
        phase = tf.constant(phase, tf.int64)
        context = self._context(samples, context)
        return networks.finite(*self._fit(samples, context, phase), "flow loss")

    def log_density(
        self, samples: tf.Tensor, context: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Of samples [B, X] in contexts [B, C], [B]."""
        normals, log_slopes = self.to_normals(samples, context)
        constant = self._size * math.log(2 * math.pi)
        return log_slopes - (tf.reduce_sum(normals**2, axis=1) + constant) / 2

    def to_normals(
        self, samples: tf.Tensor, context: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """What samples [B, X] were made of, and log |determinant| of that map, [B]."""
        context = self._context(samples, context)
        values = (tf.cast(samples, tf.float32) - self._mean) / self._scale
        total = -tf.reduce_sum(tf.math.log(self._scale)) * tf.ones_like(values[:, 0])
        for number in reversed(range(len(self._halves))):
            values, log_slopes = self._bent(number, values, context, Spline.inverse)
            total -= log_slopes
        return values, total

    def of_normals(
        self, normals: tf.Tensor, context: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Samples of normals [B, X], and log |determinant| of that map, [B]."""
        context = self._context(normals, context)
        values = tf.cast(normals, tf.float32)
        total = tf.reduce_sum(tf.math.log(self._scale)) * tf.ones_like(values[:, 0])
        for number in range(len(self._halves)):
            values, log_slopes = self._bent(number, values, context, Spline.forward)
            total += log_slopes
        return values * self._scale + self._mean, total

    def sample(self, count: int, seed: tf.Tensor) -> tf.Tensor:
        """Float32 [count, X], from a seed, integers [2]."""
        return self.of_normals(randomness.normal((count, self._size), seed))[0]

    def _context(self, samples: tf.Tensor, context: tf.Tensor | None) -> tf.Tensor:
        if context is None:
            return tf.zeros((tf.shape(samples)[0], 0))
        return tf.cast(context, tf.float32)

    def _shaper(self, bent: np.ndarray, seed: int):
        """The network that chooses splines of the bent components from the others."""
        spec = NetworkSpec(self._size - len(bent) + self._num_context, 1)
        outputs = len(bent) * (3 * self._config.bins - 1)
        network = networks.mlp(spec, self._config, seed, outputs)
        last = network.layers[-1]
        last.set_weights([0 * weights for weights in last.get_weights()])
        return network  # and its flow is the identity

    def _bent(
        self, number: int, values: tf.Tensor, context: tf.Tensor, way
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """A layer there or back: values [B, X] and the sum of log slopes, [B]."""
        bent = self._halves[number]
        kept = np.setdiff1d(np.arange(self._size), bent)
        known = tf.concat([tf.gather(values, kept, axis=1), context], axis=1)
        chosen = self._networks[number](known)
        splines = tf.reshape(chosen, (-1, 3 * self._config.bins - 1))
        spline = Spline.of(splines, self._config.bound)
        flat = tf.reshape(tf.gather(values, bent, axis=1), [-1])
        found, log_slopes = (
            tf.reshape(part, (-1, len(bent))) for part in way(spline, flat)
        )
        parts = tf.concat([found, tf.gather(values, kept, axis=1)], axis=1)
        order = np.argsort(np.concatenate([bent, kept]))
        return tf.gather(parts, order, axis=1), tf.reduce_sum(log_slopes, axis=1)

    def _phase(
        self, samples: tf.Tensor, context: tf.Tensor, phase: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """`fit` as a graph."""
        config = self._config

        def update(step):
            seed = tf.stack([self._stream, phase * config.updates + step])
            uniforms = randomness.uniform((config.batch_size,), seed)
            count = tf.cast(tf.shape(samples)[0], tf.float32)
            rows = tf.cast(uniforms * count, tf.int32)
            batch = tf.gather(samples, rows), tf.gather(context, rows)
            return self._trainer.descend(
                lambda: -tf.reduce_mean(self.log_density(*batch))
            )

        return networks.repeated(update, config.updates)
