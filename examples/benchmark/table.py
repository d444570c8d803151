"""The benchmark's table, as CSV and markdown."""

from __future__ import annotations

import csv
import importlib.metadata
import math
import os
import pathlib
import platform

from contests import UPSTREAM, Contender, Contest
from timing import Timing

_PACKAGES = ("open_spiel", "tensorflow", "numpy", "scipy")


class Table:
    """Rows that are written as soon as they are known.

    Args:
      directory: gets exact.csv and exact.md.
      command: what made the table.
    """

    def __init__(self, directory: pathlib.Path, command: str):
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._command = command
        self._rows: list[dict] = []

    def add(self, contest: Contest, timings: dict[Contender, Timing]) -> None:
        """Adds the rows of a contest."""
        self._rows += [_row(contest, contender, timings) for contender in timings]
        self._write_csv()
        (self._directory / "exact.md").write_text(self.markdown(), "utf-8")

    def _write_csv(self) -> None:
        constants = environment()
        with open(self._directory / "exact.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, [*self._rows[0], *constants])
            writer.writeheader()
            writer.writerows({**row, **constants} for row in self._rows)

    def markdown(self) -> str:
        """The table with the command and the environment."""
        constants = ", ".join(f"{k} {v}" for k, v in environment().items())
        names = list(self._rows[0])
        lines = [f"`{self._command}`", "", f"{constants}.", "", _NOTES]
        lines += ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
        for row in self._rows:
            lines.append("| " + " | ".join(map(str, row.values())) + " |")
        return "\n".join(lines) + "\n"


_NOTES = """\
An iteration includes the exploitability of its policy. Ratios are of minima: the least
of many timings is what the code costs, the rest is other processes. Where OpenSpiel has
two games the one in C++ is the reference. Exploitability is compared after as many
iterations as `after` says. OpenSpiel's figures differ from ours where its OMD updates
the table that the policy under evaluation reads, where rounding breaks the ties of its
fictitious play, and where a player of its beach bar pays for the move that the first
path to a place made instead of for the own one.
"""


def environment() -> dict[str, str | int]:
    """Versions, cores and the type of all numbers."""
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {
        "python": platform.python_version(),
        **versions,
        "cores": len(os.sched_getaffinity(0)),
        "dtype": "float64",
    }


def _row(contest: Contest, contender: Contender, timings: dict) -> dict:
    timing = timings[contender]
    least = {c.engine: t.least for c, t in timings.items()}
    upstream = [t for engine, t in least.items() if engine.startswith(UPSTREAM)][:1]
    first = next(iter(least.values()))
    size = contest.states, contest.actions, contest.times
    return {
        "game": contender.game,
        "states x actions x times": " x ".join(map(str, size)),
        "task": contest.task,
        "engine": contender.engine,
        "setup s": f"{timing.setup:.1f}",
        "iterations": timing.iterations,
        "min ms": f"{timing.least:.3f}",
        "median ms": f"{timing.median:.3f}",
        "min / first row's": f"{timing.least / first:.1f}",
        "OpenSpiel's / min": "".join(f"{t / timing.least:.1f}" for t in upstream),
        "million state-actions/s": f"{math.prod(size) / timing.least / 1e3:.3g}",
        "exploitability": f"{timing.exploitability:.10g}",
        "after": contest.compare_at,
        "peak MB": f"{timing.peak_memory:.0f}" if contender.alone else "",
        "load": f"{timing.load:.1f}",
    }
