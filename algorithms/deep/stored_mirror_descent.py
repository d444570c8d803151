"""Deep mirror descent that stores its networks and needs no Munchausen bonus.

    policy <- uniform
    repeat: mu <- flow of the policy
            Q_k <- a network that learns the values of the policy against mu
            policy <- softmax((Q_1 + ... + Q_k) / tau)

What Perolat et al. (2021, Algorithm 1) do with exact values. Every past network counts
in every decision, which is what `deep_mirror_descent` does without (Lauriere et al.
2022, "Scalable deep RL", section 4).
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import types

import pyspiel
import tensorflow as tf

from algorithms.deep.config import QLearningConfig, SolverConfig
from algorithms.deep.deep_policy_iteration import policy_targets
from algorithms.deep.deep_solver import DeepSolver
from algorithms.deep.history import NetworkHistory
from algorithms.deep.networks import NetworkSpec, named_variables
from algorithms.deep.players import World
from algorithms.deep.q_learner import QLearner
from algorithms.regularisers import log_softmax, softmax
from algorithms.solver import State, Update
from mfg_games import parameters


@dataclasses.dataclass(frozen=True)
class StoredMirrorDescentConfig(SolverConfig):
    """Hyper-parameters of `StoredMirrorDescent`.

    Attributes:
      tau: temperature; the inverse of mirror descent's learning rate.
      dqn: of the networks that learn.
    """

    tau: float = 10.0
    dqn: QLearningConfig = dataclasses.field(default_factory=QLearningConfig)

    def __post_init__(self):
        super().__post_init__()
        parameters.positive("tau", self.tau)


class StoredMirrorDescent(DeepSolver):
    """Mirror descent on the sum of all networks that it has learnt.

    Args:
      game: any OpenSpiel mean field game, or its string.
      config: the hyper-parameters.
      dtype: "float64" or "float32", of the flows; networks are in single precision.
      device: a TensorFlow device; None for TensorFlow's choice.
    """

    presets: Mapping = types.MappingProxyType({"ours": StoredMirrorDescentConfig()})

    graph_options = ("_tau",)

    def __init__(
        self,
        game: pyspiel.Game | str,
        config: StoredMirrorDescentConfig = presets["ours"],
        dtype: str = "float64",
        device: str | None = None,
    ):
        self._tau = config.tau
        super().__init__(game, config, dtype, device)

    def _build(self, spec: NetworkSpec) -> Mapping[str, tf.Variable]:
        config = self.config
        self._learner = QLearner(spec, config.dqn, config.seed, policy_targets)
        self._history = NetworkHistory(self._learner.network)
        self._rows_summed = 0
        stored = named_variables(history=self._history.variables)
        return {**self._learner.variables, **stored}

    def fresh_state(self) -> State:
        shape = (self.model.num_nodes, self.model.num_actions)
        return {"sum": tf.zeros(shape, self.model.dtype)}

    def _policy(self, state: State) -> tf.Tensor:
        return softmax(state["sum"] / self._tau, self.model.legal_actions)

    def _learn(self, update: Update, here: World) -> tuple[State, Mapping[str, float]]:
        scores = tf.cast(update.state["sum"] / self._tau, tf.float32)
        logarithms = log_softmax(scores, here.legal)
        loss = self._learner.learn(here, logarithms, self.num_iterations)
        self._history.append(self._learner.network)
        metrics = {"loss": loss, **self._learner.counts}
        return {"sum": self._summed(update.state["sum"])}, metrics

    def _summed(self, before: tf.Tensor) -> tf.Tensor:
        """The sum over the store; all terms anew where the game has shown new nodes."""
        numbers = range(len(self._history))
        if self._rows_summed == len(before):
            numbers = numbers[-1:]
        else:
            before = tf.zeros_like(before)
        self._rows_summed = len(before)
        for number in numbers:
            values = self._history.outputs(number, self.features)
            before += tf.cast(values, self.model.dtype)
        return before
