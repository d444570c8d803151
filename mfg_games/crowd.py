"""Aversion to crowds: the reward -log mu(x) that most games of the papers share."""

from __future__ import annotations

import math

from mfg_games.dynamics import LOG_FLOOR


def aversion(xp, mu, weight: float):
    """The reward -weight log mu(x), the shape of `mu`; an empty cell's is finite.

    Args:
      xp: the array module.
      mu: densities.
      weight: positive to flee crowds, negative to seek them.
    """
    return -weight * xp.log(mu + LOG_FLOOR)


def aversion_range(weight: float) -> tuple[float, float]:
    """Lowest and highest value of `aversion`."""
    empty = -weight * math.log(LOG_FLOOR)
    return min(empty, 0.0), max(empty, 0.0)
