"""Concave utilities of an occupancy, each with its gradient.

An occupancy m is the distribution of the crowd at one time, over states, [N, S], or
over states and actions, [N, S, A]. `value` takes NumPy arrays; `gradient` has the shape
of m and is written against `xp`, which is `numpy` or `tensorflow.experimental.numpy`.
"""

from __future__ import annotations

import abc

import numpy as np

from mfg_games.dynamics import LOG_FLOOR


class Utility(abc.ABC):
    """A concave function F of the occupancy.

    Attributes:
      gradient_range: (lowest, highest) entry of the gradient at any occupancy.
    """

    gradient_range: tuple[float, float]

    @abc.abstractmethod
    def value(self, m: np.ndarray, t: int) -> float:
        """F(m) at time t."""

    @abc.abstractmethod
    def gradient(self, xp, m, t):
        """Gradient of F at m and time t."""


class Divergence(Utility):
    """Minus the relative entropy, F(m) = -weight sum (m + e) log((m + e) / target).

    The gradient is weight (log target - log(m + e) - 1), with e = `LOG_FLOOR`. The
    target 1 makes F the entropy.

    Args:
      weight: factor of F.
      log_target: log of the target, one row for all times or one for each, [1 or T,
        N, S] or [1 or T, N, S, A].
    """

    def __init__(self, weight: float, log_target: np.ndarray):
        self._weight = weight
        self._log_target = log_target
        self.gradient_range = (
            weight * (log_target.min() - np.log(1 + LOG_FLOOR) - 1),
            weight * (log_target.max() - np.log(LOG_FLOOR) - 1),
        )

    def value(self, m: np.ndarray, t: int) -> float:
        kept = m + LOG_FLOOR
        return float(self._weight * np.sum(kept * (self._target(np, t) - np.log(kept))))

    def gradient(self, xp, m, t):
        return self._weight * (self._target(xp, t) - xp.log(m + LOG_FLOOR) - 1.0)

    def _target(self, xp, t):
        last = len(self._log_target) - 1
        return xp.take(self._log_target, xp.minimum(t, last), axis=0)


class Goals(Utility):
    """Several places at once, F(m) = -weight sum over goals g of (1 - m(g))^2.

    The gradient is 2 weight (1 - m(g)) at the goals and 0 elsewhere.

    Args:
      weight: factor of F.
      goals: [S], 1 at the goals and 0 elsewhere.
    """

    def __init__(self, weight: float, goals: np.ndarray):
        self._weight = weight
        self._goals = goals
        self.gradient_range = (0.0, 2.0 * weight)

    def value(self, m: np.ndarray, t: int) -> float:
        return float(-self._weight * np.sum(self._goals * (1.0 - m) ** 2))

    def gradient(self, xp, m, t):
        return 2.0 * self._weight * self._goals * (1.0 - m)


class Penalty(Utility):
    """A reward under a bound on a cost, softened by a penalty.

    F(m) = <m, reward> - weight / 2 max(0, <m, cost> - bound)^2, with the gradient
    reward - weight max(0, <m, cost> - bound) cost.

    Args:
      weight: of the penalty.
      reward: [S].
      cost: [S], from 0 to 1.
      bound: of the crowd's cost <m, cost>, in [0, 1].
    """

    def __init__(
        self, weight: float, reward: np.ndarray, cost: np.ndarray, bound: float
    ):
        self._weight = weight
        self._reward = reward
        self._cost = cost
        self._bound = bound
        highest = weight * (1.0 - bound) * cost
        self.gradient_range = ((reward - highest).min(), reward.max())

    def value(self, m: np.ndarray, t: int) -> float:
        penalty = 0.5 * self._weight * self._violation(np, m) ** 2
        return float(np.sum(m * self._reward) - np.sum(penalty))

    def gradient(self, xp, m, t):
        return self._reward - self._weight * self._violation(xp, m) * self._cost

    def _violation(self, xp, m):
        cost = xp.sum(m * self._cost, axis=-1, keepdims=True)
        return xp.maximum(cost - self._bound, 0.0)
