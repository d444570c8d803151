"""The alternating direction method of multipliers on occupation measures.

The conditions on a flow are split: x balances inflow and outflow (A x = b), its copy w
is not negative and keeps within the capacity, and prices u make them equal. With r(w)
the rewards in the crowd that w is,

    w <- P_allowed(x + u)
    u <- u + x - w
    x <- P_balanced(w - u + step * r(w))

(Boyd et al. 2011, with the rewards linearised at w; the same iteration is the three-
operator splitting of Davis & Yin 2017). Each iteration costs one solve with factors
that are made once, where `proximal_gradient` needs a projection onto both sets. It
converges for steps below 2 / L if r is the gradient of a concave potential and
Lipschitz with the constant L, not in all monotone games.

u / step, in nodes at their capacity, are the tolls.
"""

from __future__ import annotations

import numpy as np
import pyspiel

from algorithms.occupation.polytope_solver import PolytopeSolver, measured
from algorithms.solver import State, Update
from mfg_games import parameters


class ADMM(PolytopeSolver):
    """Flow balance and capacity met by alternating directions, at prices.

    Args:
      game: an OpenSpiel mean field game whose transitions do not depend on the crowd,
        or its string.
      lr: the step.
      capacity: largest share of a population in one state; None for no bound.
      capacity_start: decision time from which on it holds.
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.

    Raises:
      ValueError: a parameter is out of range, or see `PolytopeSolver`.
    """

    def __init__(
        self,
        game: pyspiel.Game | str,
        lr: float = 0.05,
        capacity: float | None = None,
        capacity_start: int = 1,
        dtype: str = "float64",
        device: str | None = None,
    ):
        parameters.positive("lr", lr)
        self._lr = lr
        super().__init__(game, capacity, capacity_start, dtype, device)

    def step_size(self) -> float:
        return self._lr

    def fresh_state(self) -> State:
        uniform = self.model.uniform_policy()
        x = self.model.compiled_distribution(uniform).mass[:, None] * uniform
        return {**super().fresh_state(), "point": x}

    def _advance(self, update: Update) -> State:
        step = self._pending_step
        point = self._state["point"].numpy().astype(np.float64)  # x + u
        copy, _ = self.polytope.nearest_allowed(point)
        _, gains = measured(update)
        gains = np.where(self.polytope.legal, gains, 0.0)
        x = self.polytope.nearest_balanced(2 * copy - point + step * gains)
        point = point + x - copy
        copy, taken = self.polytope.nearest_allowed(point)
        imbalance = np.abs(self.polytope.imbalance(copy)).max()
        self._metrics = {"imbalance": float(imbalance)}
        state = {
            "policy": self.polytope.policy(copy),
            "tolls": taken / step,
            "point": point,
        }
        return {name: self.model.as_tensor(array) for name, array in state.items()}
