"""Soft actor-critic against a frozen crowd (Haarnoja et al. 2018, "SAC: applications").

Twin critics, squashed normal actions and a tuned temperature, with three uses of a game
whose equations are known. A critic values where an action heads: Q(t, x, a) is what the
action pays plus a network's value of `drift(x, a)`, so that the shape of Q in the
action need not be learnt. The replay remembers where players were and what they chose;
what that pays and leads to is computed anew, in today's crowd. And a critic's target is
the mean over two draws of the noise that mirror each other.

Values are in units of the spread of what players earn who do not act. Shapes: T
decision times, B samples of each time in a gradient step, X components of a state, U of
an action, M points of a crowd.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses

import keras
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from algorithms.deep import networks, randomness
from algorithms.deep.config import NetworkConfig
from algorithms.deep.continuous_play import (
    chance,
    features,
    mean_action,
    play,
    random_action,
)
from algorithms.deep.networks import NetworkSpec
from mfg_games import parameters
from mfg_games.continuous import ContinuousGame, Crowd

_LOWEST = -12.0  # logarithm of the temperature


@dataclasses.dataclass(frozen=True)
class SACConfig(NetworkConfig):
    """Hyper-parameters of `SoftActorCritic`.

    Attributes:
      batch_size: samples of a gradient step, all decision times together, at least one
        of each.
      critic_learning_rate: of the critics.
      temperature_learning_rate: of the logarithm of the temperature.
      temperature: at the beginning.
      entropy: the actor's target for each component of an action, in nats, where
        actions are in -1..1, which have at most log 2.
      updates: gradient steps of an iteration.
      updates_per_episode: gradient steps from one episode to the next.
      players: of an episode.
      replay_episodes: how many are remembered.
      target_rate: of the way to the critics' weights that their targets go in a step.
      averaging: what the moving average of the actor's weights, which is the response,
        keeps of itself in a gradient step; 0 for the last weights.
    """

    width: int = 64
    learning_rate: float = 1e-3
    batch_size: int = 256
    critic_learning_rate: float = 2e-3
    temperature_learning_rate: float = 3e-3
    temperature: float = 0.01
    entropy: float = -1.5
    updates: int = 500
    updates_per_episode: int = 10
    players: int = 16
    replay_episodes: int = 64
    target_rate: float = 0.02
    averaging: float = 0.99

    def __post_init__(self):
        super().__post_init__()
        for name in (
            "critic_learning_rate",
            "temperature_learning_rate",
            "temperature",
            "target_rate",
        ):
            parameters.positive(name, getattr(self, name))
        parameters.probability("target_rate", self.target_rate)
        parameters.averaging(self.averaging)
        parameters.finite("entropy", self.entropy)
        for name in ("updates", "updates_per_episode", "players", "replay_episodes"):
            parameters.at_least(name, getattr(self, name), 1)
        self.require_replay(horizon=1)

    def require_replay(self, horizon: int) -> None:
        """Requires the memory to hold the replay.

        Raises:
          ValueError: it does not.
        """
        episodes, players = self.replay_episodes, self.players
        # A state and an action of a component each.
        needed = 8 * episodes * horizon * players
        parameters.fits(needed, players=players, replay_episodes=episodes)


class SoftActorCritic:
    """Learns a best response in a continuous game.

    Args:
      game: the game.
      config: the hyper-parameters.
      seed: of the initial weights and of all that is drawn.
      crowd_size: M.

    Attributes:
      actor: the network that plays, features to the parameters of a squashed normal.
      response: the moving average of its weights, which is what was learnt.
      variables: all that it remembers, by name.
      metrics: what the last iteration measured.
    """

    def __init__(
        self, game: ContinuousGame, config: SACConfig, seed: int, crowd_size: int
    ):
        self._game, self._config = game, config
        self._stream = tf.constant(randomness.derived_seed(seed, "play"), tf.int64)
        self._per_time = max(1, config.batch_size // game.horizon)
        self._unit = _spread(game)

        def network(name, outputs):
            own_seed = randomness.derived_seed(seed, name)
            spec = NetworkSpec(game.num_components + 1, 1)
            return networks.mlp(spec, config, own_seed, outputs)

        outputs = 2 * game.num_controls
        self.actor, self.response = (network("actor", outputs) for _ in range(2))
        names = ("first critic", "second critic")
        self._critics = [network(name, 1) for name in names]
        self._targets = [network(name, 1) for name in names]
        spec = NetworkSpec(game.num_components + 1, 1)
        self._actor_trainer = networks.Trainer(config, spec, self.actor)
        faster = dataclasses.replace(config, learning_rate=config.critic_learning_rate)
        self._critic_trainer = networks.Trainer(faster, spec, *self._critics)
        self._log_temperature = tf.Variable(tf.math.log(config.temperature))
        # Rows by slot of an episode, time and player.
        rows = config.replay_episodes * game.horizon * config.players
        self._states = tf.Variable(tf.zeros((rows, game.num_components)))
        self._actions = tf.Variable(tf.zeros((rows, game.num_controls)))
        self._episodes = tf.Variable(tf.zeros((), tf.int64))
        points = (game.horizon + 1, crowd_size)
        crowds = Crowd(
            tf.TensorSpec((*points, game.num_components)), tf.TensorSpec(points)
        )
        self._learn = networks.compiled(
            self._phase, crowds, tf.TensorSpec((), tf.int64)
        )
        self.metrics: Mapping[str, float] = {}

    @property
    def variables(self) -> Mapping[str, tf.Variable]:
        """All that it remembers, by name."""
        return networks.named_variables(
            actor=self.actor.variables,
            response=self.response.variables,
            critics=[v for critic in self._critics for v in critic.variables],
            targets=[v for target in self._targets for v in target.variables],
            actor_optimizer=self._actor_trainer.variables,
            critic_optimizer=self._critic_trainer.variables,
            replay={
                "states": self._states,
                "actions": self._actions,
                "episodes": self._episodes,
            },
            entropy={"log_temperature": self._log_temperature},
        )

    def respond(self, crowds: Crowd, phase: int) -> None:
        """Improves the actor's response.

        Args:
          crowds: everybody at each time from 0 to T, states [T + 1, M, X] and weights
            [T + 1, M], float32.
          phase: number of this call, which fixes its random numbers.

        Raises:
          FloatingPointError: the loss became infinite or no number.
        """
        mean, done = self._learn(crowds, tf.constant(phase, tf.int64))
        config = self._config
        episodes = -(-config.updates // config.updates_per_episode)
        self.metrics = {
            "critic_loss": networks.finite(mean, done, "critics' loss"),
            "temperature": float(tf.exp(self._log_temperature)),
            "moves": episodes * config.players * self._game.horizon,
            "updates": config.updates,
        }

    def _phase(self, crowds: Crowd, phase: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """`respond` as a graph."""
        config = self._config

        def update(step):
            seed = tf.stack([self._stream, phase * config.updates + step])
            tf.cond(
                step % config.updates_per_episode == 0,
                lambda: self._play(crowds, seed),
                lambda: self._episodes.value(),
            )
            return self._descend(crowds, seed)

        return networks.repeated(update, config.updates)

    def _play(self, crowds: Crowd, seed: tf.Tensor) -> tf.Tensor:
        """One episode into the replay, over the oldest one; how many there were."""
        game, config = self._game, self._config
        shape = (game.horizon + 1, config.players, game.num_controls)
        normals = randomness.normal(shape, randomness.branch(seed, 2))

        def act(time, states):
            outputs = self.actor(features(game, time, states))
            return random_action(game, outputs, tf.gather(normals, time))[0]

        shaken = chance(game, config.players, randomness.branch(seed, 3))
        episode = play(game, act, shaken, crowds, (config.players,))
        size = game.horizon * config.players
        slot = self._episodes % config.replay_episodes
        rows = (slot * size + tf.range(size, dtype=tf.int64))[:, None]
        states = tf.reshape(episode.states[:-1], (size, -1))
        self._states.scatter_nd_update(rows, states)
        self._actions.scatter_nd_update(rows, tf.reshape(episode.actions, (size, -1)))
        return self._episodes.assign_add(1)

    def _batch(self, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """States [T, B, X] and actions [T, B, U] of the replay."""
        game, config = self._game, self._config
        shape = (game.horizon, self._per_time)
        full = tf.minimum(self._episodes, config.replay_episodes) * config.players
        draws = randomness.uniform(shape, randomness.branch(seed, 6))
        number = tf.cast(draws * tf.cast(full, tf.float32), tf.int64)
        times = tf.range(game.horizon, dtype=tf.int64)[:, None]
        slot, player = number // config.players, number % config.players
        rows = (slot * game.horizon + times) * config.players + player
        return tf.gather(self._states, rows), tf.gather(self._actions, rows)

    def _descend(self, crowds: Crowd, seed: tf.Tensor) -> tf.Tensor:
        """One gradient step of everything; the critics' loss."""
        game = self._game
        states, actions = self._batch(seed)
        now = Crowd(crowds.states[:-1], crowds.weights[:-1])
        shape = (game.horizon, self._per_time)
        normals = [
            randomness.normal((*shape, size), randomness.branch(seed, offset))
            for offset, size in (
                (7, game.num_components),
                (8, game.num_controls),
                (9, game.num_controls),
            )
        ]
        heads = game.drift(tnp, states, actions, now)
        wanted = tf.add_n(
            [
                self._worth(crowds, game.land(tnp, heads, noise), normals[1]) / 2
                for noise in (normals[0], -normals[0])
            ]
        )
        wanted = tf.stop_gradient(wanted)

        def critic_loss():
            return tf.add_n(
                [
                    tf.reduce_mean((self._values(critic, heads) - wanted) ** 2)
                    for critic in self._critics
                ]
            )

        loss = self._critic_trainer.descend(critic_loss)
        for critic, target in zip(self._critics, self._targets, strict=True):
            networks.blend(critic, target, self._config.target_rate)
        self._improve(states, now, normals[2])
        return loss

    def _improve(self, states: tf.Tensor, now: Crowd, normals: tf.Tensor) -> None:
        """A gradient step of the actor, and one of the temperature."""
        game, config = self._game, self._config
        temperature = tf.exp(self._log_temperature)
        logs = None

        def actor_loss():
            nonlocal logs
            outputs = self._outputs(states)
            actions, logs = random_action(game, outputs, normals)
            paid = game.reward(tnp, states, actions, now) / self._unit
            heads = game.drift(tnp, states, actions, now)
            ahead = [self._values(critic, heads) for critic in self._critics]
            worth = tf.cast(paid, tf.float32) + tf.minimum(*ahead)
            return tf.reduce_mean(temperature * logs - worth)

        self._actor_trainer.descend(actor_loss)
        networks.blend(self.actor, self.response, 1 - config.averaging)
        surplus = -tf.reduce_mean(logs) - config.entropy * game.num_controls
        rate = config.temperature_learning_rate
        lower = self._log_temperature - rate * tf.clip_by_value(surplus, -1.0, 1.0)
        self._log_temperature.assign(tf.maximum(lower, _LOWEST))

    def _worth(self, crowds: Crowd, states: tf.Tensor, normals: tf.Tensor) -> tf.Tensor:
        """Soft values [T, B] of states [T, B, X] at the times from 1 to T."""
        game = self._game
        outputs = self._outputs(states[:-1], first=1)
        actions, logs = random_action(game, outputs, normals[:-1])
        now = Crowd(crowds.states[1:-1], crowds.weights[1:-1])
        paid = game.reward(tnp, states[:-1], actions, now) / self._unit
        heads = game.drift(tnp, states[:-1], actions, now)
        ahead = tf.minimum(
            *(self._values(target, heads, first=1) for target in self._targets)
        )
        going_on = tf.cast(paid, tf.float32) + ahead
        going_on -= tf.exp(self._log_temperature) * logs
        last = Crowd(crowds.states[-1], crowds.weights[-1])
        end = game.terminal_reward(tnp, states[-1], last) / self._unit
        return tf.concat([going_on, tf.cast(end, tf.float32)[None]], axis=0)

    def _outputs(self, states: tf.Tensor, first: int = 0) -> tf.Tensor:
        """The actor's, for states [L, B, X] at times from `first` on."""
        return self._applied(self.actor, states, first)

    def _values(
        self, critic: keras.Model, heads: tf.Tensor, first: int = 0
    ) -> tf.Tensor:
        """What it is worth to head somewhere, [L, B], at times from `first` on."""
        return tf.squeeze(self._applied(critic, heads, first), axis=-1)

    def _applied(self, network, states: tf.Tensor, first: int) -> tf.Tensor:
        times = tf.range(first, first + states.shape[0])[:, None]
        rows = features(self._game, times, tf.cast(states, tf.float32))
        outputs = network(tf.reshape(rows, (-1, self._game.num_components + 1)))
        return tf.reshape(outputs, (*states.shape[:2], outputs.shape[-1]))

    def act(self, time: tf.Tensor, states: tf.Tensor) -> tf.Tensor:
        """The response's actions, without chance, for states [P, X]."""
        rows = features(self._game, time, states)
        return mean_action(self._game, self.response(rows))


def _spread(game: ContinuousGame, players: int = 256) -> float:
    """Standard deviation of what players earn who do not act, among themselves."""

    def nothing(time, states):
        return tf.zeros_like(states[..., : game.num_controls])

    shaken = chance(game, players, tf.constant([0, 0], tf.int64))
    returns = play(game, nothing, shaken, None, (players,), tf.range(players)).returns
    return float(tf.math.reduce_std(returns)) + 1e-6
