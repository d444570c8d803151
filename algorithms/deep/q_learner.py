"""Deep Q-learning in a population whose flow is frozen, inside one graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import keras
import tensorflow as tf

from algorithms.deep import losses, networks, randomness
from algorithms.deep.buffers import RingBuffer
from algorithms.deep.config import QLearningConfig
from algorithms.deep.networks import NetworkSpec
from algorithms.deep.players import NOWHERE, Players, World, explore

_LOSSES = {"mse": losses.mse, "huber": losses.huber}


class Batch(NamedTuple):
    """Moves from which targets are made: B of them, A actions.

    Attributes:
      rewards: [B], against the current flow, however old the move is.
      log_policy: [B], of the actions taken, under the policy that `learn` was given.
      next_q: [B, A], the target network's values at the next node.
      next_log_policy: [B, A], that policy there.
      next_legal: bool [B, A], the actions legal there.
      ends: bool [B], whether there is no next node; its values are then another's.
    """

    rewards: tf.Tensor
    log_policy: tf.Tensor
    next_q: tf.Tensor
    next_log_policy: tf.Tensor
    next_legal: tf.Tensor
    ends: tf.Tensor


class QLearner:
    """A network that learns the values of actions from sampled moves.

    Moves are remembered from one call of `learn` to the next. What they pay is read
    anew from the current world, since the population's flow changes in between.

    Args:
      spec: sizes and precision of the network.
      config: the hyper-parameters.
      seed: of all random numbers.
      targets: what a batch's values should be, [B].

    Attributes:
      variables: all that it remembers, by name.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        config: QLearningConfig,
        seed: int,
        targets: Callable[[Batch], tf.Tensor],
    ):
        self._config = config
        self._targets = targets
        self._stream = tf.constant(randomness.derived_seed(seed, "moves"), tf.int64)
        weights = randomness.derived_seed(seed, "weights")
        self._network, self._target, self._average = (
            networks.mlp(spec, config, weights) for _ in range(3)
        )
        self._trainer = networks.Trainer(config, spec, self._network)
        self._replay = RingBuffer(config.replay_capacity, width=3)
        self._players = Players(config.players)
        world = World.signature(spec.num_actions, spec.num_features)
        policy = tf.TensorSpec((None, spec.num_actions), tf.float32)
        phase = tf.TensorSpec((), tf.int64)
        self._learn = networks.compiled(
            self._phase, world, policy, phase, xla=spec.suits_xla
        )
        self._values = networks.on_all_rows(self._average)

    @property
    def variables(self) -> Mapping[str, tf.Variable]:
        """All that it remembers, by name."""
        return networks.named_variables(
            network=self._network.variables,
            target=self._target.variables,
            average=self._average.variables,
            optimizer=self._trainer.variables,
            replay=self._replay.variables,
            players=self._players.variables,
        )

    @property
    def network(self) -> keras.Model:
        """The averaged network, whose values count."""
        return self._average

    @property
    def counts(self) -> Mapping[str, int]:
        """Moves and updates of a call of `learn`."""
        config = self._config
        moves = config.updates * config.moves_per_update * config.players
        return {"moves": moves, "updates": config.updates}

    def learn(self, world: World, log_policy: tf.Tensor, phase: int) -> float:
        """Plays and learns for `updates` gradient steps.

        Args:
          world: where to play.
          log_policy: float32 [D, A], of the population; `acting` and targets refer to
            it.
          phase: number of this call, which fixes its random numbers.

        Returns:
          The mean loss.

        Raises:
          FloatingPointError: the loss became infinite or no number.
        """
        phase = tf.constant(phase, tf.int64)
        return networks.finite(*self._learn(world, log_policy, phase))

    def values(self, features: tf.Tensor) -> tf.Tensor:
        """What the averaged network says of nodes [D, F], float32 [D, A]."""
        return self._values(features)

    def _phase(
        self, world: World, log_policy: tf.Tensor, phase: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """`learn` as a graph."""
        config = self._config
        draws = config.moves_per_update + 1  # random numbers of an update
        behaviour = self._behaviour(world, tf.exp(log_policy))

        def update(step):
            first = (phase * config.updates + step) * draws
            for number in range(config.moves_per_update):
                seed = self._seed(first + number)
                self._replay.add(self._players.move(world, behaviour, seed), seed)
            tf.cond(
                step % config.target_every == 0,
                lambda: self._copy_to_target(),
                lambda: tf.constant(0),
            )
            moves = self._replay.sample(
                config.batch_size, self._seed(first + draws - 1)
            )
            return self._descend(world, log_policy, moves)

        return networks.repeated(update, config.updates)

    def _seed(self, number: tf.Tensor) -> tf.Tensor:
        return tf.stack([self._stream, number])

    def _copy_to_target(self) -> tf.Tensor:
        networks.blend(self._network, self._target)
        return tf.constant(0)

    def _behaviour(self, world: World, policy: tf.Tensor) -> Callable:
        """What the players do, rows [E] to probabilities [E, A]."""

        def behave(rows):
            legal = tf.gather(world.legal, rows)
            if self._config.acting == "policy":
                chosen = tf.gather(policy, rows)
            else:
                q = self._network(tf.gather(world.features, rows))
                best = tf.argmax(tf.where(legal, q, q.dtype.min), axis=-1)
                chosen = tf.one_hot(best, q.shape[-1], dtype=q.dtype)
            return explore(chosen, legal, self._config.exploration)

        return behave

    def _descend(
        self, world: World, log_policy: tf.Tensor, moves: tf.Tensor
    ) -> tf.Tensor:
        """One gradient step on moves [B, 3]; the loss."""
        rows, actions = moves[:, 0], moves[:, 1]
        targets = self._targets(self._batch(world, log_policy, moves))

        def loss():
            q = self._network(tf.gather(world.features, rows))
            values = tf.gather(q, actions, axis=1, batch_dims=1)
            return _LOSSES[self._config.loss](values, targets)

        value = self._trainer.descend(loss)
        networks.blend(self._network, self._average, 1 - self._config.averaging)
        return value

    def _batch(self, world: World, log_policy: tf.Tensor, moves: tf.Tensor) -> Batch:
        ends = moves[:, 2] == NOWHERE
        after = tf.maximum(moves[:, 2], 0)
        return Batch(
            rewards=tf.gather_nd(world.rewards, moves[:, :2]),
            log_policy=tf.gather_nd(log_policy, moves[:, :2]),
            next_q=self._target(tf.gather(world.features, after)),
            next_log_policy=tf.gather(log_policy, after),
            next_legal=tf.gather(world.legal, after),
            ends=ends,
        )
