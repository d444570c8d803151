"""Projected gradient and extragradient on the polytope of flows.

With r(x) the rewards in the flow x, an equilibrium is a flow that solves the
variational inequality <r(x), x' - x> <= 0 for all flows x'. P being the projection
onto the flows,

    gradient:       x <- P(x + step * r(x))
    extragradient:  middle <- P(x + step * r(x)),    x <- P(x + step * r(middle))

(Korpelevich 1976). Where r is the gradient of a concave potential the first is proximal
gradient ascent on it; in monotone games without one it may circle around the
equilibrium, and the second converges. Fictitious play and Frank-Wolfe on the same
polytope solve linear programs, best responses, in place of projections.

Without a given step, the longest one is looked for at which rewards change by less than
0.9 / step times what the flow does (Khobotov 1987), starting a little above the last.
"""

from __future__ import annotations

import numpy as np
import pyspiel
import tensorflow as tf

from algorithms.occupation import projections
from algorithms.occupation.polytope_solver import PolytopeSolver, measured
from algorithms.solver import State, Update
from mfg_games import parameters
from mfg_games.parameters import LARGEST

GRADIENT, EXTRAGRADIENT = RULES = ("gradient", "extragradient")
_LONGEST = 0.5  # of adaptive steps before projection, as a share of the flow's norm
_GROWTH, _CUT = 1.5, 0.5  # of an adaptive step, between and within iterations
_LIPSCHITZ = 0.9  # share of the largest step for which convergence is proved
_MAX_CUTS = 60
_STILL = 1e-12  # a move of the flow that tells nothing about the rewards' slope


class ProximalGradient(PolytopeSolver):
    """Gradient or extragradient steps, projected on the polytope of flows.

    Args:
      game: an OpenSpiel mean field game whose transitions do not depend on the crowd,
        or its string.
      lr: the step; None to adapt it to how fast rewards change.
      rule: "extragradient" or "gradient".
      projection: "admm", "dykstra" or "coordinate", see `projections.py`.
      tolerance: largest mass that misses or is left over in a node of a projection.
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
        lr: float | None = None,
        rule: str = EXTRAGRADIENT,
        projection: str = "admm",
        tolerance: float = 1e-9,
        capacity: float | None = None,
        capacity_start: int = 1,
        dtype: str = "float64",
        device: str | None = None,
    ):
        if lr is not None:
            parameters.positive("lr", lr)
        parameters.one_of("rule", rule, RULES)
        parameters.one_of("projection", projection, tuple(projections.METHODS))
        parameters.positive("tolerance", tolerance)
        self._lr = lr
        self._rule = rule
        self._projection = projection
        self._tolerance = tolerance
        super().__init__(game, capacity, capacity_start, dtype, device)

    def step_size(self) -> float:
        return self._lr or float(self._state["step"])

    def fresh_state(self) -> State:
        policy = self.model.uniform_policy()
        step = tf.constant(self._lr or LARGEST, self.model.dtype)
        return {**super().fresh_state(), "shift": tf.zeros_like(policy), "step": step}

    def _advance(self, update: Update) -> State:
        x, gains = measured(update)
        slope = self.polytope.tangent(gains)
        shift = self._state["shift"].numpy().astype(np.float64)
        step, steps = self._pending_step, 0
        if not self._lr:
            step = min(step, _LONGEST * np.linalg.norm(x) / np.linalg.norm(slope))
        for _ in range(_MAX_CUTS):
            found = self._projected(x + step * slope, shift)
            steps += found.steps
            policy = self.polytope.policy(found.point)
            middle, gains = self._measured_at(policy)
            there = self.polytope.tangent(gains)
            exact = found.imbalance <= self._tolerance
            short = exact and _short(step, middle - x, there - slope)
            if short or self._lr:
                break
            step *= _CUT
        if self._rule == EXTRAGRADIENT:
            found = self._projected(x + step * there, found.shift)
            steps += found.steps
        self._metrics = {
            "step": step,
            "imbalance": found.imbalance,
            "projection_steps": float(steps),
        }
        state = {
            "policy": self.polytope.policy(found.point),
            "tolls": found.taken / step,
            "shift": found.shift,
            "step": step if self._lr else step * _GROWTH,
        }
        return {name: self.model.as_tensor(array) for name, array in state.items()}

    def _projected(
        self, target: np.ndarray, shift: np.ndarray
    ) -> projections.Projected:
        return projections.project(
            self.polytope, target, self._projection, shift, self._tolerance
        )


def _short(step: float, move: np.ndarray, change: np.ndarray) -> bool:
    """Whether a step is short enough for how fast rewards change along it."""
    moved = np.linalg.norm(move)
    return moved <= _STILL or step * np.linalg.norm(change) <= _LIPSCHITZ * moved
