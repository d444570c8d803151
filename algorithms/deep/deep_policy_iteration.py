"""Deep policy iteration against the policy's own flow, greedy or Boltzmann.

    policy <- uniform
    repeat: Q <- a network that learns the values of the policy against its flow
            policy <- greedy(Q), or softmax(Q / temperature)

`policy_iteration` is the same with exact values. Neither keeps a sum of the Qs, which
is what calms mirror descent.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import types

import pyspiel
import tensorflow as tf

from algorithms.deep import losses
from algorithms.deep.config import QLearningConfig, SolverConfig
from algorithms.deep.deep_solver import DeepSolver
from algorithms.deep.networks import NetworkSpec
from algorithms.deep.players import World
from algorithms.deep.q_learner import Batch, QLearner
from algorithms.policy import greedy
from algorithms.regularisers import softmax
from algorithms.solver import State, Update
from mfg_games import parameters


@dataclasses.dataclass(frozen=True)
class DeepPolicyIterationConfig(SolverConfig):
    """Hyper-parameters of `DeepPolicyIteration`.

    Attributes:
      temperature: improve to softmax(Q / temperature); 0 for the greedy policy.
      dqn: of the network that learns.
    """

    temperature: float = 0.0
    dqn: QLearningConfig = dataclasses.field(default_factory=QLearningConfig)

    def __post_init__(self):
        super().__post_init__()
        parameters.at_least("temperature", self.temperature, 0)


class DeepPolicyIteration(DeepSolver):
    """Policy iteration: greedy for learnt values of the last policy.

    Args:
      game: any OpenSpiel mean field game, or its string.
      config: the hyper-parameters.
      dtype: "float64" or "float32", of the flows; networks are in single precision.
      device: a TensorFlow device; None for TensorFlow's choice.
    """

    presets: Mapping = types.MappingProxyType(
        {
            "greedy": DeepPolicyIterationConfig(),
            "boltzmann": DeepPolicyIterationConfig(temperature=1.0),
        }
    )

    def __init__(
        self,
        game: pyspiel.Game | str,
        config: DeepPolicyIterationConfig = presets["greedy"],
        dtype: str = "float64",
        device: str | None = None,
    ):
        super().__init__(game, config, dtype, device)

    def _build(self, spec: NetworkSpec) -> Mapping[str, tf.Variable]:
        config = self.config
        self._learner = QLearner(spec, config.dqn, config.seed, policy_targets)
        return self._learner.variables

    def _learn(self, update: Update, here: World) -> tuple[State, Mapping[str, float]]:
        logarithms = tf.math.log(tf.cast(update.state["policy"], tf.float32))
        loss = self._learner.learn(here, logarithms, self.num_iterations)
        q = tf.cast(self._learner.values(here.features), self.model.dtype)
        temperature = self.config.temperature
        if temperature:
            policy = softmax(q / temperature, here.legal)
        else:
            policy = greedy(q, here.legal)
        return {"policy": policy}, {"loss": loss, **self._learner.counts}


class DeepBoltzmannIteration(DeepPolicyIteration):
    """Boltzmann policy iteration: softmax of learnt values of the last policy.

    Args:
      game: any OpenSpiel mean field game, or its string.
      config: the hyper-parameters.
      dtype: "float64" or "float32", of the flows; networks are in single precision.
      device: a TensorFlow device; None for TensorFlow's choice.
    """

    presets: Mapping = types.MappingProxyType(
        {"boltzmann": DeepPolicyIteration.presets["boltzmann"]}
    )

    def __init__(
        self,
        game: pyspiel.Game | str,
        config: DeepPolicyIterationConfig = presets["boltzmann"],
        dtype: str = "float64",
        device: str | None = None,
    ):
        super().__init__(game, config, dtype, device)


def policy_targets(batch: Batch) -> tf.Tensor:
    """Targets of the values of the population's policy, [B]."""
    return losses.policy_targets(
        batch.rewards, batch.next_q, tf.exp(batch.next_log_policy), batch.ends
    )
