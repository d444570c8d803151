"""Boltzmann policy iteration: softmax(Q / temperature) of the last policy's values."""

from __future__ import annotations

from open_spiel.python.mfg import value as openspiel_value
import pyspiel

from algorithms import openspiel_arguments
from algorithms.policy import ArrayPolicy
from algorithms.policy_iteration import PolicyIteration
from mfg_games import parameters


class BoltzmannPolicyIteration(PolicyIteration):
    """Boltzmann policy iteration: softmax(lr * Q) of the last policy's values.

    Args:
      game: any OpenSpiel mean field game, or its string.
      state_value: of no effect, as in OpenSpiel's class of the same name.
      lr: inverse temperature.
      root_state: the game's start, which is the default.
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.
    """

    def __init__(
        self,
        game: pyspiel.Game | str,
        state_value: openspiel_value.ValueFunction | None = None,
        lr: float = 0.01,
        root_state: pyspiel.State | None = None,
        dtype: str = "float64",
        device: str | None = None,
    ):
        parameters.positive("lr", lr)
        super().__init__(game, 1.0 / lr, dtype, device)
        openspiel_arguments.require_value_function(state_value)
        openspiel_arguments.require_start(self.game, root_state)

    def get_projected_policy(self) -> ArrayPolicy:
        """`get_policy`, under OpenSpiel's name."""
        return self.get_policy()
