"""Master policies: one network for every initial distribution (Perrin et al. 2021b).

The game has a family of initial laws ("mfg_exploration(initial_laws=gaussians:8)");
the network sees, beside what a player observes, the distribution mu that he faces.
Exploitability is the mean over the family. `MasterMirrorDescent` is deep Munchausen
mirror descent on it, `MasterFictitiousPlay` the paper's algorithm:

    average <- uniform
    repeat: mu <- flows of the average from all initial laws
            b <- a network that learns a best response (x, t, mu) -> a to all of them
            average <- mixture of the uniform policy and all b so far: each player draws
                       one before the game and keeps to it

A policy that sees mu is played forward: mu_t decides what is played at t, which makes
mu_{t+1}. Past responses see the flow of today's average.

The paper's baselines are options: `sees="nothing"` trains alike but shows the network
no mu, and `rewards="average"` moreover pays everybody the mean over the family of what
a move pays. A policy of one law alone is that of a game with one law.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
import dataclasses
import functools
import types

import pyspiel
import tensorflow as tf

from algorithms.deep.best_response import NetworkResponse
from algorithms.deep.crowd import EMBEDDINGS, Crowd
from algorithms.deep.deep_fictitious_play import (
    DeepFictitiousPlay,
    DeepFictitiousPlayConfig,
)
from algorithms.deep.deep_solver import DeepSolver
from algorithms.deep.networks import NetworkSpec
from algorithms.deep.players import World
from algorithms.model import Flow, load_model
from algorithms.model.array_model import ArrayModel
from algorithms.munchausen_deep_mirror_descent import (
    DeepMirrorDescent,
    DeepMirrorDescentConfig,
)
from algorithms.policy import ArrayPolicy
from algorithms.population_policy import (
    Member,
    PopulationPolicy,
    Sight,
    exploitabilities,
)
from algorithms.regularisers import softmax
from algorithms.solver import State, Update
from mfg_games import parameters
from mfg_games.dynamics import FAMILY

SIGHTS = ("population", "nothing")
REWARDS = ("own", "average")


@dataclasses.dataclass(frozen=True)
class MasterConfig:
    """What the solvers of this module share.

    Attributes:
      sees: "population", or "nothing" of it.
      rewards: "own", those of each initial law's flow, or "average", their mean over
        the initial laws.
      unseen: another family of initial laws, whose mean exploitability is measured
        after every iteration; "" for none.
      embedding: how the population is seen, one of `EMBEDDINGS`: see `Crowd.of`.
    """

    sees: str = "population"
    rewards: str = "own"
    unseen: str = ""
    embedding: str = "auto"

    def __post_init__(self):
        super().__post_init__()
        parameters.one_of("sees", self.sees, SIGHTS)
        parameters.one_of("rewards", self.rewards, REWARDS)
        parameters.one_of("embedding", self.embedding, EMBEDDINGS)


@dataclasses.dataclass(frozen=True)
class MasterMirrorDescentConfig(MasterConfig, DeepMirrorDescentConfig):
    """Hyper-parameters of `MasterMirrorDescent`."""


@dataclasses.dataclass(frozen=True)
class MasterFictitiousPlayConfig(MasterConfig, DeepFictitiousPlayConfig):
    """Hyper-parameters of `MasterFictitiousPlay`."""


class MasterSolver(DeepSolver):
    """A solver whose networks see the population."""

    own_games_only = "whose initial distribution can be changed"

    def policy_on(self, game: pyspiel.Game | str) -> ArrayPolicy:
        """What is played in a game with other initial laws.

        Args:
          game: the solver's, but for `initial_laws`.

        Raises:
          ValueError: the game is another one.
        """
        model = load_model(game, self.model.dtype.name, self._device)
        self._require_alike(model.game)
        sight = Sight(model, self._observed(model), self._crowd)
        return ArrayPolicy(model, sight.play(self._members()).policy)

    def population_policies(self, game: pyspiel.Game | None = None) -> list:
        """The policies that players draw from, as OpenSpiel plays them.

        Args:
          game: that of `policy_on`; the solver's own by default.

        Returns:
          A `PopulationPolicy` for each member of the mixture.
        """
        game = game or self.game
        self._require_alike(game)
        return [
            PopulationPolicy(game, member, self._crowd) for member in self._members()
        ]

    @abc.abstractmethod
    def _members(self) -> list[Member]:
        """What is played now; the weights sum to one."""

    def _network_spec(self) -> NetworkSpec:
        spec = super()._network_spec()
        self._crowd = None
        if self.config.sees == "population":
            self._crowd = Crowd.of(self.game.dynamics, self.config.embedding)
            size = spec.num_features + self._crowd.size
            spec = spec._replace(num_features=size, crowd=self._crowd)
        self._sight = Sight(self.model, self.features, self._crowd)
        if self.config.unseen:
            self._observed(load_model(self._unseen))
        return spec

    def _seen(self, flow: Flow) -> tf.Tensor:
        return self._sight.features(flow.mass)

    @property
    def metrics(self) -> Mapping[str, float]:
        measured = dict(super().metrics)
        if self.config.unseen and self.num_iterations:
            found = exploitabilities(self.policy_on(self._unseen))
            measured["unseen_exploitability"] = float(found.mean())
        return measured

    @functools.cached_property
    def _unseen(self) -> pyspiel.Game:
        """The game with the initial laws that are only looked at."""
        name = self.game.get_type().short_name
        given = self.game.get_parameters()
        with parameters.renamed(lambda _: "unseen"):
            return pyspiel.load_game(name, {**given, FAMILY: self.config.unseen})

    def _paid(self, here: World) -> World:
        """The world with the rewards that the configuration asks for."""
        if self.config.rewards == "own":
            return here
        laws = len(self.game.dynamics.initial_laws)
        layers = []
        for time in range(self.game.dynamics.horizon):
            rewards = here.rewards[self.model.rows(time)]
            by_law = tf.reshape(rewards, [laws, -1, self.model.num_actions])
            layers.append(tf.tile(tf.reduce_mean(by_law, axis=0), [laws, 1]))
        return here._replace(rewards=tf.concat(layers, axis=0))

    def _observed(self, model: ArrayModel) -> tf.Tensor:
        if self.config.features == "table":
            raise ValueError(
                "With features='table' the nodes of another game have no rows."
            )
        return model.observations

    def _require_alike(self, game: pyspiel.Game) -> None:
        ours, theirs = (
            {
                name: value
                for name, value in each.get_parameters().items()
                if name != FAMILY
            }
            for each in (self.game, game)
        )
        names = self.game.get_type().short_name, game.get_type().short_name
        if names[0] != names[1] or ours != theirs:
            raise ValueError(
                f"The policy was learnt in `{self.game}`, of which `{game}` is no "
                "variant with other `initial_laws`."
            )


class MasterMirrorDescent(MasterSolver, DeepMirrorDescent):
    """Deep mirror descent whose network sees the population.

    Args:
      game: any game registered by `mfg_games`, with a family of initial laws.
      config: the hyper-parameters.
      dtype: "float64" or "float32", of the flows; the network is in single precision.
      device: a TensorFlow device; None for TensorFlow's choice.
    """

    presets: Mapping = types.MappingProxyType({"ours": MasterMirrorDescentConfig()})

    def __init__(
        self,
        game: pyspiel.Game | str,
        config: MasterMirrorDescentConfig = presets["ours"],
        dtype: str = "float64",
        device: str | None = None,
    ):
        super().__init__(game, config, dtype, device)

    def _learn(self, update: Update, here: World) -> tuple[State, Mapping[str, float]]:
        _, metrics = super()._learn(update, self._paid(here))
        return {"q": self._sight.play(self._members()).outputs}, metrics

    def _members(self) -> list[Member]:
        return [Member(self._learner.values, self._policy_of)]

    def _policy_of(self, outputs: tf.Tensor, legal: tf.Tensor) -> tf.Tensor:
        return softmax(outputs / self.config.tau, legal)


class MasterFictitiousPlay(MasterSolver, DeepFictitiousPlay):
    """Fictitious play whose learnt best responses see the population.

    Args:
      game: any game registered by `mfg_games`, with a family of initial laws.
      config: the hyper-parameters; the best response must be a network's.
      dtype: "float64" or "float32", of the flows; networks are in single precision.
      device: a TensorFlow device; None for TensorFlow's choice.

    Raises:
      ValueError: the best response is none of a network alone.
    """

    presets: Mapping = types.MappingProxyType({"ours": MasterFictitiousPlayConfig()})

    def __init__(
        self,
        game: pyspiel.Game | str,
        config: MasterFictitiousPlayConfig = presets["ours"],
        dtype: str = "float64",
        device: str | None = None,
    ):
        super().__init__(game, config, dtype, device)

    def _build(self, spec: NetworkSpec) -> Mapping[str, tf.Variable]:
        variables = super()._build(spec)
        name = self.config.best_response
        network = isinstance(self._best_response, NetworkResponse)
        allowed = "one whose response is a network's, dqn, ppo or best_of_n"
        parameters.require(network, "best_response", name, allowed)
        return variables

    def _learn(self, update: Update, here: World) -> tuple[State, Mapping[str, float]]:
        _, metrics = self._respond(update, self._paid(here))
        self._history.append(self._best_response.network)
        return {"policy": self._sight.play(self._members()).policy}, metrics

    def _members(self) -> list[Member]:
        uniform = Member(
            lambda features: tf.zeros((len(features), self.model.num_actions)), softmax
        )
        members = [uniform._replace(weight=1.0)]
        for number in range(len(self._history)):
            weight = self.config.lr or 1 / (number + 2)
            members = [
                member._replace(weight=member.weight * (1 - weight))
                for member in members
            ]
            outputs = functools.partial(self._history.outputs, number)
            policy_of = self._best_response.policy_of
            members.append(Member(outputs, policy_of, weight))
        return members
