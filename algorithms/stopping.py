"""When a run ends before its last iteration."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses

from algorithms.checked import Checked
from algorithms.history import Record
from mfg_games import parameters


@dataclasses.dataclass(frozen=True)
class Stopping(metaclass=Checked):
    """When a run ends before its last iteration; None and 0 switch a rule off.

    Attributes:
      absolute_tolerance: stop at an exploitability, or optimality gap, of at most this,
      relative_tolerance: or of at most this share of the first one,
      patience: or after so many iterations without a new best,
      seconds: or when a run has taken so long; 0 for no iteration at all.

    Raises:
      ValueError: a rule is negative, infinite or NaN.
    """

    absolute_tolerance: float = 0.0
    relative_tolerance: float = 0.0
    patience: int | None = None
    seconds: float | None = None

    def __post_init__(self):
        for name, value in dataclasses.asdict(self).items():
            if value is not None:
                parameters.at_least(name, value, 0)

    def reason(self, history: Sequence[Record], best: Record) -> str | None:
        """Why to stop after the last record; None to go on."""
        last, first = history[-1], history[0]
        tolerance = max(
            self.absolute_tolerance, self.relative_tolerance * first.distance
        )
        if tolerance > 0 and last.distance <= tolerance:
            return f"{last.aim} reached {tolerance:g}"
        if self.patience and last.iteration - best.iteration >= self.patience:
            return f"no new best in {self.patience} iterations"
        if self.seconds is not None and last.seconds >= self.seconds:
            return f"{self.seconds:g} seconds are over"
        return None
