"""Claims of a paper, each with the figure that was measured and its verdict.

A reproduction states what it measures and between which limits the figure must lie
before it runs. The verdict follows from the figure alone.
"""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
import math
import pathlib

from algorithms import files
from algorithms.markdown_tables import table as table_of


@dataclasses.dataclass(frozen=True)
class Claim:
    """One checkable statement.

    Attributes:
      text: the statement, a sentence.
      quantity: what is measured.
      measured: the figure; one that is no number fails.
      low: the lowest figure that passes.
      high: the highest one.
    """

    text: str
    quantity: str
    measured: float
    low: float = -math.inf
    high: float = math.inf

    @property
    def passed(self) -> bool:
        """Whether the figure lies between the limits, both included."""
        return self.low <= self.measured <= self.high

    @property
    def verdict(self) -> str:
        """PASS or FAIL."""
        return "PASS" if self.passed else "FAIL"

    @property
    def limits(self) -> str:
        """The limits in words."""
        if self.low == -math.inf:
            return f"at most {self.high:g}"
        if self.high == math.inf:
            return f"at least {self.low:g}"
        return f"from {self.low:g} to {self.high:g}"


def table(claims: Sequence[Claim]) -> str:
    """The claims as text: the verdict and statement, then what was measured."""
    lines = []
    for claim in claims:
        lines.append(f"{claim.verdict}  {claim.text}")
        lines.append(f"      {claim.quantity}: {claim.measured:.4g} ({claim.limits})")
    failed = sum(not claim.passed for claim in claims)
    return "\n".join([*lines, f"{len(claims) - failed} PASS, {failed} FAIL"])


def markdown(claims: Sequence[Claim]) -> str:
    """The claims as a markdown table."""
    return table_of(
        ("", "claim", "measured", "figure", "must be"),
        (
            (c.verdict, c.text, c.quantity, f"{c.measured:.4g}", c.limits)
            for c in claims
        ),
    )


def save_csv(claims: Sequence[Claim], path: str | pathlib.Path) -> None:
    """Writes the claims as CSV with a header, figures to full precision."""
    columns = ["verdict", "claim", "quantity", "measured", "low", "high"]
    rows = ([c.verdict, c.text, c.quantity, c.measured, c.low, c.high] for c in claims)
    files.write_csv(path, columns, rows)
