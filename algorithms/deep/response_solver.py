"""Solvers on top of a best response that is learnt, whatever learns it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
import dataclasses

import tensorflow as tf

from algorithms.deep.best_of_n import BestOfN, BestOfNConfig
from algorithms.deep.best_response import ExactResponse, Response
from algorithms.deep.config import SolverConfig
from algorithms.deep.deep_solver import DeepSolver
from algorithms.deep.dqn import DQN, DQNConfig
from algorithms.deep.networks import NetworkSpec
from algorithms.deep.planning import PlanningConfig, PlanningResponse
from algorithms.deep.players import World
from algorithms.deep.ppo import PPO, PPOConfig
from algorithms.policy import in_dtype
from algorithms.solver import Update
from mfg_games import parameters


@dataclasses.dataclass(frozen=True)
class ResponseConfig(SolverConfig):
    """How best responses are learnt.

    Attributes:
      best_response: a name in `RESPONSES`.
      dqn: hyper-parameters of "dqn".
      best_of_n: hyper-parameters of "best_of_n".
      planning: hyper-parameters of "planning", whose values `dqn` learns.
      ppo: hyper-parameters of "ppo".
    """

    best_response: str = "dqn"
    dqn: DQNConfig = dataclasses.field(default_factory=DQNConfig)
    best_of_n: BestOfNConfig = dataclasses.field(default_factory=BestOfNConfig)
    planning: PlanningConfig = dataclasses.field(default_factory=PlanningConfig)
    ppo: PPOConfig = dataclasses.field(default_factory=PPOConfig)

    def __post_init__(self):
        super().__post_init__()
        parameters.known("best_response", self.best_response, RESPONSES)


# Name of an option -> what makes it, given the sizes, all hyper-parameters and a seed.
RESPONSES: Mapping[str, Callable[[NetworkSpec, ResponseConfig, int], Response]] = {
    "best_of_n": lambda spec, config, seed: BestOfN(spec, config.best_of_n, seed),
    "dqn": lambda spec, config, seed: DQN(spec, config.dqn, seed),
    "exact": lambda spec, config, seed: ExactResponse(),
    "planning": lambda spec, config, seed: PlanningResponse(
        spec, config.dqn, config.planning, seed
    ),
    "ppo": lambda spec, config, seed: PPO(spec, config.ppo, seed),
}


class ResponseSolver(DeepSolver):
    """A solver whose state is a policy, and which learns a best response to it."""

    config: ResponseConfig

    def _build(self, spec: NetworkSpec) -> Mapping[str, tf.Variable]:
        make = RESPONSES[self.config.best_response]
        self._best_response = make(spec, self.config, self.config.seed)
        return self._best_response.variables

    def _respond(
        self, update: Update, here: World
    ) -> tuple[tf.Tensor, Mapping[str, float]]:
        """A best response [D, A], and what was measured on the way."""
        response = self._best_response.answer(update, here, self.num_iterations)
        response = in_dtype(response, self.model.dtype)
        return response, self._best_response.metrics
