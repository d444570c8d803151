"""Stationary equilibria, discounted and ergodic, of games without end.

    from algorithms import stationary
    model = stationary.StationaryModel("mfg_crowd_chain(num_states=50)", discount=0.9)
    solver = stationary.FictitiousPlay(model)
    for _ in range(100):
        solver.iteration()
    print(solver.exploitability, solver.evaluation.law)

Nothing here needs TensorFlow: sparse matrices of SciPy do all the work.
"""

from __future__ import annotations

from collections.abc import Mapping
import types

from algorithms.stationary.decision import METHODS
from algorithms.stationary.evaluation import Evaluation
from algorithms.stationary.model import CRITERIA, StationaryModel
from algorithms.stationary.solvers import (
    FictitiousPlay,
    FixedPoint,
    MirrorDescent,
    PolicyIteration,
    StationarySolver,
)

# Name on the command line -> class.
SOLVERS: Mapping[str, type[StationarySolver]] = types.MappingProxyType(
    {
        "fictitious_play": FictitiousPlay,
        "fixed_point": FixedPoint,
        "mirror_descent": MirrorDescent,
        "policy_iteration": PolicyIteration,
    }
)

__all__ = [
    "CRITERIA",
    "METHODS",
    "SOLVERS",
    "Evaluation",
    "FictitiousPlay",
    "FixedPoint",
    "MirrorDescent",
    "PolicyIteration",
    "StationaryModel",
    "StationarySolver",
]
