"""The linear-quadratic game (Perrin et al. 2020, section 4.1, and 5 for common noise).

Players on a line pay for steering towards the mean of the population and for being
away from it, as banks lend to each other in the systemic risk model of Carmona, Fouque
and Sun (2015). The dynamics depend on the distribution through its mean, and in
continuous time the equilibrium is known in closed form.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from mfg_games import parameters
from mfg_games.dynamics import CommonNoise, Dynamics
from mfg_games.registration import register

_NOISE = np.arange(-3.0, 4.0)  # a standard normal, discretised
_NOISE_LAW = np.exp(-(_NOISE**2) / 2)
_NOISE_LAW /= _NOISE_LAW.sum()
_MAX_SHOCKS = 12  # 4096 histories


@register("mfg_linear_quadratic")
class LinearQuadratic(Dynamics):
    """Linear-quadratic game.

    States are the grid points -half_width..half_width, actions the accelerations
    -max_action..max_action. With m the mean of mu and g = m - x, a player in x moves to

        y = x + (mean_reversion g + a) dt + volatility sqrt(dt) w,

    clamped to the box, then split between the two nearest grid points so that the mean
    stays exact (which adds f (1 - f) to the variance, f the fractional part of y). The
    noise w is e, a standard normal discretised on -3..3. At a time t divisible by
    `shock_every` and with common_noise = rho > 0 it is

        w = rho xi + sqrt(1 - rho^2) e,    xi = +1 or -1 for all players alike.

    The reward is dt (-a^2 / 2 + cross_term a g - kappa g^2 / 2), and
    -terminal_cost g^2 / 2 at the horizon.

    Args:
      half_width: the box is -half_width..half_width.
      horizon: number of decision times.
      dt: time between two of them.
      max_action: largest action.
      mean_reversion: K, the drift towards the mean.
      volatility: standard deviation of the noise per unit of time.
      cross_term: q, reward for steering towards the mean.
      kappa: cost of the distance to the mean; at least cross_term^2, which makes the
        cost convex.
      terminal_cost: c.
      common_noise: rho, the correlation of the players' noise.
      shock_every: number of steps from one shock of the common noise to the next; the
        first hits at t = 0. There are 2^shocks histories, at most 4096.
      modes: means of the initial mixture of discretised normals, inside the box. A
        single mode is written twice ("0 0").
      mode_std: their standard deviation, at least 0.01.
    """

    factor_names = ("position",)

    def __init__(
        self,
        half_width: int = 50,
        horizon: int = 30,
        dt: float = 0.1,
        max_action: int = 18,
        mean_reversion: float = 1.0,
        volatility: float = 3.0,
        cross_term: float = 0.01,
        kappa: float = 0.5,
        terminal_cost: float = 1.0,
        common_noise: float = 0.0,
        shock_every: int = 1,
        modes: str = "-25 25",
        mode_std: float = 5.0,
    ):
        parameters.at_least("half_width", half_width, 1)
        parameters.at_least("horizon", horizon, 1)
        parameters.positive("dt", dt)
        parameters.at_least("max_action", max_action, 0)
        parameters.at_least("mean_reversion", mean_reversion, 0)
        parameters.at_least("volatility", volatility, 0)
        parameters.finite("cross_term", cross_term)
        parameters.at_least("kappa", kappa, 0)
        parameters.require(
            kappa >= cross_term**2,
            "kappa",
            kappa,
            f"at least cross_term**2 = {cross_term**2!r}",
        )
        parameters.at_least("terminal_cost", terminal_cost, 0)
        parameters.probability("common_noise", common_noise)
        parameters.at_least("shock_every", shock_every, 1)
        self.horizon = horizon
        self.positions = np.arange(-half_width, half_width + 1.0)
        self.actions = np.arange(-max_action, max_action + 1.0)
        self.num_actions = len(self.actions)
        self.state_shape = (len(self.positions),)
        self.state_names = tuple(f"{position:g}" for position in self.positions)
        self.initial_distribution = _mixture(self.positions, modes, mode_std)[None]
        self.dt = dt
        self._mean_reversion = mean_reversion
        self._volatility = volatility
        self._cross_term = cross_term
        self._kappa = kappa
        self._terminal_cost = terminal_cost
        self._correlation = common_noise
        self._shocks = np.arange(horizon) % shock_every == 0
        if common_noise > 0:
            self.common_noise = _shock_tree(self._shocks, common_noise, shock_every)
        widest = 2.0 * half_width
        steering = max_action**2 / 2 + abs(cross_term) * max_action * widest
        self.reward_range = (-dt * (steering + kappa * widest**2 / 2), 0.0)
        self.terminal_reward_range = (-terminal_cost * widest**2 / 2, 0.0)

    def transition(self, xp, t, mu, z):
        gap = self._gap(xp, mu)[:, None]
        speed = self._mean_reversion * gap + self.actions  # [S, A]
        y = (self.positions[:, None] + speed * self.dt)[..., None] + self._noise(xp, z)
        last = self.num_states - 1.0
        place = xp.clip(y + last / 2, 0.0, last)  # [S, A, 7], counted in grid points
        below = xp.minimum(xp.floor(place), last - 1.0)
        share = place - below  # of the point above
        index = xp.array(below, np.int32)
        probabilities = [_NOISE_LAW * (1 - share), _NOISE_LAW * share]
        return (
            xp.concatenate([index, index + 1], axis=-1),
            xp.concatenate(probabilities, axis=-1)[None],
        )

    def reward(self, xp, t, mu, z):
        gap = self._gap(xp, mu)[:, None]
        steering = -(self.actions**2) / 2 + self._cross_term * self.actions * gap
        return self.dt * (steering - self._kappa / 2 * gap**2)[None]

    def terminal_reward(self, xp, mu, z):
        return -self._terminal_cost / 2 * self._gap(xp, mu)[None] ** 2

    def action_name(self, action: int) -> str:
        return f"{int(self.actions[action]):+d}"

    def closed_form(self) -> ClosedForm:
        """The equilibrium in continuous time and space, without a box."""
        common = self._correlation**2 * self._shocks.mean()
        law = self.initial_distribution[0]
        mean = law @ self.positions
        return ClosedForm(
            horizon=self.horizon * self.dt,
            mean_reversion=self._mean_reversion,
            cross_term=self._cross_term,
            kappa=self._kappa,
            terminal_cost=self._terminal_cost,
            volatility=self._volatility * math.sqrt(1 - common),
            initial_mean=float(mean),
            initial_variance=float(law @ (self.positions - mean) ** 2),
        )

    def _gap(self, xp, mu):
        """Distance to the mean, m - x, [S]."""
        return xp.sum(mu * self.positions) - self.positions

    def _noise(self, xp, z):
        """What is added to y, [7]; z is the shock of the step, 0 for none."""
        scale = self._volatility * math.sqrt(self.dt)
        if z is None:
            return scale * _NOISE
        shared = self._correlation * z
        return scale * (shared + xp.sqrt(1.0 - shared**2) * _NOISE)


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


def _mixture(positions: np.ndarray, modes: str, std: float) -> np.ndarray:
    """Equal mixture of normals on the grid, each normalised, [S]."""
    means = parameters.numbers("modes", modes)
    parameters.at_least("mode_std", std, 0.01)
    half_width = positions[-1]
    parameters.require(
        np.abs(means).max() <= half_width,
        "modes",
        modes,
        f"inside the box -{half_width:g}..{half_width:g} set by half_width",
    )
    squares = (positions - means[:, None]) ** 2
    squares -= squares.min(axis=1, keepdims=True)  # no underflow to zero mass
    densities = np.exp(-squares / (2 * std**2))
    return (densities / densities.sum(axis=1, keepdims=True)).mean(axis=0)


def _shock_tree(shocks: np.ndarray, rho: float, shock_every: int) -> CommonNoise:
    """Histories whose value is the last step's shock: +1, -1, or 0 for none."""
    parameters.require(
        shocks.sum() <= _MAX_SHOCKS,
        "shock_every",
        shock_every,
        f"large enough for at most {_MAX_SHOCKS} shocks, i.e. {2**_MAX_SHOCKS} "
        f"histories, at horizon={len(shocks)} and common_noise={rho!r}",
    )

    def advance(t: int, z: float, outcome: int) -> float:
        return (-1.0, 1.0)[outcome] if shocks[t] else 0.0

    return CommonNoise.unroll(
        [[0.5, 0.5] if s else [1.0] for s in shocks], 0.0, advance
    )
