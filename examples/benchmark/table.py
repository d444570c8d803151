"""A benchmark's table, as CSV and markdown."""

from __future__ import annotations

from collections.abc import Mapping
import importlib.metadata
import math
import os
import pathlib
import platform

from contests import Contender, Contest
from timing import Timing

from algorithms import files

_PACKAGES = ("open_spiel", "tensorflow", "numpy", "scipy")


class Table:
    """Rows that are written as soon as they are known.

    Args:
      path: the files' path without the endings .csv and .md.
      command: what made the table.
      notes: text above the table.
      reference: the first engine whose name begins so is compared with all others.
      conditions: what is the same for all rows besides `environment()`.
    """

    def __init__(
        self,
        path: pathlib.Path,
        command: str,
        notes: str,
        reference: str,
        conditions: Mapping[str, str | int] | None = None,
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._command = command
        self._notes = notes
        self._reference = reference
        self._constants = environment() | dict(conditions or {})
        self._rows: list[dict] = []

    def add(self, contest: Contest, timings: dict[Contender, Timing | str]) -> None:
        """Adds the rows of a contest.

        Args:
          contest: the contest.
          timings: each contender's timing, or why it has none.
        """
        for contender, timing in timings.items():
            row = _description(contest, contender)
            if isinstance(timing, Timing):
                row |= _figures(contest, contender, timing)
                row |= self._ratios(timing, timings)
            else:
                row["min ms"] = timing
            self._rows.append(row)
        self._write_csv()
        files.write_text(self._path.with_suffix(".md"), self.markdown())

    def _ratios(self, timing: Timing, timings: dict) -> dict[str, str]:
        least = {c.engine: t.least for c, t in timings.items() if isinstance(t, Timing)}
        reference = [t for e, t in least.items() if e.startswith(self._reference)][:1]
        return {
            "min / first row's": f"{timing.least / next(iter(least.values())):.1f}",
            "reference's / min": "".join(f"{t / timing.least:.1f}" for t in reference),
        }

    def _columns(self) -> dict[str, str]:
        """Heads of the columns by their names in the rows."""
        named = {"reference's / min": f"{self._reference}'s / min"}
        return {name: named.get(name, name) for name in _COLUMNS}

    def _write_csv(self) -> None:
        constants = self._constants
        columns = [*self._columns().values(), *constants]
        rows = ([*self._cells(row), *constants.values()] for row in self._rows)
        files.write_csv(self._path.with_suffix(".csv"), columns, rows)

    def _cells(self, row: dict) -> list[str]:
        return [str(row.get(name, "")) for name in _COLUMNS]

    def markdown(self) -> str:
        """The table with the command and the environment."""
        constants = ", ".join(f"{k} {v}" for k, v in self._constants.items())
        heads = self._columns().values()
        lines = [f"`{self._command}`", "", f"{constants}.", "", self._notes]
        lines += ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
        lines += ["| " + " | ".join(self._cells(row)) + " |" for row in self._rows]
        return "\n".join(lines) + "\n"


_COLUMNS = (
    "game",
    "states x actions x times",
    "task",
    "engine",
    "setup s",
    "iterations",
    "min ms",
    "median ms",
    "min / first row's",
    "reference's / min",
    "million state-actions/s",
    "exploitability",
    "after",
    "peak MB",
    "load",
)


def environment() -> dict[str, str | int]:
    """Versions, cores and the type of all numbers."""
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {
        "python": platform.python_version(),
        **versions,
        "cores": len(os.sched_getaffinity(0)),
        "dtype": "float64",
    }


def _size(contest: Contest) -> tuple[int, int, int]:
    return contest.states, contest.actions, contest.times


def _description(contest: Contest, contender: Contender) -> dict:
    return {
        "game": contender.game,
        "states x actions x times": " x ".join(map(str, _size(contest))),
        "task": contest.task,
        "engine": contender.engine,
    }


def _figures(contest: Contest, contender: Contender, timing: Timing) -> dict:
    throughput = math.prod(_size(contest)) / timing.least / 1e3
    return {
        "setup s": f"{timing.setup:.1f}",
        "iterations": timing.iterations,
        "min ms": f"{timing.least:.3f}",
        "median ms": f"{timing.median:.3f}",
        "million state-actions/s": f"{throughput:.3g}",
        "exploitability": f"{timing.exploitability:.10g}",
        "after": contest.compare_at,
        "peak MB": f"{timing.peak_memory:.0f}" if contender.alone else "",
        "load": f"{timing.load:.1f}",
    }
