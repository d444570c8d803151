"""Exploitability of several seeds as one curve with its spread."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses

from deep2022_experiments import Scale
from deep2022_runs import Curves
from experiments import Solved
import numpy as np

_POINTS = 50  # of a mean over an interval
LAST = 0.2  # share of a run whose mean is its level


@dataclasses.dataclass(frozen=True)
class Seeds:
    """The runs of one solver on one game with different seeds.

    Attributes:
      runs: one a seed.
    """

    runs: Sequence[Solved]

    @property
    def start(self) -> float:
        """Exploitability before the first iteration, equal for all seeds."""
        return float(self.runs[0].exploitability[0])

    @property
    def end(self) -> float:
        """Seconds that all runs lasted."""
        return min(float(run.seconds[-1]) for run in self.runs)

    @property
    def by_iteration(self) -> np.ndarray:
        """[seeds, iterations + 1], as far as all runs came."""
        shortest = min(len(run.exploitability) for run in self.runs)
        return np.stack([run.exploitability[:shortest] for run in self.runs])

    def at(self, seconds: np.ndarray | float) -> np.ndarray:
        """What each run had found by some seconds, [seeds, ...].

        It is the value of the last policy that was ready; of the first policy earlier.
        """
        return np.stack(
            [
                run.exploitability[
                    np.maximum(np.searchsorted(run.seconds, seconds, "right") - 1, 0)
                ]
                for run in self.runs
            ]
        )

    @property
    def mean_curve(self) -> tuple[np.ndarray, np.ndarray]:
        """Seconds at which some run has a new value, and the mean over seeds then."""
        seconds = np.unique(np.concatenate([run.seconds for run in self.runs]))
        seconds = seconds[seconds <= self.end]
        return seconds, self.at(seconds).mean(axis=0)

    def level(self, until: float) -> float:
        """Mean over seeds and over the last fifth of the seconds until some second."""
        return float(self.at(np.linspace((1 - LAST) * until, until, _POINTS)).mean())

    @property
    def trend(self) -> float:
        """The level at the end over that of the fifth before."""
        return self.level(self.end) / self.before_last

    @property
    def before_last(self) -> float:
        """Mean over seeds and the last fifth but one."""
        seconds = np.linspace(1 - 2 * LAST, 1 - LAST, _POINTS) * self.end
        return float(self.at(seconds).mean())

    @property
    def lowest(self) -> float:
        """Of the mean curve."""
        return float(self.mean_curve[1].min())

    def reaches(self, value: float) -> float:
        """Seconds until the mean is at most a value; infinite for never."""
        seconds, mean = self.mean_curve
        reached = np.flatnonzero(mean <= value)
        return float(seconds[reached[0]]) if len(reached) else np.inf

    def highest_after(self, value: float) -> float:
        """Of the mean curve once it has been at most a value; no number before."""
        seconds, mean = self.mean_curve
        after = mean[seconds >= self.reaches(value)]
        return float(after.max()) if len(after) else np.nan


Groups = dict[tuple[str, str], Seeds]  # by game and deep solver


def grouped(scale: Scale, curves: Curves) -> Groups:
    """All seeds of a solver on a game together."""
    return {
        (game, label): Seeds(
            [run for key, run in curves.items() if key[:2] == (game, label)]
        )
        for game in scale.games
        for label in scale.solvers(game)
    }


def rows(groups: Groups) -> list[dict]:
    """A row for each game and deep solver, for a table."""
    found = []
    for (game, label), seeds in groups.items():
        last = np.array([run.exploitability[-1] for run in seeds.runs])
        found.append(
            {
                "game": game,
                "solver": label,
                "seeds": len(last),
                "seconds": round(seeds.end, 1),
                "iterations": int(
                    np.mean([len(run.exploitability) - 1 for run in seeds.runs])
                ),
                "first": seeds.start,
                "last": last.mean(),
                "spread": last.std(ddof=1) if len(last) > 1 else 0.0,
                "lowest_of_mean": seeds.lowest,
                "level_of_last_fifth": seeds.level(seeds.end),
            }
        )
    return found
