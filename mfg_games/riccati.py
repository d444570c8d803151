"""The linear-quadratic games' equilibrium in continuous time and space."""

from __future__ import annotations

import dataclasses
import math

import numpy as np


@dataclasses.dataclass(frozen=True)
class ClosedForm:
    """Equilibrium of the continuous-time game (Perrin et al. 2020, section 4.1).

    The equilibrium action is a* = (q + eta(t)) (m_t - x), where eta solves the Riccati
    equation eta' = 2 (K + q) eta + eta^2 - (kappa - q^2) with eta(horizon) = c. The
    mean m_t then moves with the common noise only. Time is physical: t dt.

    Attributes:
      horizon: the end, in units of time.
      mean_reversion, cross_term, kappa, terminal_cost: K, q, kappa and c.
      volatility: of the noise that the players do not share, averaged over the steps.
      initial_mean, initial_variance: moments of the initial distribution.
    """

    horizon: float
    mean_reversion: float
    cross_term: float
    kappa: float
    terminal_cost: float
    volatility: float
    initial_mean: float
    initial_variance: float

    def eta(self, times) -> np.ndarray:
        """Solution of the Riccati equation, shaped like `times`."""
        to_go = self.horizon - np.asarray(times, np.float64)
        cosh, sinh = self._hyperbolic(to_go)
        c = self.terminal_cost
        excess = self.kappa - self.cross_term**2
        numerator = c * cosh + (excess - c * self._drift) * sinh
        return numerator / self._envelope(to_go)

    def action(self, t, x, mean):
        """The action at time t in x when the population's mean is `mean`."""
        return (self.cross_term + self.eta(t)) * (mean - x)

    def variance(self, times) -> np.ndarray:
        """Variance of the players around their mean, shaped like `times`.

        It solves Var' = -2 (K + q + eta) Var + volatility^2. As a function of the time
        to go s, K + q + eta is the logarithmic derivative of
        cosh(r s) + (K + q + c) sinh(r s) / r, which integrates the equation.
        """
        times = np.asarray(times, np.float64)
        shrink = self._envelope(self.horizon - times) / self._envelope(self.horizon)
        _, sinh = self._hyperbolic(times)
        initial = np.exp(-2 * self._rate * times) * shrink**2 * self.initial_variance
        return initial + self.volatility**2 * shrink * sinh

    @property
    def _drift(self) -> float:
        return self.mean_reversion + self.cross_term

    @property
    def _rate(self) -> float:
        return math.sqrt(self._drift**2 + self.kappa - self.cross_term**2)

    def _hyperbolic(self, s) -> tuple[np.ndarray, np.ndarray]:
        """cosh(r s) and sinh(r s) / r, times exp(-r s) so that neither overflows."""
        r = self._rate
        cosh = (1 + np.exp(-2 * r * s)) / 2
        sinh = -np.expm1(-2 * r * s) / (2 * r) if r > 0 else s
        return cosh, sinh

    def _envelope(self, s) -> np.ndarray:
        cosh, sinh = self._hyperbolic(s)
        return cosh + (self._drift + self.terminal_cost) * sinh
