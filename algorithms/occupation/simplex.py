"""Euclidean projections onto simplices, in NumPy."""

from __future__ import annotations

import numpy as np


def thresholds(points: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """What to subtract from points to project them onto simplices.

    The projection of a row p onto the points >= 0 with the sum `total` is
    max(p - threshold, 0) (Duchi et al. 2008, section 3: sort and sum up).

    Args:
      points: float64 [n, m]; entries of -inf stay out of the simplex.
      totals: [n], above 0.

    Returns:
      [n].
    """
    descending = -np.sort(-points, axis=1)
    counts = np.arange(1, points.shape[1] + 1)
    candidates = (np.cumsum(descending, axis=1) - totals[:, None]) / counts
    # An entry is positive after the projection if it is above its own candidate.
    last = (descending > candidates).sum(axis=1) - 1
    return candidates[np.arange(len(points)), last]


def project(points: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """The projections of rows onto simplices, [n, m]; arguments of `thresholds`."""
    return np.maximum(points - thresholds(points, totals)[:, None], 0.0)
