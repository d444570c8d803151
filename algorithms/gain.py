"""What a player gains by leaving a policy, with a confidence interval."""

from __future__ import annotations

import dataclasses
import math
import statistics
from typing import Self

import numpy as np


@dataclasses.dataclass(frozen=True)
class Gain:
    """A gain that was estimated from samples: one number, or several side by side.

    Attributes:
      gain: the mean of the samples.
      error: its standard error.
      confidence: of `interval`, as if the mean were normal.
    """

    gain: float | np.ndarray
    error: float | np.ndarray
    confidence: float

    @classmethod
    def of(cls, samples: np.ndarray, confidence: float, **more) -> Self:
        """From samples [R] or [R, ...], which are independent, at least two.

        Args:
          samples: of the gain.
          confidence: of the interval, between 0 and 1.
          **more: attributes of a subclass.
        """
        error = samples.std(axis=0, ddof=1) / math.sqrt(len(samples))
        return cls(samples.mean(axis=0), error, confidence, **more)

    @property
    def half_width(self) -> float | np.ndarray:
        """Of the confidence interval."""
        quantile = statistics.NormalDist().inv_cdf((1 + self.confidence) / 2)
        return quantile * self.error

    @property
    def interval(self) -> tuple[float | np.ndarray, float | np.ndarray]:
        """Ends of the confidence interval."""
        return self.gain - self.half_width, self.gain + self.half_width
