"""The experiments of `concave_utility_2021`: utilities maximised, and how well."""

from __future__ import annotations

import dataclasses

from experiments import Algorithms, Solved, run_solver
import numpy as np

from algorithms import catalogue
from mfg_games.concave_utility import IMITATION, UTILITIES, ConcaveUtility
from mfg_games.settings import setting

FP, FW, OPEN_LOOP, SEARCH, AWAY, ADAPTIVE = (
    "fictitious play (FP)",
    "Frank-Wolfe (FW), 1/(k+1)",
    "FW, 2/(k+2)",
    "FW, line search",
    "FW, away steps",
    "OMD, adaptive rate",
)


def games(horizon: int) -> tuple[str, ...]:
    """The strings of the games of all utilities, with another horizon."""
    entries = [setting(f"concave_{utility}_2021") for utility in UTILITIES]
    return tuple(
        dataclasses.replace(
            entry, parameters={**entry.parameters, "horizon": horizon}
        ).game_string
        for entry in entries
    )


@dataclasses.dataclass(frozen=True)
class Scale:
    """What is computed.

    Attributes:
      games: strings of concave utility games.
      iterations: of every algorithm.
      rates: of mirror descent.
      atoms: responses that away steps remember.
    """

    games: tuple[str, ...] = games(horizon=100)
    iterations: int = 500
    rates: tuple[float, ...] = (0.003, 0.01, 0.03, 0.1)
    atoms: int = 30

    @property
    def algorithms(self) -> Algorithms:
        """What runs on every game."""
        search = {"step": "line_search"}
        return {
            FP: ("fictitious_play", {}),
            FW: ("frank_wolfe", {"step": "1/(k+1)"}),
            OPEN_LOOP: ("frank_wolfe", {"step": "2/(k+2)"}),
            SEARCH: ("frank_wolfe", search),
            AWAY: ("frank_wolfe", {**search, "away_atoms": self.atoms}),
            **{at_rate(lr): ("mirror_descent", {"lr": lr}) for lr in self.rates},
            ADAPTIVE: ("adaptive_mirror_descent", {}),
        }


FULL = Scale()
FAST = Scale(games=games(horizon=40), iterations=100, rates=(0.01, 0.03, 0.1))


def at_rate(lr: float) -> str:
    """Name of mirror descent at a rate."""
    return f"OMD, rate {lr:g}"


@dataclasses.dataclass(frozen=True)
class Task:
    """One utility, maximised by all algorithms.

    Attributes:
      name: of the utility.
      dynamics: the game.
      runs: by algorithm.
      utilities: [iterations + 1], total utility after each iteration, by algorithm.
      difference: the largest difference between the flows of fictitious play and of
        Frank-Wolfe at the same iteration.
    """

    name: str
    dynamics: ConcaveUtility
    runs: dict[str, Solved]
    utilities: dict[str, np.ndarray]
    difference: float

    @property
    def highest(self) -> float:
        """The highest utility that was found."""
        return max(values.max() for values in self.utilities.values())

    @property
    def optimum(self) -> float:
        """F*: 0 for imitation, else the highest utility found, which is at most F*."""
        return 0.0 if self.name == IMITATION else self.highest

    @property
    def highest_optimum(self) -> float:
        """What F* cannot exceed: the least sum of a utility and its exploitability."""
        return min(
            (self.utilities[label] + solved.exploitability).min()
            for label, solved in self.runs.items()
        )

    @property
    def best(self) -> str:
        """The algorithm whose last flow has the highest utility."""
        return max(self.runs, key=lambda label: self.utilities[label][-1])

    def best_rate(self, rates: tuple[float, ...]) -> str:
        """Mirror descent at the rate that ends with the least exploitability."""
        labels = [at_rate(lr) for lr in rates]
        return min(labels, key=lambda label: self.runs[label].exploitability[-1])

    def suboptimality(self, label: str) -> np.ndarray:
        """F* - F after each iteration of an algorithm, [iterations + 1]."""
        return self.optimum - self.utilities[label]

    def slack(self) -> float:
        """The least of exploitability - (F* - F), over all iterates."""
        return min(
            (solved.exploitability - self.suboptimality(label)).min()
            for label, solved in self.runs.items()
        )


def solve_all(scale: Scale) -> list[Task]:
    """Maximises every utility by every algorithm."""
    return [_solved(game, scale) for game in scale.games]


def _solved(game: str, scale: Scale) -> Task:
    runs, utilities, flows = {}, {}, {}
    for label, (name, arguments) in scale.algorithms.items():
        solver = catalogue.solver_class(name)(game, **arguments)
        d = solver.game.dynamics
        utility = d.parameters["utility"]
        values, masses = [], []

        def watch(solver, record, values=values, masses=masses):
            values.append(solver.game.dynamics.total_utility(occupancies(solver)))
            masses.append(solver.flow.mass.numpy())

        runs[label] = run_solver(utility, label, solver, scale.iterations, [watch])
        utilities[label] = np.array(values)
        if label in (FP, FW):
            flows[label] = np.array(masses)
    difference = float(np.abs(flows[FP] - flows[FW]).max())
    return Task(utility, d, runs, utilities, difference)


def occupancies(solver) -> np.ndarray:
    """The occupancy at each decision time, as the game's utility takes it."""
    d, flow = solver.game.dynamics, solver.flow
    law = flow.joint if d.joint_law else flow.mass
    return law.numpy().reshape(d.horizon, 1, d.num_states, *law.shape[1:])
