"""Best responses by deep Q-learning (Mnih et al. 2015) inside one graph."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from algorithms.deep import losses
from algorithms.deep.best_response import NetworkResponse
from algorithms.deep.config import QLearningConfig
from algorithms.deep.networks import NetworkSpec
from algorithms.deep.players import World
from algorithms.deep.q_learner import Batch, QLearner
from algorithms.policy import greedy
from algorithms.regularisers import softmax
from mfg_games import parameters


@dataclasses.dataclass(frozen=True)
class DQNConfig(QLearningConfig):
    """Hyper-parameters of `DQN`.

    Attributes:
      temperature: respond with softmax(Q / temperature); 0 for the greedy response.
    """

    acting: str = "greedy"
    temperature: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        parameters.at_least("temperature", self.temperature, 0)


class DQN(NetworkResponse):
    """A network that learns the values of the best response from sampled moves.

    Args:
      spec: sizes and precision of the network.
      config: the hyper-parameters.
      seed: of all random numbers.
    """

    def __init__(self, spec: NetworkSpec, config: DQNConfig, seed: int):
        self._temperature = config.temperature
        self._learner = QLearner(spec, config, seed, dqn_targets)
        self.variables = self._learner.variables
        self.network = self._learner.network

    def respond(self, world: World, policy: tf.Tensor, phase: int) -> tf.Tensor:
        loss = self._learner.learn(world, tf.math.log(policy), phase)
        self.metrics = {"loss": loss, **self._learner.counts}
        return self.policy_of(self._learner.values(world.features), world.legal)

    def policy_of(self, outputs: tf.Tensor, legal: tf.Tensor) -> tf.Tensor:
        if self._temperature:
            return softmax(outputs / self._temperature, legal)
        return greedy(outputs, legal)


def dqn_targets(batch: Batch) -> tf.Tensor:
    """Targets of the best response's values, [B]."""
    return losses.dqn_targets(batch.rewards, batch.next_q, batch.next_legal, batch.ends)
