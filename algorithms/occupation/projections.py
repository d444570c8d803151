"""Three ways to project onto the polytope of flows.

The nearest point of {A x = b} and C = {x >= 0, mass <= capacity} to a target is

    x = P_C(target + A^T y)    for the y at which    A x = b,

the optimality condition of the quadratic program. Each method is an iterator over
A^T y, [D, A], that converges to it from any start, and whatever it has come to is the
place to go on from when the target has moved a little.

- `dykstra`: alternating projections with Dykstra's correction (Boyle & Dykstra 1986),
  which is coordinate descent on the dual in two blocks, one of them y as a whole.
- `admm`: the alternating direction method of multipliers (Boyd et al. 2011, sections
  3.4.3 and 5.2), two to ten times fewer steps on the flows of games.
- `coordinate`: coordinate descent on y, one decision time after the other and back.
  It factors nothing, and information travels through all times in each sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
import itertools
import types
from typing import NamedTuple

import numpy as np

from algorithms.occupation.flow_polytope import FlowPolytope
from mfg_games import parameters

_PENALTY, _RELAXATION = 3.0, 1.6  # of ADMM, the latter between 0 and 2


class Projected(NamedTuple):
    """A projection.

    Attributes:
      point: [D, A], in C; in the polytope up to `imbalance`.
      shift: A^T y, [D, A].
      taken: [D], the capacity's threshold, see `FlowPolytope.nearest_allowed`.
      imbalance: largest entry of |A x - b|.
      steps: iterations that it took.
    """

    point: np.ndarray
    shift: np.ndarray
    taken: np.ndarray
    imbalance: float
    steps: int


def project(
    polytope: FlowPolytope,
    target: np.ndarray,
    method: str = "admm",
    shift: np.ndarray | None = None,
    tolerance: float = 1e-9,
    max_steps: int = 2000,
) -> Projected:
    """The projection of a point onto the polytope of flows.

    Args:
      polytope: the polytope.
      target: [D, A]; its entries for illegal actions do not matter.
      method: one of `METHODS`.
      shift: where to begin, the `shift` of an earlier projection.
      tolerance: largest imbalance of a node at which to end.
      max_steps: largest number of iterations.

    Raises:
      ValueError: there is no such method.
    """
    parameters.one_of("projection", method, tuple(METHODS))
    target = np.where(polytope.legal, target, 0.0)
    first = np.zeros_like(target) if shift is None else shift
    shifts = METHODS[method](polytope, target, first)
    for steps, now in enumerate(itertools.chain([first], shifts)):
        point, taken = polytope.nearest_allowed(target + now)
        imbalance = float(np.abs(polytope.imbalance(point)).max())
        if imbalance <= tolerance or steps == max_steps:
            return Projected(point, now, taken, imbalance, steps)
    raise AssertionError("The methods go on for ever.")


def dykstra(
    polytope: FlowPolytope, target: np.ndarray, shift: np.ndarray
) -> Iterator[np.ndarray]:
    """Dykstra's alternating projections; the affine set needs no correction."""
    point, _ = polytope.nearest_allowed(target + shift)
    correction = target + shift - point
    while True:
        corrected = polytope.nearest_balanced(point) + correction
        point, _ = polytope.nearest_allowed(corrected)
        correction = corrected - point
        yield corrected - target


def admm(
    polytope: FlowPolytope, target: np.ndarray, shift: np.ndarray
) -> Iterator[np.ndarray]:
    """The alternating direction method of multipliers, over-relaxed.

    With the penalty 1 and no relaxation it would be Dykstra's method.
    """
    copy, _ = polytope.nearest_allowed(target + shift)
    dual = (target + shift - copy) / _PENALTY
    while True:
        centre = (target + _PENALTY * (copy - dual)) / (1 + _PENALTY)
        flow = polytope.nearest_balanced(centre)
        yield (1 + _PENALTY) * (flow - centre)
        relaxed = _RELAXATION * flow + (1 - _RELAXATION) * copy
        copy, _ = polytope.nearest_allowed(relaxed + dual)
        dual = dual + relaxed - copy


def coordinate(
    polytope: FlowPolytope, target: np.ndarray, shift: np.ndarray
) -> Iterator[np.ndarray]:
    """Descent on y in blocks, each of which are the nodes of one time.

    A block moves to the minimum of a quadratic bound of the dual: the rows of A A^T
    sum up to bounds of its curvature.
    """
    blocks = [_Block(polytope, rows) for rows in polytope.layers]
    shift = shift.copy()
    while True:
        for block in itertools.chain(blocks, blocks[-2:0:-1]):
            block.move(target, shift)
        yield shift.copy()


class _Block:
    """The multipliers of some nodes, and the rows of x that they act on."""

    def __init__(self, polytope: FlowPolytope, rows: np.ndarray):
        actions = polytope.legal.shape[1]
        balance = polytope.balance[rows]
        self._nodes = np.unique(balance.indices // actions)
        columns = self._nodes[:, None] * actions + np.arange(actions)
        self._balance = balance[:, columns.ravel()]
        self._curvature = np.abs(self._balance @ self._balance.T).sum(axis=1)
        self._polytope = polytope
        self._start = polytope.start[rows]

    def move(self, target: np.ndarray, shift: np.ndarray) -> None:
        """Moves y, and with it the shift."""
        nodes = self._nodes
        moved = target[nodes] + shift[nodes]
        x, _ = self._polytope.nearest_allowed(moved, nodes)
        missing = self._start - self._balance @ x.ravel()
        step = self._balance.T @ (missing / self._curvature)
        shift[nodes] += step.reshape(moved.shape)


METHODS: Mapping[str, Callable] = types.MappingProxyType(
    {"admm": admm, "coordinate": coordinate, "dykstra": dykstra}
)
