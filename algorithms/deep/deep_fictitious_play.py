"""Deep fictitious play that keeps every best response (Perrin et al. 2020, section 4).

    policy <- uniform
    repeat: mu <- flow of the policy
            b <- a learnt best response to mu, whose network is stored
            policy <- average of the policy and b, weighted by their flows

The average policy is a mixture: who plays it draws one of the stored networks before
the game and keeps to it. `average_network_fictitious_play` needs no store.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import types

import pyspiel
import tensorflow as tf

from algorithms.deep.best_response import NetworkResponse
from algorithms.deep.history import NetworkHistory
from algorithms.deep.networks import NetworkSpec, named_variables
from algorithms.deep.players import World
from algorithms.deep.response_solver import ResponseConfig, ResponseSolver
from algorithms.fictitious_play import average_policy
from algorithms.policy import ArrayPolicy
from algorithms.solver import State, Update
from mfg_games import parameters


@dataclasses.dataclass(frozen=True)
class DeepFictitiousPlayConfig(ResponseConfig):
    """Hyper-parameters of `DeepFictitiousPlay`.

    Attributes:
      lr: constant weight of each new best response; 0 for 1 / (k + 1) at iteration k =
        1, 2, ...: the average over all iterations.
    """

    lr: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        parameters.probability("lr", self.lr)


class DeepFictitiousPlay(ResponseSolver):
    """Fictitious play whose best responses are learnt and stored.

    Args:
      game: any OpenSpiel mean field game, or its string.
      config: the hyper-parameters.
      dtype: "float64" or "float32", of the flows; networks are in single precision.
      device: a TensorFlow device; None for TensorFlow's choice.
    """

    presets: Mapping = types.MappingProxyType({"ours": DeepFictitiousPlayConfig()})

    def __init__(
        self,
        game: pyspiel.Game | str,
        config: DeepFictitiousPlayConfig = presets["ours"],
        dtype: str = "float64",
        device: str | None = None,
    ):
        super().__init__(game, config, dtype, device)

    def _build(self, spec: NetworkSpec) -> Mapping[str, tf.Variable]:
        variables = super()._build(spec)
        self._history = None
        if not isinstance(self._best_response, NetworkResponse):
            return variables
        self._history = NetworkHistory(self._best_response.network)
        return {**variables, **named_variables(history=self._history.variables)}

    def _learn(self, update: Update, here: World) -> tuple[State, Mapping[str, float]]:
        response, metrics = self._respond(update, here)
        if self._history is not None:
            self._history.append(self._best_response.network)
        weight = self.config.lr or 1 / (self.num_iterations + 2)
        uniform = self.model.uniform_policy()  # before the flow discovers further nodes
        average = average_policy(
            (1 - weight) * update.flow.mass,
            update.state["policy"],
            weight * self._met_flow(response).mass,
            response,
            uniform,
        )
        return {"policy": average}, metrics

    def response(self, number: int) -> ArrayPolicy:
        """A best response of the past, as its stored network plays it.

        Args:
          number: of the iteration that learnt it, counted from 0.

        Raises:
          ValueError: there is none, or the responses are not those of networks alone.
        """
        if self._history is None:
            raise ValueError(
                f"No networks are stored with best_response="
                f"{self.config.best_response!r}, which needs more than a network."
            )
        outputs = self._history.outputs(number, self.features)
        policy = self._best_response.policy_of(outputs, self.model.legal_actions)
        return ArrayPolicy(self.model, policy)
