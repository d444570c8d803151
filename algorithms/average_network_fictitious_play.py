"""Deep average-network fictitious play (Lauriere et al. 2022, "Scalable deep RL").

    policy <- uniform; its games go into a reservoir
    repeat: mu <- flow of the policy, then frozen
            b <- a learnt best response to mu
            games of b go into the reservoir, as many in each iteration
            policy <- a network that learns what is played in the reservoir

A uniform sample of the reservoir is one of the average of all best responses, weighted
by how often they come to a node: what `fictitious_play` computes. One network stands
for the average, and no best response is remembered.

Choices that the paper leaves open, with the released code's in brackets:
  - the reservoir begins with games of the uniform policy, the first term of the average
    in `fictitious_play` (with those of the first best response);
  - the student's policy is that of a moving average of its weights (of the last ones);
  - its softmax has a temperature of 1 (10, which flattens it).
With `student_data` "online" the exact average is kept, and each iteration rolls it out
anew in place of the reservoir: the yardstick of the distillation.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import types

import pyspiel
import tensorflow as tf

from algorithms.checked import Checked
from algorithms.deep import networks
from algorithms.deep.agent_solvers import AgentAverageFictitiousPlay
from algorithms.deep.distillation import Student, StudentConfig
from algorithms.deep.dqn import DQNConfig
from algorithms.deep.networks import NetworkSpec
from algorithms.deep.players import World
from algorithms.deep.response_solver import ResponseConfig, ResponseSolver
from algorithms.fictitious_play import average_policy
from algorithms.policy import in_dtype
from algorithms.solver import State, Update
from mfg_games import parameters


@dataclasses.dataclass(frozen=True)
class AverageNetworkConfig(ResponseConfig):
    """Hyper-parameters of `AverageNetworkFictitiousPlay`.

    Attributes:
      student: of the network that learns the average.
    """

    student: StudentConfig = dataclasses.field(default_factory=StudentConfig)

    def __post_init__(self):
        super().__post_init__()
        # Backward divergences from the single responses do not add up to one from
        # their average.
        whole = self.student.beta == 0 or self.student.data == "online"
        beta = self.student.beta
        parameters.require(whole, "student_beta", beta, "0 with student_data='offline'")


# The responses are learnt where the population goes, which is where the average of all
# responses goes too.
OURS = AverageNetworkConfig(
    dqn=DQNConfig(learning_rate=5e-3, batch_size=256, acting="policy", exploration=0.3)
)

# OpenSpiel's example for its crowd modelling game: 3000 episodes of 10 moves in an
# iteration, an update every 40 moves and a target network every 200; its reservoir of
# 1e8 samples is never filled.
RELEASED = AverageNetworkConfig(
    dqn=DQNConfig(
        updates=750, players=40, replay_capacity=5000, target_every=5, averaging=0.0
    ),
    student=StudentConfig(
        optimizer="sgd",
        learning_rate=0.01,
        clip_norm=100.0,
        updates=2000,
        games=100,
        averaging=0.0,
        temperature=10.0,
    ),
)


class _ByArguments(Checked):
    """Metaclass: given environments, what OpenSpiel has under this name is made."""

    def __call__(cls, game, *args, **kwargs):
        if "envs" in kwargs or (args and isinstance(args[0], list | tuple)):
            return AgentAverageFictitiousPlay(game, *args, **kwargs)
        return super().__call__(game, *args, **kwargs)


class AverageNetworkFictitiousPlay(ResponseSolver, metaclass=_ByArguments):
    """Fictitious play with learnt best responses and a network for their average.

    Called as OpenSpiel's class of this name is, with environments and agents, it makes
    an `AgentAverageFictitiousPlay`.

    Args:
      game: any OpenSpiel mean field game, or its string.
      config: the hyper-parameters.
      dtype: "float64" or "float32", of the flows; networks are in single precision.
      device: a TensorFlow device; None for TensorFlow's choice.
    """

    presets: Mapping = types.MappingProxyType({"ours": OURS, "released": RELEASED})
    config: AverageNetworkConfig

    def __init__(
        self,
        game: pyspiel.Game | str,
        config: AverageNetworkConfig = OURS,
        dtype: str = "float64",
        device: str | None = None,
    ):
        super().__init__(game, config, dtype, device)

    def fresh_state(self) -> State:
        state = super().fresh_state()
        if self.config.student.data == "online":
            state["average"] = self.model.uniform_policy()
        return state

    def _build(self, spec: NetworkSpec) -> Mapping[str, tf.Variable]:
        response = super()._build(spec)
        config = self.config
        length = self.game.max_game_length()
        self._student = Student(spec, config.student, config.seed, length)
        return networks.named_variables(
            response=response, student=self._student.variables
        )

    def _learn(self, update: Update, here: World) -> tuple[State, Mapping[str, float]]:
        response, metrics = self._respond(update, here)
        state = {}
        if self.config.student.data == "online":
            teacher = state["average"] = self._average(update.state, response)
        else:
            teacher = response
            if self.num_iterations == 0:
                self._watch(here, update.state["policy"], 0)
        self._watch(here, teacher, self.num_iterations + 1)
        loss = self._student.learn(here, self.num_iterations)
        state["policy"] = in_dtype(self._student.policy(here), self.model.dtype)
        counts = {
            name: count + metrics.get(name, 0)
            for name, count in self._student.counts.items()
        }
        return state, {**metrics, "student_loss": loss, **counts}

    def _watch(self, here: World, teacher: tf.Tensor, phase: int) -> None:
        self._student.watch(here, tf.cast(teacher, tf.float32), phase)

    def _average(self, state: State, response: tf.Tensor) -> tf.Tensor:
        """The average of all responses with another one, [D, A]."""
        step = 1 / (self.num_iterations + 2)
        average = state["average"]
        mass, response_mass = (
            self.model.compiled_distribution(policy).mass[: len(policy)]
            for policy in (average, response)
        )
        return average_policy(
            (1 - step) * mass,
            average,
            step * response_mass,
            response,
            self.model.uniform_policy()[: len(average)],
        )
