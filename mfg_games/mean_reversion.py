"""Linear-quadratic games on a line: what their games share.

Players on the grid points of a box steer towards the mean of the population, which is
the only part of the distribution that they feel.
"""

from __future__ import annotations

import math

import numpy as np

from mfg_games import parameters, sizes
from mfg_games.dynamics import CommonNoise, Dynamics
from mfg_games.laws import discretised_normal
from mfg_games.riccati import ClosedForm

_NOISE = np.arange(-3.0, 4.0)  # a standard normal, discretised
_NOISE_LAW = discretised_normal(_NOISE, 0.0, 1.0)
_MAX_SHOCKS = 12  # 4096 histories


class MeanReversion(Dynamics):
    """Linear-quadratic game on the grid points of a box, not registered itself.

    With m the mean of mu and g = m - x, a player in x who takes the action a moves to

        y = x + (K g + a) dt + volatility sqrt(dt) w,

    clamped to the box, then split between the two nearest grid points so that the mean
    stays exact (which adds h^2 f (1 - f) to the variance, with h the distance of two
    grid points and f the fraction of it by which y exceeds the lower one). The noise w
    is e, a standard normal discretised on -3..3. At a time t divisible by
    `shock_every` and with common_noise = rho > 0 it is

        w = rho xi + sqrt(1 - rho^2) e,    xi = +1 or -1 for all players alike.

    The reward is dt (-a^2 / 2 + q a g - kappa g^2 / 2), and -c g^2 / 2 at the horizon.

    Attributes:
      positions: the grid points, equally spaced, float64 [S].
      actions: the actions, float64 [A].
      dt: time between two decisions.
    """

    factor_names = ("position",)

    def __init__(
        self,
        positions: np.ndarray,
        actions: np.ndarray,
        initial: np.ndarray,
        *,
        horizon: int,
        dt: float,
        mean_reversion: float,
        volatility: float,
        cross_term: tuple[str, float],
        kappa: tuple[str, float],
        terminal_cost: float,
        common_noise: float,
        shock_every: int,
    ):
        """Checks what the games share; `initial` is the law of the start, [S].

        `cross_term` and `kappa`, which are q and kappa, come with their names in the
        game.
        """
        parameters.at_least("horizon", horizon, 1)
        parameters.at_least("mean_reversion", mean_reversion, 0)
        parameters.at_least("volatility", volatility, 0)
        parameters.at_least("terminal_cost", terminal_cost, 0)
        parameters.probability("common_noise", common_noise)
        parameters.at_least("shock_every", shock_every, 1)
        _check_convex(cross_term, kappa)
        histories = None
        if common_noise > 0:
            histories = _num_histories(horizon, shock_every, common_noise)
        sizes.require(horizon, len(positions), len(actions), histories=histories)
        self.horizon = horizon
        self.positions = positions
        self.actions = actions
        self.num_actions = len(actions)
        self.state_shape = (len(positions),)
        self.state_names = tuple(f"{position:g}" for position in positions)
        self.initial_distribution = initial[None]
        self.dt = dt
        self._mean_reversion = mean_reversion
        self._volatility = volatility
        self._cross_term = cross_term[1]
        self._kappa = kappa[1]
        self._terminal_cost = terminal_cost
        self._correlation = common_noise
        self._shock_every = shock_every
        if common_noise > 0:
            self.common_noise = _shock_tree(horizon, shock_every)
        widest, fastest = positions[-1] - positions[0], np.abs(actions).max()
        self._spacing = widest / (len(positions) - 1)
        steering = fastest**2 / 2 + abs(self._cross_term) * fastest * widest
        self.reward_range = (-dt * (steering + self._kappa * widest**2 / 2), 0.0)
        self.terminal_reward_range = (-terminal_cost * widest**2 / 2, 0.0)

    def transition(self, xp, t, mu, z):
        gap = self._gap(xp, mu)[:, None]
        speed = self._mean_reversion * gap + self.actions  # [S, A]
        y = (self.positions[:, None] + speed * self.dt)[..., None] + self._noise(xp, z)
        last = self.num_states - 1.0
        # [S, A, 7], counted in grid points from the lower end of the box.
        place = xp.clip(y / self._spacing + last / 2, 0.0, last)
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
        return f"{self.actions[action]:+g}"

    def closed_form(self) -> ClosedForm:
        """The equilibrium in continuous time and space, without a box."""
        shocks = -(-self.horizon // self._shock_every)
        common = self._correlation**2 * shocks / self.horizon
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


def symmetric_grid(name: str, steps: int, spacing: float = 1.0) -> np.ndarray:
    """The points -steps, ..., steps times `spacing`, float64 [2 steps + 1]."""
    parameters.at_least(name, steps, 0)
    return np.arange(-steps, steps + 1.0) * spacing


def require_size(half_width: int, max_action: int) -> None:
    """Requires the steps of a game on such grids to fit into the machine.

    Raises:
      ValueError: they do not.
    """
    states, actions = 2 * half_width + 1, 2 * max_action + 1
    sizes.require(1, states, actions, entries=2 * len(_NOISE) * states * actions)


def _check_convex(cross_term: tuple[str, float], kappa: tuple[str, float]) -> None:
    (cross_name, q), (name, value) = cross_term, kappa
    parameters.finite(cross_name, q)
    parameters.at_least(name, value, 0)
    allowed = f"at least {cross_name}**2 = {q**2!r}"
    parameters.require(value >= q**2, name, value, allowed)


def _num_histories(horizon: int, shock_every: int, rho: float) -> int:
    """How many there are, summed over the times 0..horizon - 1."""
    shocks = (horizon - 1) // shock_every + 1
    parameters.require(
        shocks <= _MAX_SHOCKS,
        "shock_every",
        shock_every,
        f"large enough for at most {_MAX_SHOCKS} shocks, i.e. {2**_MAX_SHOCKS} "
        f"histories, at horizon={horizon} and common_noise={rho!r}",
    )
    before = sum(shock_every * 2**shock for shock in range(1, shocks))
    last = horizon - 1 - (shocks - 1) * shock_every
    return 1 + before + last * 2**shocks


def _shock_tree(horizon: int, shock_every: int) -> CommonNoise:
    """Histories whose value is the last step's shock: +1, -1, or 0 for none."""

    def advance(t: int, z: float, outcome: int) -> float:
        return (-1.0, 1.0)[outcome] if t % shock_every == 0 else 0.0

    laws = [[1.0] if t % shock_every else [0.5, 0.5] for t in range(horizon)]
    return CommonNoise.unroll(laws, 0.0, advance)
