"""Whether a learning curve is a straight line in log-log scale: c steps^slope.

A student that learns from ever new samples of its teacher is said to come nearer to it
by a power law, and one that learns a fixed set by heart to leave that line. Tiapkin et
al. (2025, teacher hacking) propose this as an alarm that needs no oracle: it looks at
the distance to the teacher alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mfg_games.parameters import require


class Linearity(NamedTuple):
    """How straight a curve is.

    Attributes:
      slope: of the line of least squares in log-log scale.
      r_squared: share of the logarithms' variance that the line explains.
      departure: the first step that lies off the line of all before it; infinite if
        none does.
    """

    slope: float
    r_squared: float
    departure: float


def log_log_linearity(
    steps: np.ndarray, values: np.ndarray, tolerance: float = 0.5, first: int = 5
) -> Linearity:
    """Fits a straight line to a curve, and looks for where the curve leaves it.

    Args:
      steps: [n], positive and increasing, best spaced like powers.
      values: [n], positive.
      tolerance: largest difference from the line, of natural logarithms.
      first: points that must have been seen before one can be off their line.

    Raises:
      ValueError: the curve is too short, or something has no logarithm.
    """
    steps, values = np.asarray(steps, float), np.asarray(values, float)
    require(first >= 2, "first", first, "at least 2")
    require(0 < tolerance < np.inf, "tolerance", tolerance, "above 0 and finite")
    long = steps.ndim == 1 and len(steps) > first
    require(long, "steps", steps.shape, f"one-dimensional and longer than {first}")
    require(values.shape == steps.shape, "values", values.shape, f"{steps.shape}")
    rising = steps[0] > 0 and bool((np.diff(steps) > 0).all())
    require(rising, "steps", steps, "positive and increasing")
    require(bool((values > 0).all()), "values", values, "positive")
    x, y = np.log(steps), np.log(values)
    line = np.polyfit(x, y, 1)
    spread = np.sum((y - y.mean()) ** 2)
    missed = np.sum((y - np.polyval(line, x)) ** 2)
    off = (
        steps[i]
        for i in range(first, len(x))
        if abs(y[i] - np.polyval(np.polyfit(x[:i], y[:i], 1), x[i])) > tolerance
    )
    r_squared = 1 - missed / spread if spread > 1e-20 else 1.0  # a constant
    return Linearity(float(line[0]), float(r_squared), float(next(off, np.inf)))
