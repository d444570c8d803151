"""Probability laws on grids."""

from __future__ import annotations

import numpy as np


def discretised_normal(points: np.ndarray, mean, std: float) -> np.ndarray:
    """Normal densities at the points, normalised to sum to one.

    Args:
      points: [n].
      mean: a number, or an array [..., 1] for several laws.
      std: standard deviation before the truncation to the points, above 0.

    Returns:
      float64 [..., n].
    """
    squares = (points - mean) ** 2
    # The nearest point keeps the weight 1: no underflow to zero mass.
    squares = squares - squares.min(axis=-1, keepdims=True)
    weights = np.exp(-squares / (2 * std**2))
    return weights / weights.sum(axis=-1, keepdims=True)
