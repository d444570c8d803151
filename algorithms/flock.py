"""Fictitious play in continuous space (Perrin et al. 2021, "Mean field games flock!").

    average <- players who do not act
    repeat: mu <- law of the average population at each time, a normalizing flow that is
                  fitted to its players
            b <- a response to mu, learnt by soft actor-critic
            average <- mixture of all b so far: each player draws one and keeps to it;
               or one network that has learnt what the mixture's players do

Any game of `mfg_games.continuous`. Exploitability is estimated: what the learnt
response earns more than the average policy, for the same players and the same chance.
It misses what the response has not learnt to gain.

Shapes: T decision times, K policies of the mixture, P players of each, X components of
a state, U of an action, M points of a crowd.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import types

import numpy as np
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from algorithms.checked import Checked
from algorithms.deep import config as configs
from algorithms.deep import networks, randomness
from algorithms.deep.continuous_play import Episode
from algorithms.deep.continuous_student import (
    ContinuousStudent,
    ContinuousStudentConfig,
)
from algorithms.deep.mixture import Mixture
from algorithms.deep.normalizing_flow import FlowConfig
from algorithms.deep.population_flow import PopulationFlow
from algorithms.deep.presets import WithPresets
from algorithms.deep.soft_actor_critic import SACConfig, SoftActorCritic
from algorithms.solver import State
from mfg_games import continuous_games, parameters
from mfg_games.continuous import ContinuousGame, Crowd

POPULATIONS = ("flow", "samples")
ACCEPTED = ("all", "gaining")
AVERAGES = ("mixture", "network")
_KNOWN, _GAP = range(2)  # entries of `Flock._pending`


@dataclasses.dataclass(frozen=True)
class FlockConfig(metaclass=Checked):
    """Hyper-parameters of `Flock`.

    Attributes:
      sac: of the best responses.
      flow: of the population's law.
      student: of the network that the average policy is distilled into.
      average: what the average policy is: the "mixture" of all responses, or a
        "network" that learns in each iteration what the players of the mixture do.
      population: what the crowd is made of that players meet: "flow", drawn from the
        normalizing flow, or "samples", the simulated players themselves.
      crowd_size: M.
      simulated: players of the average population, at least `crowd_size`.
      evaluated: players of the estimate of exploitability.
      lr: constant weight of each new response; 0 for 1 / k at iteration k = 1, 2, ...
      accept: which responses are mixed into the average: "all", or after the first one
        only those that were seen "gaining" something. One that has not learnt enough
        then goes on learning against the same crowd.
      seed: of all random numbers.
    """

    sac: SACConfig = dataclasses.field(default_factory=SACConfig)
    flow: FlowConfig = dataclasses.field(
        default_factory=lambda: FlowConfig(layers=4, updates=200)
    )
    student: ContinuousStudentConfig = dataclasses.field(
        default_factory=ContinuousStudentConfig
    )
    average: str = "mixture"
    population: str = "flow"
    crowd_size: int = 1000
    simulated: int = 2000
    evaluated: int = 500
    lr: float = 0.0
    accept: str = "all"
    seed: int = 0

    def __post_init__(self):
        parameters.one_of("average", self.average, AVERAGES)
        parameters.one_of("population", self.population, POPULATIONS)
        parameters.one_of("accept", self.accept, ACCEPTED)
        for name in ("crowd_size", "simulated", "evaluated"):
            parameters.at_least(name, getattr(self, name), 2)
        self.require_room(horizon=1)
        enough = self.simulated >= self.crowd_size
        allowed = f"at least {self.crowd_size}, the `crowd_size`"
        parameters.require(enough, "simulated", self.simulated, allowed)
        parameters.probability("lr", self.lr)
        parameters.at_least("seed", self.seed, 0)

    def require_room(self, horizon: int) -> None:
        """Requires the memory to hold all players of a game of so many steps.

        Raises:
          ValueError: it does not.
        """
        with parameters.renamed("sac_".__add__):
            self.sac.require_replay(horizon)
        for name in ("crowd_size", "simulated", "evaluated"):
            # A state of a component and what shakes it, at each time.
            needed = 8 * (horizon + 1) * getattr(self, name)
            parameters.fits(needed, **{name: getattr(self, name)})


class Flock(WithPresets):
    """Fictitious play with soft actor-critic and a normalizing flow.

    Args:
      game: a game in continuous space, or its name in `mfg_games.continuous_games`.
      config: the hyper-parameters; the preset "constant" forgets early responses, which
        birds that must first agree on a direction need.
      device: a TensorFlow device; None for TensorFlow's choice.

    Attributes:
      game: the game.
      average: the average policy, a `Mixture`.
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
        config.require_room(game.horizon)
        self.num_iterations = 0
        with tf.device(device):
            self._build()

    def _build(self) -> None:
        game, config = self.game, self.config
        size = config.crowd_size
        self._learner = SoftActorCritic(game, config.sac, config.seed, size)
        self._mixture = Mixture(game, self._learner.response, size)
        self._crowd = tf.Variable(
            tf.zeros((game.horizon + 1, size, game.num_components))
        )
        self._pending = tf.Variable(tf.zeros(2))
        variables = networks.named_variables(
            learner=self._learner.variables,
            mixture=self._mixture.variables,
            crowd={"states": self._crowd},
            pending={"values": self._pending},
        )
        self._student, self.average = None, self._mixture
        if config.average == "network":
            seed = randomness.derived_seed(config.seed, "student")
            self._student = ContinuousStudent(game, config.student, seed)
            self.average = Mixture(game, self._student.network, size, draws=True)
            variables |= networks.named_variables(
                student=self._student.variables, average=self.average.variables
            )
        self.population = None
        if config.population == "flow":
            seed = randomness.derived_seed(config.seed, "population")
            self.population = PopulationFlow(
                game.horizon, game.num_components, config.flow, seed
            )
            variables |= networks.named_variables(population=self.population.variables)
        self.variables = variables
        spec = tf.TensorSpec(self._crowd.shape), tf.TensorSpec(self._crowd.shape[:2])
        self._gains = networks.compiled(
            self._compare, Crowd(*spec), tf.TensorSpec((), tf.int64), xla=False
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
        gaining = not self.num_iterations or self._pending[_GAP] > 0
        if gaining or self.config.accept == "all":
            rate = self.config.lr or 1 / (self.num_iterations + 1)
            weight = rate if self.num_iterations else 1.0
            self._mixture.add(self._learner.response, weight)
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
          of the K policies, and a network is one.
        """
        stream = randomness.derived_seed(self.config.seed, "simulate", seed)
        crowds = None if among_themselves else self.crowds
        with tf.device(self._device):
            return self.average.simulate(num_players, stream, crowds)

    def simulate_response(self, num_players: int, seed: int = 0) -> Episode:
        """Plays the last response in the crowd `crowds`.

        Args:
          num_players: P.
          seed: of their chance.

        Returns:
          States [T + 1, 1, P, X], actions and returns.
        """
        stream = randomness.derived_seed(self.config.seed, "response", seed)
        with tf.device(self._device):
            return self._mixture.simulate_last(num_players, stream, self.crowds)

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
        return self._equally_likely(self.average, states, num_players).numpy()

    @property
    def member_weights(self) -> np.ndarray:
        """Of the policies that make up the average, [K]."""
        return self.average.weights

    @property
    def crowds(self) -> Crowd:
        """The crowd that players meet at each time from 0 to T."""
        self._meet()
        weights = tf.ones(self._crowd.shape[:2]) / self.config.crowd_size
        return Crowd(self._crowd.value(), weights)

    def member_actions(self, time: int, states: np.ndarray) -> np.ndarray:
        """What each of those does in states [B, X] without chance, [K, B, U]."""
        return self.average.actions(time, states)

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
            gaps = tf.linalg.matvec(self._gains(self.crowds, seed), self.member_weights)
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
        if self._student is not None:
            self._distil(phase)
        states = self.simulate(config.simulated, phase).states
        states = self._equally_likely(self.average, states, config.simulated)
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

    def _distil(self, phase: int) -> None:
        """Teaches the student what the players of the mixture do."""
        stream = randomness.derived_seed(self.config.seed, "teachers", phase)
        with tf.device(self._device):
            games = self._mixture.simulate(self.config.simulated, stream)
            both = tf.concat([games.states[:-1], games.actions], axis=-1)
            both = self._equally_likely(self._mixture, both, self.config.simulated)
            sizes = self.game.num_components, self.game.num_controls
            states, actions = tf.split(both, sizes, axis=-1)
            loss = self._student.fit(states, actions, phase)
        self.average.add(self._student.network, 1.0)
        self._metrics["student_loss"] = loss

    def _equally_likely(
        self, mixture: Mixture, values: tf.Tensor, count: int
    ) -> tf.Tensor:
        """Players [T, count, X] of all policies, by their weights, in any order."""
        rng = np.random.default_rng([self.config.seed, self.num_iterations])
        return mixture.equally_likely(values, count, rng)

    def _compare(self, crowds: Crowd, seed: tf.Tensor) -> tf.Tensor:
        """What the response earns more than each policy, [evaluated, K]."""
        players = self.config.evaluated
        return self.average.gains(self._learner.act, players, seed, crowds)
