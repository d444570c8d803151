"""Distillation of a mixture of policies in continuous space into one network.

The network is the squashed normal that is likeliest to have chosen what the players of
the mixture did where they were, one player after the other:

    student <- argmax E over players (x, a) at all times of log pi(a | x, t)

Where players of the mixture meet who do opposite things, their normal is wide.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses

import tensorflow as tf

from algorithms.deep import networks, randomness
from algorithms.deep.config import NetworkConfig
from algorithms.deep.continuous_play import features, log_density
from algorithms.deep.networks import NetworkSpec
from mfg_games import parameters
from mfg_games.continuous import ContinuousGame


@dataclasses.dataclass(frozen=True)
class ContinuousStudentConfig(NetworkConfig):
    """Hyper-parameters of `ContinuousStudent`.

    Attributes:
      batch_size: samples of a gradient step, of any times.
      updates: gradient steps of a phase.
      averaging: what the moving average of the weights, which plays, keeps of itself in
        a gradient step; 0 for the last weights.
    """

    width: int = 64
    learning_rate: float = 1e-3
    batch_size: int = 512
    updates: int = 1000
    averaging: float = 0.99

    def __post_init__(self):
        super().__post_init__()
        parameters.at_least("updates", self.updates, 1)
        parameters.averaging(self.averaging)


class ContinuousStudent:
    """A network that learns what players did.

    Args:
      game: the game.
      config: the hyper-parameters.
      seed: of the initial weights and of the samples of gradient steps.

    Attributes:
      network: the average of the weights, which plays.
      variables: all that it remembers, by name.
    """

    def __init__(
        self, game: ContinuousGame, config: ContinuousStudentConfig, seed: int
    ):
        self._game, self._config = game, config
        self._seed = randomness.derived_seed(seed, "batches")
        spec = NetworkSpec(game.num_components + 1, 1)
        weights = randomness.derived_seed(seed, "student")
        self._learner, self.network = (
            networks.mlp(spec, config, weights, 2 * game.num_controls) for _ in range(2)
        )
        self._trainer = networks.Trainer(config, spec, self._learner)
        self._learn = networks.compiled(
            self._phase,
            tf.TensorSpec((game.horizon, None, game.num_components)),
            tf.TensorSpec((game.horizon, None, game.num_controls)),
            tf.TensorSpec((), tf.int64),
        )

    @property
    def variables(self) -> Mapping[str, tf.Variable]:
        """All that it remembers, by name."""
        return networks.named_variables(
            learner=self._learner.variables,
            network=self.network.variables,
            optimizer=self._trainer.variables,
        )

    def fit(self, states: tf.Tensor, actions: tf.Tensor, phase: int) -> float:
        """Learns what players did.

        Args:
          states: where they were, float32 [T, P, X].
          actions: what they did there, float32 [T, P, U].
          phase: number of this call, which fixes its random numbers.

        Returns:
          The mean loss, the negative log likelihood.

        Raises:
          FloatingPointError: the loss became infinite or no number.
        """
        mean, done = self._learn(states, actions, tf.constant(phase, tf.int64))
        return networks.finite(mean, done, "student's loss")

    def _phase(
        self, states: tf.Tensor, actions: tf.Tensor, phase: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """`fit` as a graph."""
        game, config = self._game, self._config
        times = tf.range(game.horizon)[:, None]
        seen = features(game, times, states)
        seen = tf.reshape(seen, (-1, game.num_components + 1))
        actions = tf.reshape(actions, (-1, game.num_controls))
        count = tf.cast(tf.shape(actions)[0], tf.float32)

        def update(step):
            seed = tf.stack([self._seed, phase * config.updates + step])
            draws = randomness.uniform((config.batch_size,), seed)
            rows = tf.cast(draws * count, tf.int32)
            chosen, theirs = tf.gather(seen, rows), tf.gather(actions, rows)

            def loss():
                outputs = self._learner(chosen)
                return -tf.reduce_mean(log_density(game, outputs, theirs))

            value = self._trainer.descend(loss)
            networks.blend(self._learner, self.network, 1 - config.averaging)
            return value

        return networks.repeated(update, config.updates)
