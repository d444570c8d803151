"""Fictitious play in continuous space (Perrin et al. 2021, "Mean field games flock!").

    average <- players who do not act
    repeat: mu <- law of the average population at each time, a normalizing flow that is
                  fitted to its players
            b <- a response to mu, learnt by soft actor-critic
            average <- mixture of all b so far: each player draws one and keeps to it

Any game of `mfg_games.continuous`. Exploitability is estimated: what the learnt
response earns more than the average policy, for the same players and the same chance.
It misses what the response has not learnt to gain.

Shapes: T decision times, K policies of the mixture, P players of each, X components of
a state, U of an action, M points of a crowd.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import math
import types

import numpy as np
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from algorithms.deep import config as configs
from algorithms.deep import networks, randomness
from algorithms.deep.continuous_play import (
    Episode,
    Shaken,
    chance,
    features,
    mean_action,
    play,
    side_by_side,
)
from algorithms.deep.normalizing_flow import FlowConfig
from algorithms.deep.population_flow import PopulationFlow
from algorithms.deep.presets import WithPresets
from algorithms.deep.soft_actor_critic import SACConfig, SoftActorCritic
from algorithms.solver import State
from mfg_games import continuous_games, parameters
from mfg_games.continuous import ContinuousGame, Crowd

POPULATIONS = ("flow", "samples")
_KNOWN, _GAP = range(2)  # entries of `Flock._pending`


@dataclasses.dataclass(frozen=True)
class FlockConfig:
    """Hyper-parameters of `Flock`.

    Attributes:
      sac: of the best responses.
      flow: of the population's law.
      population: what the crowd is made of that players meet: "flow", drawn from the
        normalizing flow, or "samples", the simulated players themselves.
      crowd_size: M.
      simulated: players of the average population, at least `crowd_size`.
      evaluated: players of the estimate of exploitability.
      lr: constant weight of each new response; 0 for 1 / k at iteration k = 1, 2, ...
      seed: of all random numbers.
    """

    sac: SACConfig = dataclasses.field(default_factory=SACConfig)
    flow: FlowConfig = dataclasses.field(
        default_factory=lambda: FlowConfig(layers=4, updates=200)
    )
    population: str = "flow"
    crowd_size: int = 1000
    simulated: int = 2000
    evaluated: int = 500
    lr: float = 0.0
    seed: int = 0

    def __post_init__(self):
        parameters.one_of("population", self.population, POPULATIONS)
        for name in ("crowd_size", "evaluated"):
            parameters.at_least(name, getattr(self, name), 2)
        parameters.at_least("simulated", self.simulated, self.crowd_size)
        parameters.probability("lr", self.lr)
        parameters.at_least("seed", self.seed, 0)


class Flock(WithPresets):
    """Fictitious play with soft actor-critic and a normalizing flow.

    Args:
      game: a game in continuous space, or its name in `mfg_games.continuous_games`.
      config: the hyper-parameters; the preset "constant" forgets early responses, which
        birds that must first agree on a direction need.
      device: a TensorFlow device; None for TensorFlow's choice.

    Attributes:
      game: the game.
      population: the law of the average population, a `PopulationFlow`; None where the
        crowd is one of samples.

    Raises:
      ValueError: the game is none in continuous space.
    """

    presets: Mapping = types.MappingProxyType(
        {"ours": FlockConfig(), "constant": FlockConfig(lr=0.3)}
    )

    def __init__(
        self,
        game: ContinuousGame | str,
        config: FlockConfig = presets["ours"],
        device: str | None = None,
    ):
        if isinstance(game, str):
            game = continuous_games.load(game)
        if not isinstance(game, ContinuousGame):
            names = ", ".join(continuous_games.SETTINGS)
            raise ValueError(
                f"Flock needs a game in continuous space, one of {names}. "
                f"Received: `{game}`"
            )
        self.game, self.config, self._device = game, config, device
        self.parameters = configs.flat(config)
        self.num_iterations = 0
        with tf.device(device):
            self._build()

    def _build(self) -> None:
        game, config = self.game, self.config
        self._learner = SoftActorCritic(
            game, config.sac, config.seed, config.crowd_size
        )
        # The first policy does not act, and leaves as soon as there is a response.
        row = tf.zeros_like(networks.flat_weights(self._learner.response))[None]
        self._members = tf.Variable(row, shape=(None, row.shape[1]))
        self._weights = tf.Variable(tf.ones(1), shape=(None,))
        times = (game.horizon + 1, config.crowd_size)
        self._crowd = tf.Variable(tf.zeros((*times, game.num_components)))
        self._pending = tf.Variable(tf.zeros(2))
        variables = networks.named_variables(
            learner=self._learner.variables,
            mixture={"members": self._members, "weights": self._weights},
            crowd={"states": self._crowd},
            pending={"values": self._pending},
        )
        self.population = None
        if config.population == "flow":
            seed = randomness.derived_seed(config.seed, "population")
            self.population = PopulationFlow(
                game.horizon, game.num_components, config.flow, seed
            )
            variables |= networks.named_variables(population=self.population.variables)
        self.variables = variables
        rows = tf.TensorSpec(self._members.shape)
        scalar = tf.TensorSpec((), tf.int64)
        mixture = rows, tf.TensorSpec([None]), scalar, scalar
        self._mixed = networks.compiled(self._play_mixture, *mixture, xla=False)
        self._mixed_in = networks.compiled(
            self._play_mixture, *mixture, self._crowd_spec(), xla=False
        )
        self._compared = networks.compiled(
            self._compare, rows, self._crowd_spec(), scalar, xla=False
        )
        self._metrics: dict[str, float] = {}
        self._met = False  # whether the crowd is that of the average

    @property
    def game_identity(self) -> dict:
        return {"game": type(self.game).__name__, "parameters": self.game.parameters}

    @property
    def state(self) -> State:
        self._meet()
        return {name: array.value() for name, array in self.variables.items()}

    @property
    def metrics(self) -> Mapping[str, float]:
        return self._metrics

    def restore(self, state: dict[str, np.ndarray], num_iterations: int) -> None:
        shapes = {name: array.shape for name, array in self.variables.items()}
        self._require_shapes(shapes, state)
        self._assign(state)
        self.num_iterations = num_iterations
        self._met = True

    @property
    def exploitability(self) -> float:
        """What the learnt response to the current crowd gains; an estimate."""
        if not self._pending[_KNOWN]:
            self._respond()
        return float(self._pending[_GAP])

    def iteration(self) -> None:
        """Mixes the response to the current crowd into the average.

        Raises:
          FloatingPointError: a loss became infinite or no number.
        """
        if not self._pending[_KNOWN]:
            self._respond()
        row = networks.flat_weights(self._learner.response)[None]
        if self.num_iterations:
            weight = self.config.lr or 1 / (self.num_iterations + 1)
            older = (1 - weight) * self._weights
            self._members.assign(tf.concat([self._members, row], axis=0))
            self._weights.assign(tf.concat([older, [weight]], axis=0))
        else:
            self._members.assign(row)
        self.num_iterations += 1
        self._met = False
        self._pending.assign(tf.zeros(2))

    def simulate(
        self, num_players: int, seed: int = 0, among_themselves: bool = True
    ) -> Episode:
        """Plays the average policy.

        Args:
          num_players: at least; every policy of the mixture has equally many, so many
            that the likeliest one has its share.
          seed: of their chance.
          among_themselves: M of them, of each policy its share, are the crowd that they
            meet; else that is `crowds`.

        Returns:
          States [T + 1, K, P, X], actions and returns; `member_weights` has the weights
          of the K policies.
        """
        share = float(self.member_weights.max())
        per_member = max(1, math.ceil(num_players * share - 1e-3))
        stream = randomness.derived_seed(self.config.seed, "simulate", seed)
        numbers = (tf.constant(number, tf.int64) for number in (per_member, stream))
        mixture = self._members.value(), self._weights.value()
        with tf.device(self._device):
            if among_themselves:
                return self._mixed(*mixture, *numbers)
            return self._mixed_in(*mixture, *numbers, self.crowds)

    def simulate_response(self, num_players: int, seed: int = 0) -> Episode:
        """Plays the last response in the crowd `crowds`.

        Args:
          num_players: P.
          seed: of their chance.

        Returns:
          States [T + 1, 1, P, X], actions and returns.
        """
        stream = randomness.derived_seed(self.config.seed, "response", seed)
        numbers = (tf.constant(number, tf.int64) for number in (num_players, stream))
        with tf.device(self._device):
            last = self._members.value()[-1:]
            return self._mixed_in(last, tf.ones(1), *numbers, self.crowds)

    def players(
        self, num_players: int, seed: int = 0, among_themselves: bool = True
    ) -> np.ndarray:
        """Equally likely players of the average policy, [T + 1, num_players, X].

        Args:
          num_players: how many.
          seed: of their chance.
          among_themselves: as in `simulate`.
        """
        states = self.simulate(num_players, seed, among_themselves).states
        return self._equally_likely(states, num_players).numpy()

    @property
    def member_weights(self) -> np.ndarray:
        """Of the policies in the mixture, [K]."""
        return self._weights.numpy()

    @property
    def crowds(self) -> Crowd:
        """The crowd that players meet at each time from 0 to T."""
        self._meet()
        weights = tf.ones(self._crowd.shape[:2]) / self.config.crowd_size
        return Crowd(self._crowd.value(), weights)

    def _crowd_spec(self) -> Crowd:
        shape = self._crowd.shape
        return Crowd(tf.TensorSpec(shape), tf.TensorSpec(shape[:2]))

    def member_actions(self, time: int, states: np.ndarray) -> np.ndarray:
        """What each policy of the mixture does in states [B, X], [K, B, U]."""
        states = tf.constant(states, tf.float32)
        everywhere = tf.tile(states[None], [len(self.member_weights), 1, 1])
        return self._actions(self._members.value())(
            tf.constant(time), everywhere
        ).numpy()

    def _respond(self) -> None:
        """Learns a response to the current crowd, and estimates what it gains."""
        with tf.device(self._device):
            try:
                self._learner.respond(self.crowds, self.num_iterations)
            except FloatingPointError as error:
                place = f"{error} of iteration {self.num_iterations}"
                raise FloatingPointError(f"Flock: {place}.") from None
            stream = randomness.derived_seed(self.config.seed, "compare")
            seed = tf.constant(stream + self.num_iterations, tf.int64)
            gaps = self._compared(self._members.value(), self.crowds, seed)
            gaps = tf.linalg.matvec(gaps, self._weights.value())
        gain, count = float(tf.reduce_mean(gaps)), self.config.evaluated
        error = float(tf.math.reduce_std(gaps)) / (count - 1) ** 0.5
        self._pending.assign([1.0, gain])
        self._metrics |= {**self._learner.metrics, "exploitability_error": error}

    def _meet(self) -> None:
        """Finds the crowd of the average population, unless it is known."""
        if self._met:
            return
        self._met = True
        config, phase = self.config, self.num_iterations
        states = self.simulate(config.simulated, phase).states
        states = self._equally_likely(states, config.simulated)
        if self.population is None:
            crowd = states[:, : config.crowd_size]
        else:
            with tf.device(self._device):
                loss = self.population.fit(states, phase)
                stream = randomness.derived_seed(config.seed, "crowd")
                crowd = self.population.sample(config.crowd_size, [stream, phase])
                # The flow's tails do not know the game's bounds.
                crowd = self.game.land(tnp, crowd, tf.zeros_like(crowd))
            self._metrics["flow_loss"] = loss
        self._crowd.assign(crowd)
        self._metrics |= self.game.statistics(states[-1].numpy())

    def _equally_likely(self, states: tf.Tensor, count: int) -> tf.Tensor:
        """Players [T + 1, count, X] of all policies, by their weights, in any order."""
        rng = np.random.default_rng([self.config.seed, self.num_iterations])
        positions = (rng.random() + np.arange(count)) / count
        shares = np.cumsum(self.member_weights, dtype=np.float64)
        members = np.searchsorted(shares / shares[-1], positions, side="right")
        first = np.searchsorted(members, members)  # of the same policy
        players = (np.arange(count) - first) % states.shape[2]
        order = rng.permutation(count)
        places = np.stack([members, players], axis=1)[order]
        flat = tf.reshape(states, (states.shape[0], -1, states.shape[3]))
        rows = places[:, 0] * states.shape[2] + places[:, 1]
        return tf.gather(flat, rows, axis=1)

    def _actions(self, rows: tf.Tensor):
        """What policies with such weights do in states [K, P, X]."""

        def act(time, states):
            seen = features(self.game, time, states)
            outputs = side_by_side(self._learner.response, rows, seen)
            return mean_action(self.game, outputs)

        return act

    def _play_mixture(
        self,
        rows: tf.Tensor,
        weights: tf.Tensor,
        players: tf.Tensor,
        seed: tf.Tensor,
        crowds: Crowd | None = None,
    ) -> Episode:
        """`simulate` as a graph."""
        number = tf.shape(rows, tf.int64)[0]
        shaken = chance(self.game, number * players, tf.stack([seed, 0 * seed]))
        # Those who stand for all: of each policy its share.
        ranks = tf.range(self.config.crowd_size, dtype=tf.int64)
        positions = (tf.cast(ranks, tf.float32) + 0.5) / self.config.crowd_size
        policies = tf.searchsorted(tf.cumsum(weights)[:-1], positions, side="right")
        crowd = tf.cast(policies, tf.int64) * players + ranks % players
        shape = (number, players)
        return play(self.game, self._actions(rows), shaken, crowds, shape, crowd)

    def _compare(self, rows: tf.Tensor, crowds: Crowd, seed: tf.Tensor) -> tf.Tensor:
        """What the response earns more than each policy, [evaluated, K]."""
        players = self.config.evaluated
        shaken = chance(self.game, players, tf.stack([seed, 0 * seed]))
        response = play(self.game, self._learner.act, shaken, crowds, (players,))
        number = tf.shape(rows)[0]
        everybody = Shaken(
            tf.tile(shaken.uniforms, [number]),
            tf.tile(shaken.normals, [1, number, 1]),
        )
        shape = (number, players)
        mixed = play(self.game, self._actions(rows), everybody, crowds, shape)
        return response.returns[:, None] - tf.transpose(mixed.returns)
