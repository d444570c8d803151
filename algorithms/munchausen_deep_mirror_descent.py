"""Deep Munchausen online mirror descent (Lauriere et al. 2022, "Scalable deep RL").

    policy <- uniform
    repeat: mu <- flow of the policy, then frozen
            Q <- a network that learns from sampled moves (x, a, r, x')
                 r + alpha tau log policy(a | x)
                 + sum_b policy(b | x') (Q(x', b) - tau log policy(b | x'))
            policy <- softmax(Q / tau)

`munchausen_mirror_descent` is the same with exact values in place of the network, and
says where both go. The population is not sampled: flows are exact, the network being
evaluated at all nodes once an iteration.

Choices that the paper leaves open, with the released code's in brackets:
  - the network goes on from one iteration to the next;
  - remembered moves are paid by the current flow (by that of their time);
  - the players act as the population does but for some exploration (greedily);
  - the policy is that of a moving average of the weights (of the last weights).

`DeepOnlineMirrorDescent` and its agents are what OpenSpiel has under these names: they
play in its environments, move by move.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import types

import pyspiel
import tensorflow as tf

from algorithms.deep.agent_solvers import DeepOnlineMirrorDescent
from algorithms.deep.agents import MunchausenDQN, SoftMaxMunchausenDQN
from algorithms.deep.config import QLearningConfig, SolverConfig
from algorithms.deep.deep_solver import DeepSolver
from algorithms.deep.losses import munchausen_targets
from algorithms.deep.networks import NetworkSpec
from algorithms.deep.players import World
from algorithms.deep.q_learner import Batch, QLearner
from algorithms.regularisers import log_softmax, softmax
from algorithms.solver import State, Update
from mfg_games import parameters

__all__ = [
    "OURS",
    "RELEASED",
    "DeepMirrorDescent",
    "DeepMirrorDescentConfig",
    "DeepOnlineMirrorDescent",
    "MunchausenDQN",
    "SoftMaxMunchausenDQN",
]


@dataclasses.dataclass(frozen=True)
class DeepMirrorDescentConfig(SolverConfig):
    """Hyper-parameters of `DeepMirrorDescent`.

    Attributes:
      tau: temperature; the inverse of mirror descent's learning rate.
      alpha: share of the last policy's logarithm in the bonus, in [0, 1].
      smallest_probability: logarithms of smaller ones count as that of this one.
      dqn: of the network that learns.
    """

    tau: float = 10.0
    alpha: float = 0.99
    smallest_probability: float = 1e-6
    dqn: QLearningConfig = dataclasses.field(default_factory=QLearningConfig)

    def __post_init__(self):
        super().__post_init__()
        parameters.positive("tau", self.tau)
        parameters.probability("alpha", self.alpha)
        parameters.between("smallest_probability", self.smallest_probability)


OURS = DeepMirrorDescentConfig()

# OpenSpiel's example for four rooms: 1000 episodes of 40 moves in an iteration, an
# update every 64 moves and a target network every 200.
RELEASED = DeepMirrorDescentConfig(
    dqn=QLearningConfig(
        learning_rate=0.01,
        clip_norm=0.0,
        updates=625,
        acting="greedy",
        target_every=3,
        averaging=0.0,
    )
)


class DeepMirrorDescent(DeepSolver):
    """Munchausen mirror descent with a network that learns from sampled moves.

    Args:
      game: any OpenSpiel mean field game, or its string.
      config: the hyper-parameters.
      dtype: "float64" or "float32", of the flows; the network is in single precision.
      device: a TensorFlow device; None for TensorFlow's choice.
    """

    presets: Mapping = types.MappingProxyType({"ours": OURS, "released": RELEASED})

    graph_options = ("_tau",)

    def __init__(
        self,
        game: pyspiel.Game | str,
        config: DeepMirrorDescentConfig = OURS,
        dtype: str = "float64",
        device: str | None = None,
    ):
        self._tau = config.tau
        super().__init__(game, config, dtype, device)

    def _build(self, spec: NetworkSpec) -> Mapping[str, tf.Variable]:
        config = self.config
        self._learner = QLearner(spec, config.dqn, config.seed, self._targets)
        return self._learner.variables

    def fresh_state(self) -> State:
        shape = (self.model.num_nodes, self.model.num_actions)
        return {"q": tf.zeros(shape, self.model.dtype)}

    def _policy(self, state: State) -> tf.Tensor:
        return softmax(state["q"] / self._tau, self.model.legal_actions)

    def _learn(self, update: Update, here: World) -> tuple[State, Mapping[str, float]]:
        scores = tf.cast(update.state["q"] / self._tau, tf.float32)
        logarithms = log_softmax(scores, here.legal)
        loss = self._learner.learn(here, logarithms, self.num_iterations)
        learnt = self._learner.values(here.features)
        state = {"q": tf.cast(learnt, self.model.dtype)}
        return state, {"loss": loss, **self._learner.counts}

    def _targets(self, batch: Batch) -> tf.Tensor:
        config = self.config
        return munchausen_targets(
            batch.rewards,
            batch.log_policy,
            batch.next_q,
            batch.next_log_policy,
            batch.ends,
            config.tau,
            config.alpha,
            config.smallest_probability,
        )
