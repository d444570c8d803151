"""Deep fixed point iteration (Banach-Picard), the plainest baseline.

    policy <- uniform
    repeat: mu <- flow of the policy
            policy <- a learnt best response to mu

It need not converge: the crowd jumps to wherever it has just not been (Lauriere et al.
2022, "Scalable deep RL", section 5). With `dqn_temperature` it is the Boltzmann
iteration of Cui and Koeppl (2021, section 4), which converges at high temperatures, to
the equilibrium of a smoothed game.
"""

from __future__ import annotations

from collections.abc import Mapping
import types

import pyspiel

from algorithms.deep.players import World
from algorithms.deep.response_solver import ResponseConfig, ResponseSolver
from algorithms.solver import State, Update


class DeepFixedPoint(ResponseSolver):
    """Fixed point iteration: the population plays the last learnt best response.

    Args:
      game: any OpenSpiel mean field game, or its string.
      config: the hyper-parameters.
      dtype: "float64" or "float32", of the flows; networks are in single precision.
      device: a TensorFlow device; None for TensorFlow's choice.
    """

    presets: Mapping = types.MappingProxyType({"ours": ResponseConfig()})

    def __init__(
        self,
        game: pyspiel.Game | str,
        config: ResponseConfig = presets["ours"],
        dtype: str = "float64",
        device: str | None = None,
    ):
        super().__init__(game, config, dtype, device)

    def _learn(self, update: Update, here: World) -> tuple[State, Mapping[str, float]]:
        response, metrics = self._respond(update, here)
        return {"policy": response}, metrics
