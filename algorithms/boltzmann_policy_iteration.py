"""Boltzmann policy iteration: softmax(Q / temperature) of the last policy's values."""

from __future__ import annotations

import pyspiel

from algorithms.policy_iteration import PolicyIteration
from mfg_games import parameters


class BoltzmannPolicyIteration(PolicyIteration):
    """Boltzmann policy iteration: softmax(lr * Q) of the last policy's values.

    Args:
      game: any OpenSpiel mean field game, or its string.
      lr: inverse temperature.
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.
    """

    def __init__(
        self,
        game: pyspiel.Game | str,
        lr: float = 0.01,
        dtype: str = "float64",
        device: str | None = None,
    ):
        parameters.positive("lr", lr)
        super().__init__(game, 1.0 / lr, dtype, device)
