"""A run's history: a record for each iteration, with what was measured in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import dataclasses
import math

import numpy as np
import tqdm

COLUMNS = ("iteration", "exploitability", "seconds")
_COUNTS = ("moves", "updates")  # of an iteration, hence with a rate
_RATE = "_per_second"

# The metric of solvers that look for something else than an equilibrium: how far from
# it they are. It takes the place of exploitability in what a run aims at.
OPTIMALITY_GAP = "optimality_gap"


@dataclasses.dataclass(frozen=True)
class Record:
    """One row of a run's history.

    Attributes:
      iteration: number of iterations done.
      exploitability: of the policy after them.
      seconds: since the run began, over all of its sessions.
      metrics: what the solver measured in the last iteration, by name, and moves and
        updates per second where it counts them.
    """

    iteration: int
    exploitability: float
    seconds: float
    metrics: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def aim(self) -> str:
        """What a run minimises, in words."""
        name = OPTIMALITY_GAP if OPTIMALITY_GAP in self.metrics else "exploitability"
        return name.replace("_", " ")

    @property
    def distance(self) -> float:
        """How far the solver is from what it looks for: what a run minimises."""
        return self.metrics.get(OPTIMALITY_GAP, self.exploitability)

    @property
    def row(self) -> dict[str, int | float | str]:
        """A row of a table, by column."""
        seconds = f"{self.seconds:.6f}"
        first = (self.iteration, self.exploitability, seconds)
        return {**dict(zip(COLUMNS, first, strict=True)), **self.metrics}

    @property
    def summary(self) -> str:
        """Losses, gap and rates in a few words; empty where nothing was measured."""
        losses = [
            f"{name.replace('_', ' ')} {value:.4g}"
            for name, value in self.metrics.items()
            if name.endswith(("loss", "gap"))
        ]
        rates = [
            f"{tqdm.tqdm.format_sizeof(value)} {name.removesuffix(_RATE)}/s"
            for name, value in self.metrics.items()
            if name.endswith(_RATE)
        ]
        return ", ".join(losses + rates)


def with_rates(metrics: Mapping[str, float], seconds: float) -> dict[str, float]:
    """Metrics of an iteration that took so long, and the rates of those that count."""
    rates = {
        name + _RATE: metrics[name] / seconds
        for name in _COUNTS
        if name in metrics and seconds > 0
    }
    return {name: float(value) for name, value in {**metrics, **rates}.items()}


def to_arrays(records: Sequence[Record]) -> dict[str, np.ndarray]:
    """A history as arrays for a file."""
    names = list(dict.fromkeys(name for record in records for name in record.metrics))
    rows = [
        (
            record.iteration,
            record.exploitability,
            record.seconds,
            *(record.metrics.get(name, math.nan) for name in names),
        )
        for record in records
    ]
    history = np.array(rows, float).reshape(len(rows), len(COLUMNS) + len(names))
    return {"history": history, "metrics": np.array(names, dtype=np.str_)}


def from_arrays(arrays: Mapping[str, np.ndarray]) -> list[Record]:
    """The history that `to_arrays` made the arrays of.

    Raises:
      ValueError: they are of no history.
    """
    names, history = arrays["metrics"].tolist(), arrays["history"]
    columns = len(COLUMNS) + len(names)
    whole = history.ndim == 2 and history.shape[1] == columns
    if not whole or not np.isfinite(history[:, : len(COLUMNS)]).all():
        raise ValueError(
            f"A history must have finite numbers in {columns} columns. Received an "
            f"array of shape {history.shape}."
        )
    records = []
    for iteration, exploitability, seconds, *values in history.tolist():
        named = zip(names, values, strict=True)
        metrics = {name: value for name, value in named if not math.isnan(value)}
        records.append(Record(int(iteration), exploitability, seconds, metrics))
    return records
