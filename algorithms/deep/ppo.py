"""Best responses by proximal policy optimisation (Schulman et al. 2017) in one graph.

repeat: E players walk L moves as the actor says
advantages: generalised advantage estimation with the critic
several epochs of minibatches, each with one gradient step of
the actor: clipped surrogate and entropy bonus,
the critic: squared error to advantage + value
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
from typing import NamedTuple

import tensorflow as tf

from algorithms.deep import losses, networks, ppo_losses, randomness
from algorithms.deep.best_response import NetworkResponse
from algorithms.deep.config import NetworkConfig
from algorithms.deep.networks import NetworkSpec
from algorithms.deep.players import NOWHERE, Players, World
from algorithms.regularisers import log_softmax, softmax
from mfg_games import parameters


@dataclasses.dataclass(frozen=True)
class PPOConfig(NetworkConfig):
    """Hyper-parameters of `PPO`.

    Attributes:
      critic_learning_rate: `learning_rate` is the actor's.
      rounds: of walking and learning in an iteration.
      players: E, who walk side by side.
      moves: L, of every player in a round.
      epochs: how often a round's moves are learnt from.
      trace: lambda of the advantages.
      clip_ratio: how far the ratio of the new and the old policy may go from 1.
      entropy_bonus: weight of the entropy, beside advantages of deviation 1.
    """

    batch_size: int = 256
    critic_learning_rate: float = 1e-3
    rounds: int = 25
    players: int = 64
    moves: int = 40
    epochs: int = 4
    trace: float = 0.95
    clip_ratio: float = 0.2
    entropy_bonus: float = 0.003

    def __post_init__(self):
        super().__post_init__()
        for name in ("rounds", "players", "moves", "epochs"):
            parameters.at_least(name, getattr(self, name), 1)
        parameters.positive("critic_learning_rate", self.critic_learning_rate)
        parameters.probability("trace", self.trace)
        parameters.positive("clip_ratio", self.clip_ratio)
        parameters.at_least("entropy_bonus", self.entropy_bonus, 0)
        samples = self.players * self.moves
        # Rows, actions and what is learnt from them, and an order for each epoch.
        given = {"players": self.players, "moves": self.moves, "epochs": self.epochs}
        parameters.fits(samples * (40 + 8 * self.epochs), **given)
        allowed = f"at most `players` * `moves` = {samples}"
        parameters.require(
            self.batch_size <= samples, "batch_size", self.batch_size, allowed
        )


class Samples(NamedTuple):
    """Moves of a walk and what to learn from them: B of them.

    Attributes:
      rows, actions: int64 [B].
      log_probabilities: [B], of the actions when they were taken.
      advantages: [B], standardised.
      returns: [B], what the critic's values should be.
    """

    rows: tf.Tensor
    actions: tf.Tensor
    log_probabilities: tf.Tensor
    advantages: tf.Tensor
    returns: tf.Tensor


class PPO(NetworkResponse):
    """A policy network that climbs by clipped steps, with a critic beside it.

    Args:
      spec: sizes and precision of the networks.
      config: the hyper-parameters.
      seed: of all random numbers.
    """

    def __init__(self, spec: NetworkSpec, config: PPOConfig, seed: int):
        self._config = config
        self._stream = tf.constant(randomness.derived_seed(seed, "walks"), tf.int64)
        self.network = networks.mlp(
            spec, config, randomness.derived_seed(seed, "actor")
        )
        self._critic = networks.mlp(
            spec, config, randomness.derived_seed(seed, "critic"), num_outputs=1
        )
        self._actor_trainer = networks.Trainer(config, spec, self.network)
        critic = dataclasses.replace(config, learning_rate=config.critic_learning_rate)
        self._critic_trainer = networks.Trainer(critic, spec, self._critic)
        self._players = Players(config.players)
        world = World.signature(spec.num_actions, spec.num_features)
        phase = tf.TensorSpec((), tf.int64)
        self._learn = networks.compiled(self._phase, world, phase, xla=spec.suits_xla)
        self._scores = networks.on_all_rows(self.network)

    @property
    def variables(self) -> Mapping[str, tf.Variable]:
        """All that it remembers, by name."""
        return networks.named_variables(
            network=self.network.variables,
            critic=self._critic.variables,
            network_optimizer=self._actor_trainer.variables,
            critic_optimizer=self._critic_trainer.variables,
            players=self._players.variables,
        )

    def respond(self, world: World, policy: tf.Tensor, phase: int) -> tf.Tensor:
        config = self._config
        loss, value_loss = self._learn(world, tf.constant(phase, tf.int64))
        self.metrics = {
            "loss": float(loss),
            "value_loss": float(value_loss),
            "moves": config.rounds * config.players * config.moves,
            "updates": config.rounds * config.epochs * self._batches,
        }
        return self.policy_of(self._scores(world.features), world.legal)

    def policy_of(self, outputs: tf.Tensor, legal: tf.Tensor) -> tf.Tensor:
        return softmax(outputs, legal)

    @property
    def _batches(self) -> int:
        """Minibatches of an epoch; what is left over waits for another epoch."""
        config = self._config
        return config.players * config.moves // config.batch_size

    def _phase(self, world: World, phase: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """All rounds of an iteration; the mean losses of the actor and the critic."""
        config = self._config
        draws = config.moves + 1  # random numbers of a round

        def improve(number, total):
            first = (phase * config.rounds + number) * draws
            samples = self._samples(world, self._walk(world, first))
            seed = self._seed(first + config.moves)
            return number + 1, total + self._epochs(world, samples, seed)

        _, total = tf.while_loop(
            lambda number, _: number < config.rounds,
            improve,
            (tf.constant(0, tf.int64), tf.zeros(2)),
        )
        loss, value_loss = tf.unstack(total / config.rounds)
        return loss, value_loss

    def _seed(self, number: tf.Tensor) -> tf.Tensor:
        return tf.stack([self._stream, number])

    def _walk(self, world: World, first: tf.Tensor) -> tf.Tensor:
        """Moves int64 [L, E, 3] with the random numbers from `first` on."""
        config = self._config

        def behave(rows):
            return tf.exp(self._log_policy(world, rows))

        def step(number, seen):
            move = self._players.move(world, behave, self._seed(first + number))
            return number + 1, seen.write(tf.cast(number, tf.int32), move)

        _, seen = tf.while_loop(
            lambda number, _: number < config.moves,
            step,
            (
                tf.constant(0, tf.int64),
                tf.TensorArray(tf.int64, config.moves, element_shape=[None, 3]),
            ),
        )
        return tf.reshape(seen.stack(), (config.moves, config.players, 3))

    def _log_policy(self, world: World, rows: tf.Tensor) -> tf.Tensor:
        scores = self.network(tf.gather(world.features, rows))
        return log_softmax(scores, tf.gather(world.legal, rows))

    def _values(self, world: World, rows: tf.Tensor) -> tf.Tensor:
        return tf.squeeze(self._critic(tf.gather(world.features, rows)), axis=-1)

    def _samples(self, world: World, moves: tf.Tensor) -> Samples:
        """What is learnt from moves [L, E, 3]."""
        places = tf.reshape(moves[..., :2], (-1, 2))
        rows, after = places[:, 0], tf.reshape(moves[..., 2], [-1])
        values = self._values(world, rows)
        next_values = self._values(world, tf.maximum(after, 0))
        walks = [tf.gather_nd(world.rewards, places), values, next_values]
        walks = [tf.reshape(array, moves.shape[:2]) for array in walks]
        ends = moves[..., 2] == NOWHERE
        advantages = ppo_losses.generalised_advantages(*walks, ends, self._config.trace)
        advantages = tf.reshape(advantages, [-1])
        chosen = tf.gather(
            self._log_policy(world, rows), places[:, 1], axis=1, batch_dims=1
        )
        return Samples(
            rows,
            places[:, 1],
            chosen,
            ppo_losses.standardised(advantages),
            advantages + values,
        )

    def _epochs(self, world: World, samples: Samples, seed: tf.Tensor) -> tf.Tensor:
        """All gradient steps on a round's samples; their mean losses, [2]."""
        config = self._config
        steps = tf.constant(config.epochs * self._batches, tf.int64)
        shape = (config.epochs, config.players * config.moves)
        shuffled = tf.argsort(randomness.uniform(shape, seed))
        shuffled = shuffled[:, : self._batches * config.batch_size]
        batches = tf.reshape(shuffled, (steps, config.batch_size))

        def descend(step, total):
            chosen = tf.gather(batches, step)
            batch = Samples(*(tf.gather(array, chosen) for array in samples))
            return step + 1, total + self._descend(world, batch)

        _, total = tf.while_loop(
            lambda step, _: step < steps,
            descend,
            (tf.constant(0, tf.int64), tf.zeros(2)),
        )
        return total / tf.cast(steps, total.dtype)

    def _descend(self, world: World, batch: Samples) -> tf.Tensor:
        """One gradient step of each network; the losses, [2]."""
        config = self._config

        def loss():
            logarithms = self._log_policy(world, batch.rows)
            chosen = tf.gather(logarithms, batch.actions, axis=1, batch_dims=1)
            surrogate = ppo_losses.clipped_surrogate(
                chosen, batch.log_probabilities, batch.advantages, config.clip_ratio
            )
            return surrogate - config.entropy_bonus * ppo_losses.entropy(logarithms)

        def value_loss():
            return losses.mse(self._values(world, batch.rows), batch.returns)

        return tf.stack(
            [
                self._actor_trainer.descend(loss),
                self._critic_trainer.descend(value_loss),
            ]
        )
