"""The linear-quadratic game in continuous space (Perrin et al. 2020, section 4.1).

`mfg_linear_quadratic` is the same game on a grid. Here nothing is rounded or clipped,
and the equilibrium is that of continuous time but for the length of a step.
"""

from __future__ import annotations

import numpy as np

from mfg_games import parameters
from mfg_games.continuous import ContinuousGame
from mfg_games.riccati import ClosedForm


class LinearQuadraticModel(ContinuousGame):
    """Players on the real line who steer towards the mean of the population.

    With m the crowd's mean, g = m - x, an action a and a standard normal e,

        x' = x + (mean_reversion g + a) dt + volatility sqrt(dt) e,

    a step pays dt (-a^2 / 2 + cross_term a g - kappa g^2 / 2), and the end
    -terminal_cost g^2 / 2.

    Args:
      horizon: number of decision times.
      dt: time between two of them.
      mean_reversion: K, the drift towards the mean.
      volatility: standard deviation of the noise per unit of time.
      cross_term: q, reward for steering towards the mean.
      kappa: cost of the distance to the mean; at least cross_term^2, which makes the
        cost convex.
      terminal_cost: c.
      initial_mean, initial_std: of the normal that all start from.
      largest_action: bound of an action.

    Raises:
      ValueError: an argument is out of its range.
    """

    num_components = num_controls = 1

    def __init__(
        self,
        horizon: int = 30,
        dt: float = 0.1,
        mean_reversion: float = 1.0,
        volatility: float = 1.0,
        cross_term: float = 0.01,
        kappa: float = 0.5,
        terminal_cost: float = 1.0,
        initial_mean: float = 0.0,
        initial_std: float = 1.0,
        largest_action: float = 3.0,
    ):
        parameters.at_least("horizon", horizon, 1)
        parameters.positive("dt", dt)
        parameters.positive("largest_action", largest_action)
        for name, value in {
            "mean_reversion": mean_reversion,
            "volatility": volatility,
            "terminal_cost": terminal_cost,
            "initial_std": initial_std,
        }.items():
            parameters.at_least(name, value, 0)
        parameters.finite("cross_term", cross_term)
        parameters.finite("initial_mean", initial_mean)
        convex = kappa >= cross_term**2
        parameters.require(convex, "kappa", kappa, "at least cross_term^2")
        self.horizon, self.dt = horizon, dt
        self.largest_action = largest_action
        self.closed_form = ClosedForm(
            horizon * dt,
            mean_reversion,
            cross_term,
            kappa,
            terminal_cost,
            volatility,
            initial_mean,
            initial_std**2,
        )
        widest = np.sqrt(self.closed_form.variance(np.linspace(0, horizon * dt)).max())
        self.scale = np.array([abs(initial_mean) + 2 * widest + 1e-6])

    def initial(self, xp, uniforms, normals):
        start = self.closed_form
        return start.initial_mean + np.sqrt(start.initial_variance) * normals

    def drift(self, xp, states, actions, crowd):
        gap = self._gap(xp, states, crowd)[..., None]
        return states + (self.closed_form.mean_reversion * gap + actions) * self.dt

    def land(self, xp, targets, normals):
        return targets + self.closed_form.volatility * np.sqrt(self.dt) * normals

    def reward(self, xp, states, actions, crowd):
        gap, action = self._gap(xp, states, crowd), actions[..., 0]
        form = self.closed_form
        paid = form.cross_term * action * gap - form.kappa * gap**2 / 2
        return self.dt * (paid - action**2 / 2)

    def terminal_reward(self, xp, states, crowd):
        return -self.closed_form.terminal_cost * self._gap(xp, states, crowd) ** 2 / 2

    def _gap(self, xp, states, crowd):
        """How far the crowd's mean is above the players, [E]."""
        mean = xp.sum(crowd.weights * crowd.states[..., 0], axis=-1, keepdims=True)
        return mean - states[..., 0]
