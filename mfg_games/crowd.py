"""Aversion to crowds: the reward -log mu(x) that most games of the papers share."""

from __future__ import annotations

import math

import numpy as np

from mfg_games.dynamics import LOG_FLOOR, Dynamics


def aversion(xp, mu, weight: float):
    """The reward -weight log mu(x), the shape of `mu`; an empty cell's is finite.

    Args:
      xp: the array module.
      mu: densities.
      weight: positive to flee crowds, negative to seek them.
    """
    return -weight * xp.log(mu + LOG_FLOOR)


def aversion_potential(d: Dynamics, t: int, law: np.ndarray, z, weight: float) -> float:
    """The potential of a game in which the crowd matters by `aversion` alone.

    Rewards r(x, a) - weight log mu(x) are the gradient of
    <law, r> - weight sum_x (mu log mu - mu)(x): the entropy of the crowd, weighted, and
    what is linear. It is concave unless the weight is negative.
    """
    mu = law.sum(-1)
    own = d.reward(np, t, mu, z) - aversion(np, mu, weight)[..., None]
    kept = mu + LOG_FLOOR
    return float(np.sum(law * own) - weight * np.sum(kept * np.log(kept) - mu))


def aversion_range(weight: float) -> tuple[float, float]:
    """Lowest and highest value of `aversion`."""
    empty = -weight * math.log(LOG_FLOOR)
    return min(empty, 0.0), max(empty, 0.0)
