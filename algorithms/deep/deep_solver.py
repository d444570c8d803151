"""What the deep solvers share: a configuration, presets and features of the nodes."""

from __future__ import annotations

import abc
from collections.abc import Mapping
import math
from typing import ClassVar

import pyspiel
import tensorflow as tf

from algorithms.deep import config as configs
from algorithms.deep.config import SolverConfig
from algorithms.deep.networks import NetworkSpec
from algorithms.deep.players import World, world
from algorithms.deep.presets import WithPresets
from algorithms.model import Flow
from algorithms.solver import Solver, State, Update
from mfg_games import parameters


class DeepSolver(WithPresets, Solver):
    """A solver that learns networks; flows and exploitability are exact.

    Args:
      game: any OpenSpiel mean field game, or its string.
      config: the hyper-parameters.
      dtype: "float64" or "float32", of the flows; networks are in single precision.
      device: a TensorFlow device; None for TensorFlow's choice.

    Attributes:
      features: float32 [D, F], what networks see of each decision node.
    """

    presets: ClassVar[Mapping[str, SolverConfig]]

    def __init__(
        self,
        game: pyspiel.Game | str,
        config: SolverConfig,
        dtype: str = "float64",
        device: str | None = None,
    ):
        self.config = config
        self._device = device
        self._metrics: Mapping[str, float] = {}
        super().__init__(game, dtype, device)
        self.parameters = configs.flat(config) | {"dtype": dtype}
        with tf.device(device):
            spec = self._network_spec()
            configs.require_room(config, spec.num_features, spec.num_towers)
            self.variables = self._build(spec)

    @abc.abstractmethod
    def _build(self, spec: NetworkSpec) -> Mapping[str, tf.Variable]:
        """Makes the learners; all that they remember, by name."""

    @abc.abstractmethod
    def _learn(self, update: Update, here: World) -> tuple[State, Mapping[str, float]]:
        """Learns in a world; the next state, and what was measured by name.

        The flow of the update is that which the world is made of.
        """

    @property
    def metrics(self) -> Mapping[str, float]:
        return self._metrics

    @property
    def features(self) -> tf.Tensor:
        """What networks see of each decision node, float32 [D, F]."""
        if self.config.features == "table":
            parameters.fits(4 * self.model.num_nodes**2, features="table")
            return tf.eye(self.model.num_nodes)
        return self.model.observations

    def _seen(self, flow: Flow) -> tf.Tensor:
        """What networks see of each decision node in a flow, float32 [D, F]."""
        return self.features

    def _network_spec(self) -> NetworkSpec:
        separate = self.config.networks == "separate"
        return NetworkSpec(
            self.features.shape[-1],
            self.model.num_actions,
            self.model.num_populations if separate else 1,
            self.config.precision,
        )

    def _advance(self, update: Update) -> State:
        if self.config.sampled_players:
            update = self._met(self._compiled_policy(self._state), update)
        with tf.device(self._device):
            here = world(self.model, update.flow, self._seen(update.flow))
            try:
                state, metrics = self._learn(update, here)
                _require_finite(metrics)
            except FloatingPointError as error:
                place = f"{error} of iteration {self.num_iterations}"
                raise FloatingPointError(f"{type(self).__name__}: {place}.") from None
        self._metrics = metrics
        return state

    def _met(self, policy: tf.Tensor, update: Update) -> Update:
        """The update of a policy in the flow that is met in place of its own."""
        flow = self._met_flow(policy)
        values = self.model.compiled_evaluate(policy, flow)
        return update._replace(flow=flow, totals=values.totals, best_q=values.best_q)

    def _met_flow(self, policy: tf.Tensor) -> Flow:
        """A policy's flow as the solver sees it: exact or estimated."""
        if not self.config.sampled_players:
            return self.model.compiled_distribution(policy)
        seed = [self.config.seed, self.num_iterations]
        return self.model.sampled_distribution(
            policy, self.config.sampled_players, seed
        )

    def fresh_state(self) -> State:
        return {"policy": self.model.uniform_policy()}

    def _policy(self, state: State) -> tf.Tensor:
        return state["policy"]

    def _update(self, state: State, step_size: tf.Tensor) -> Update:
        """Sweeps only: learning, in a graph of its own, comes after."""
        flow, values = self._sweep(self._policy(state))
        return Update(state, flow, values.totals, values.best_q)


def _require_finite(metrics: Mapping[str, float]) -> None:
    for name, value in metrics.items():
        if not math.isfinite(value):
            words = name.replace("_", " ")
            raise FloatingPointError(f"the {words} is {value} at the end")
