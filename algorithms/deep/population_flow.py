"""The law of a population over time, as a normalizing flow.

Shapes: T decision times, B players, X components of a state.
"""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from algorithms.deep import networks, randomness
from algorithms.deep.normalizing_flow import FlowConfig, NormalizingFlow

_BLUR = 0.03
_SMALLEST = 1e-3  # deviation that is told apart from none


class PopulationFlow:
    """Densities of the players' states at the times from 0 to T.

    Means and deviations of each time are tables; what is left is the business of one
    normalizing flow, which sees the time. Players are blurred by a small share of the
    deviation: at a bound where many of them stay there would be no density.

    Args:
      horizon: T.
      num_components: X.
      config: of the flow.
      seed: of the initial weights and of the samples of gradient steps.
    """

    def __init__(
        self, horizon: int, num_components: int, config: FlowConfig, seed: int
    ):
        self._times, self._size = horizon + 1, num_components
        self._seed = randomness.derived_seed(seed, "blur")
        self._flow = NormalizingFlow(num_components, config, seed, num_context=1)
        self._means = tf.Variable(tf.zeros((self._times, num_components)))
        self._stds = tf.Variable(tf.ones((self._times, num_components)))

    @property
    def variables(self) -> Mapping[str, tf.Variable]:
        """All that it remembers, by name."""
        tables = networks.named_variables(
            moments={"means": self._means, "stds": self._stds}
        )
        return {**tables, **self._flow.variables}

    def fit(self, states: tf.Tensor, phase: int) -> float:
        """Learns the law of players.

        Args:
          states: float32 [T + 1, B, X], of equally many players at all times.
          phase: number of this call, which fixes its random numbers.

        Returns:
          The mean loss, the negative log likelihood in units of the deviations.

        Raises:
          FloatingPointError: the loss became infinite or no number.
        """
        self._means.assign(tf.reduce_mean(states, axis=1))
        self._stds.assign(tf.math.reduce_std(states, axis=1) + _SMALLEST)
        standard = tf.reshape(self._standard(states), (-1, self._size))
        blur = randomness.normal(standard.shape, [self._seed, phase])
        context = self._context(states.shape[1])
        return self._flow.fit(standard + _BLUR * blur, phase, context)

    def sample(self, count: int, seed: tf.Tensor) -> tf.Tensor:
        """Float32 [T + 1, count, X], from a seed, integers [2]."""
        shape = (self._times * count, self._size)
        normals = randomness.normal(shape, seed)
        values, _ = self._flow.of_normals(normals, self._context(count))
        values = tf.reshape(values, (self._times, count, self._size))
        return values * self._stds[:, None] + self._means[:, None]

    def log_density(self, states: tf.Tensor) -> tf.Tensor:
        """Of states [T + 1, B, X] at their times, [T + 1, B]."""
        flat = tf.reshape(self._standard(states), (-1, self._size))
        logs = self._flow.log_density(flat, self._context(states.shape[1]))
        scale = tf.reduce_sum(tf.math.log(self._stds), axis=1)
        return tf.reshape(logs, (self._times, -1)) - scale[:, None]

    def _standard(self, states: tf.Tensor) -> tf.Tensor:
        return (states - self._means[:, None]) / self._stds[:, None]

    def _context(self, count: int) -> tf.Tensor:
        """The times in -1..1, one for each of as many players, [(T + 1) B, 1]."""
        times = tf.linspace(-1.0, 1.0, self._times)
        return tf.repeat(times, count)[:, None]
