"""Exploitability of several seeds as one curve with its spread."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
import functools

from deep2022_experiments import Scale
from deep2022_runs import Curves
from experiments import Solved
import numpy as np

_POINTS = 50  # of a mean over an interval
_LAST = 0.2  # share of a run whose mean is its level


@dataclasses.dataclass(frozen=True)
class Seeds:
    """The runs of one solver on one game with different seeds.

    Attributes:
      runs: one a seed.
      clock: what counts as time, "seconds" or "iterations".
    """

    runs: Sequence[Solved]
    clock: str = "seconds"

    def times(self, run: Solved) -> np.ndarray:
        """When each policy of a run was ready, [iterations + 1]."""
        by_seconds = self.clock == "seconds"
        return run.seconds if by_seconds else np.arange(len(run.exploitability))

    @property
    def start(self) -> float:
        """Exploitability before the first iteration, equal for all seeds."""
        return float(self.runs[0].exploitability[0])

    @property
    def end(self) -> float:
        """Time that all runs lasted."""
        return min(float(self.times(run)[-1]) for run in self.runs)

    @property
    def by_iteration(self) -> np.ndarray:
        """[seeds, iterations + 1], as far as all runs came."""
        shortest = min(len(run.exploitability) for run in self.runs)
        return np.stack([run.exploitability[:shortest] for run in self.runs])

    def at(self, time: np.ndarray | float) -> np.ndarray:
        """What each run had found by some time, [seeds, ...].

        It is the value of the last policy that was ready; of the first policy earlier.
        """
        rows = []
        for run in self.runs:
            ready = np.searchsorted(self.times(run), time, "right") - 1
            rows.append(run.exploitability[np.maximum(ready, 0)])
        return np.stack(rows)

    @functools.cached_property
    def mean_curve(self) -> tuple[np.ndarray, np.ndarray]:
        """Times at which some run has a new value, and the mean over seeds then."""
        times = np.unique(np.concatenate([self.times(run) for run in self.runs]))
        times = times[times <= self.end]
        return times, self.at(times).mean(axis=0)

    def level(self, until: float) -> float:
        """Mean over seeds and over the last fifth of the time until some moment."""
        return self._mean((1 - _LAST) * until, until)

    @property
    def trend(self) -> float:
        """The level at the end over that of the fifth before."""
        before = self._mean((1 - 2 * _LAST) * self.end, (1 - _LAST) * self.end)
        return self.level(self.end) / before

    def _mean(self, first: float, last: float) -> float:
        return float(self.at(np.linspace(first, last, _POINTS)).mean())

    @property
    def lowest(self) -> float:
        """Of the mean curve."""
        return float(self.mean_curve[1].min())

    def reaches(self, value: float) -> float:
        """Time until the mean is at most a value; infinite for never."""
        times, mean = self.mean_curve
        reached = np.flatnonzero(mean <= value)
        return float(times[reached[0]]) if len(reached) else np.inf

    def stays(self, value: float) -> float:
        """Time since which the mean is at most a value; infinite if it is not."""
        times, mean = self.mean_curve
        above = np.flatnonzero(mean > value)
        first = above[-1] + 1 if len(above) else 0
        return float(times[first]) if first < len(times) else np.inf

    def highest_after(self, value: float) -> float:
        """Of the mean curve once it has been at most a value; no number before."""
        times, mean = self.mean_curve
        after = mean[times >= self.reaches(value)]
        return float(after.max()) if len(after) else np.nan


Groups = dict[tuple[str, str], Seeds]  # by game and deep solver


def grouped(scale: Scale, curves: Curves) -> Groups:
    """All seeds of a solver on a game together."""
    return {
        (game, label): Seeds(
            [run for key, run in curves.items() if key[:2] == (game, label)],
            scale.clock,
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
                "seconds": round(np.mean([run.seconds[-1] for run in seeds.runs]), 1),
                "iterations": int(
                    np.mean([len(run.exploitability) - 1 for run in seeds.runs])
                ),
                "first": seeds.start,
                "last": last.mean(),
                "spread": last.std(ddof=1) if len(last) > 1 else 0.0,
                "lowest_of_mean": seeds.lowest,
                "last_fifth": seeds.level(seeds.end),
            }
        )
    return found
