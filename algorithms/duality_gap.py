"""How far a policy is from the maximum of its game's potential.

In a potential game the reward is the gradient of a function Phi of the flow, and where
the dynamics do not depend on the crowd the flows are a polytope. There exploitability
is the Frank-Wolfe gap, the maximum over flows m of <grad Phi(L), m - L>. If Phi is
concave it lies below its tangents, and one policy certifies an interval for the
maximum Phi*, which the equilibria are where Phi is attained:

    Phi(L) <= Phi* <= Phi(L) + exploitability.

This is a duality gap, Fenchel's with the reward as the dual point: zero exactly at an
equilibrium, and computable without knowing one. Over a run the highest of the lower and
the lowest of the upper bounds count, which need not be of one iterate: a solver whose
exploitability jumps up and down certifies more than any of its policies does.

The gap also bounds how far the crowd is from the equilibrium's: Phi* - Phi(L) is at
least the Bregman divergence of -Phi, which for the aversion -w log mu is w times the
relative entropy, so that sum_t discount^t 2 w TV(mu_t, mu*_t)^2 <= gap by Pinsker's
inequality, with TV as in `equilibrium_distance.py`.
"""

from __future__ import annotations

import math
import pathlib
from typing import NamedTuple

import numpy as np
from open_spiel.python import policy as openspiel_policy
import pyspiel

from algorithms import files, frozen_world
from algorithms.history import Record
from algorithms.model import Flow
from algorithms.nash_conv import NashConv
from algorithms.solver import Solver
from mfg_games.dynamics import Dynamics
from mfg_games.openspiel_game import MeanFieldGame


class DualityGap(NamedTuple):
    """What one policy says about the maximum of the potential.

    Attributes:
      potential: of its flow, a lower bound.
      gap: its exploitability; potential + gap is an upper bound.
    """

    potential: float
    gap: float


def duality_gap(
    game: pyspiel.Game | str, policy: openspiel_policy.Policy
) -> DualityGap:
    """Potential and duality gap of any OpenSpiel policy.

    Args:
      game: a game with a concave potential, or its string.
      policy: of that game.

    Raises:
      ValueError: the game declares no potential, or one that is not concave.
    """
    nash_conv = NashConv(game, policy)
    found = nash_conv.distribution
    d = _potential_game(found.game)
    return DualityGap(_potential(d, found.flow, found.rows), nash_conv.nash_conv())


class PotentialBounds:
    """Bounds of the potential's maximum over a run: a callback for `run`.

    Args:
      game: a game with a concave potential.

    Attributes:
      lower: the highest potential of an iterate.
      upper: the lowest of the iterates' upper bounds.
      rows: of each record, by column: iteration, exploitability, potential, and then
        `lower`, `upper` and their difference, the gap.

    Raises:
      ValueError: the game declares no potential, or one that is not concave.
    """

    def __init__(self, game: pyspiel.Game):
        self._dynamics = _potential_game(game)
        self.lower, self.upper = -math.inf, math.inf
        self.rows: list[dict[str, float]] = []

    @property
    def gap(self) -> float:
        """At most this much the best iterate's potential is below the maximum."""
        return self.upper - self.lower

    def __call__(self, solver: Solver, record: Record) -> None:
        """Takes the solver's current policy into account."""
        policy = solver.get_policy().probabilities
        potential = _potential(self._dynamics, solver.flow, policy)
        self.lower = max(self.lower, potential)
        self.upper = min(self.upper, potential + record.exploitability)
        self.rows.append(
            {
                "iteration": record.iteration,
                "exploitability": record.exploitability,
                "potential": potential,
                "lower": self.lower,
                "upper": self.upper,
                "gap": self.gap,
            }
        )

    def save_csv(self, path: str | pathlib.Path) -> None:
        """Writes the rows as CSV with a header."""
        files.write_table(path, self.rows)


def _potential_game(game: pyspiel.Game) -> Dynamics:
    """The dynamics of a game with a concave potential."""
    concave = isinstance(game, MeanFieldGame) and game.dynamics.concave_potential
    if not concave:
        found = "one that is not concave" if concave is False else "none"
        if not isinstance(game, MeanFieldGame):
            found = "no declaration"
        raise ValueError(
            f"`game` must declare a concave potential; {game} has {found}."
        )
    return game.dynamics


def _potential(d: Dynamics, flow: Flow, policy: np.ndarray) -> float:
    """Sum over time and noise of the discounted potential of a flow."""
    joint = np.asarray(flow.mass)[:, None] * np.asarray(policy)
    total = 0.0
    for t, laws in enumerate(frozen_world.by_time(d, joint.astype(np.float64))):
        chances = d.history_probabilities(t)
        for history, (chance, law) in enumerate(zip(chances, laws, strict=True)):
            value = d.potential(t, law / chance, d.noise_value(t, history))
            total += d.discounts[t] * chance * value
    return float(total)
