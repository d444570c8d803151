"""A network that learns where moves lead from samples of them.

Which nodes an action may lead to is known, the K outcomes of `World.successors`; how
likely each one is is learnt, as a softmax over the outcomes. A sample is a node, an
action and the next node: its loss is minus the logarithm of the probability of all
outcomes that lead there. An outcome is told to the network by its number, in binary, so
that one network serves any number of them.

Shapes: D decision nodes, A actions, K outcomes, F features, B samples.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses

import numpy as np
import tensorflow as tf

from algorithms.deep import networks, randomness
from algorithms.deep.config import NetworkConfig
from algorithms.deep.networks import NetworkSpec
from algorithms.deep.players import Players, World, explore
from mfg_games import parameters

_BITS = 16  # more outcomes than these can number would fit into no memory


@dataclasses.dataclass(frozen=True)
class KernelConfig(NetworkConfig):
    """Hyper-parameters of `LearntKernel`.

    Attributes:
      batch_size: players who move side by side; each gradient step learns from one
        move of each.
      updates: gradient steps of an iteration.
      exploration: probability of a random legal action of these players.
    """

    width: int = 64
    updates: int = 1000
    exploration: float = 0.5

    def __post_init__(self):
        super().__post_init__()
        parameters.at_least("updates", self.updates, 1)
        parameters.probability("exploration", self.exploration)


class LearntKernel:
    """Learns the law of the outcomes.

    Args:
      spec: sizes and precision of the networks that see the nodes.
      config: the hyper-parameters.
      seed: of all random numbers.

    Attributes:
      variables: all that it remembers, by name.
    """

    def __init__(self, spec: NetworkSpec, config: KernelConfig, seed: int):
        self._config = config
        self._stream = tf.constant(randomness.derived_seed(seed, "kernel"), tf.int64)
        spec = spec._replace(num_features=spec.num_features + _BITS)
        self._network = networks.mlp(
            spec, config, randomness.derived_seed(seed, "kernel weights")
        )
        self._trainer = networks.Trainer(config, spec, self._network)
        self._players = Players(config.batch_size)
        self.variables: Mapping[str, tf.Variable] = networks.named_variables(
            network=self._network.variables,
            optimizer=self._trainer.variables,
            players=self._players.variables,
        )
        world = World.signature(spec.num_actions, spec.num_features - _BITS)
        policy = tf.TensorSpec((None, spec.num_actions), tf.float32)
        number = tf.TensorSpec((), tf.int64)
        self._learn = networks.compiled(self._phase, world, policy, number, xla=False)
        self._laws = networks.compiled(self._law, world.features, number, xla=False)

    @property
    def counts(self) -> Mapping[str, int]:
        """Moves and updates of a call of `learn`."""
        updates = self._config.updates
        return {"moves": updates * self._config.batch_size, "updates": updates}

    def learn(self, world: World, policy: tf.Tensor, phase: int) -> float:
        """Plays and learns for `updates` gradient steps.

        Args:
          world: where to play.
          policy: float32 [D, A], what the players do where they do not explore.
          phase: number of this call, which fixes its random numbers.

        Returns:
          The mean loss.

        Raises:
          FloatingPointError: the loss became infinite or no number.
        """
        phase = tf.constant(phase, tf.int64)
        return networks.finite(*self._learn(world, policy, phase), "kernel loss")

    def probabilities(self, world: World) -> tf.Tensor:
        """Of the outcomes of all actions at all nodes, float32 [D, A, K]."""
        outcomes = tf.shape(world.successors, tf.int64)[-1]
        return networks.in_batches(
            lambda features: self._laws(features, outcomes), world.features
        )

    def _phase(
        self, world: World, policy: tf.Tensor, phase: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """`learn` as a graph."""

        def behave(rows):
            chosen, legal = tf.gather(policy, rows), tf.gather(world.legal, rows)
            return explore(chosen, legal, self._config.exploration)

        def update(step):
            seed = tf.stack([self._stream, phase * self._config.updates + step])
            moves = self._players.move(world, behave, seed)
            return self._trainer.descend(lambda: self._loss(world, moves))

        return networks.repeated(update, self._config.updates)

    def _loss(self, world: World, moves: tf.Tensor) -> tf.Tensor:
        """Mean cross entropy of moves [B, 3]."""
        taken, after = moves[:, :2], moves[:, 2:]
        successors = tf.gather_nd(world.successors, taken)
        features = tf.gather(world.features, taken[:, 0])
        laws = self._logits(features, tf.shape(successors, tf.int64)[-1])
        laws = tf.nn.log_softmax(tf.gather(laws, taken[:, 1], axis=1, batch_dims=1))
        leads_there = tf.where(successors == after, laws, laws.dtype.min)
        return -tf.reduce_mean(tf.reduce_logsumexp(leads_there, axis=-1))

    def _law(self, features: tf.Tensor, outcomes: tf.Tensor) -> tf.Tensor:
        return tf.nn.softmax(self._logits(features, outcomes))

    def _logits(self, features: tf.Tensor, outcomes: tf.Tensor) -> tf.Tensor:
        """Scores of the outcomes, of features [B, F], [B, A, K]."""
        numbers = tf.range(outcomes)[:, None] // 2 ** np.arange(_BITS) % 2
        size = tf.shape(features, tf.int64)[0]
        nodes = tf.repeat(features, outcomes, axis=0)
        numbers = tf.tile(tf.cast(numbers, features.dtype), [size, 1])
        scores = self._network(tf.concat([nodes, numbers], axis=1))
        scores = tf.reshape(scores, [size, outcomes, scores.shape[-1]])
        return tf.transpose(scores, [0, 2, 1])
