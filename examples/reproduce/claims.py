"""Claims of a paper, each with the figure that was measured and its verdict.

A reproduction states what it measures and between which limits the figure must lie
before it runs. The verdict follows from the figure alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import csv
import dataclasses
import importlib.metadata
import math
import pathlib
import platform

_PACKAGES = ("open_spiel", "numpy", "tensorflow", "matplotlib")


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
    rows = [
        "| | claim | measured | figure | must be |",
        "| --- | --- | --- | --- | --- |",
    ]
    for c in claims:
        cells = [c.verdict, c.text, c.quantity, f"{c.measured:.4g}", c.limits]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def save_csv(claims: Sequence[Claim], path: str | pathlib.Path) -> None:
    """Writes the claims as CSV with a header, figures to full precision."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["verdict", "claim", "quantity", "measured", "low", "high"])
        for c in claims:
            writer.writerow([c.verdict, c.text, c.quantity, c.measured, c.low, c.high])


def save_page(
    path: str | pathlib.Path,
    title: str,
    notes: str,
    claims: Sequence[Claim],
    pictures: Mapping[str, str],
    facts: Mapping[str, object],
) -> None:
    """Writes a markdown page: claims, pictures, and how the page was made.

    Args:
      path: of the page.
      title: its heading.
      notes: what a reader must know before the claims.
      claims: the claims.
      pictures: file name of each picture -> what it shows.
      facts: what is listed below, such as the command, settings and seconds; the
        versions of the packages are added.
    """
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    versions = {"python": platform.python_version(), **versions}
    facts = {
        **facts,
        "versions": ", ".join(f"{name} {v}" for name, v in versions.items()),
    }
    shown = [f"![{caption}]({name})\n\n{caption}" for name, caption in pictures.items()]
    listed = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    parts = [
        f"# {title}",
        notes,
        markdown(claims),
        *shown,
        "## How it was made",
        listed,
    ]
    pathlib.Path(path).write_text("\n\n".join(parts) + "\n", "utf-8")
