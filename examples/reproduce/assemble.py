"""Assembles the page of all reproductions from what they have left.

    python examples/reproduce/assemble.py  # writes examples/results/README.md

Each reproduction leaves `run.json`, `claims.csv` and its pictures in a directory of
`examples/reproduce/results`. The page shows every picture with the command, the seconds
and the versions that made it, and the claims that failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import csv
import os
import pathlib
import sys

from absl import app

from algorithms import files, record

_EXAMPLES = pathlib.Path(__file__).parents[1]
RESULTS = _EXAMPLES / "reproduce" / "results"
PAGE = _EXAMPLES / "results" / "README.md"
_HEAD = """\
# Papers reproduced

Made by `make reproduce`, which runs the commands below one after another and then
`python examples/reproduce/assemble.py`. A claim has a figure and limits; a verdict
follows from them alone, and a claim that fails stays as failed. The limits were chosen
with earlier runs of the same games at hand: they guard what was found, and are no
predictions. Seconds are those of the whole command, on a machine that may have done
other things too."""


def main(argv: list[str]) -> None:
    """Writes the page."""
    if len(argv) > 1:
        sys.exit(f"Unexpected arguments: {argv[1:]}.")
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(PAGE, page(RESULTS, PAGE.parent))


def page(results: pathlib.Path, directory: pathlib.Path) -> str:
    """The page as markdown.

    Args:
      results: holds a directory for each reproduction.
      directory: where the page will be, which its links start from.

    Raises:
      ValueError: there is no finished reproduction.
    """
    records = {path: record.read(path / "run.json") for path in results.glob("*/")}
    found = sorted(path for path, made in records.items() if record.is_finished(made))
    if not found:
        raise ValueError(f"There is no finished reproduction in {results}.")
    overview = [
        "| paper | claims that pass | seconds | results |",
        "| --- | --- | --- | --- |",
    ]
    sections = []
    for path in found:
        made = records[path]
        with open(path / "claims.csv", encoding="utf-8") as file:
            claims = list(csv.DictReader(file))
        link = pathlib.PurePath(os.path.relpath(path, directory)).as_posix()
        failed = [claim for claim in claims if claim["verdict"] != "PASS"]
        overview.append(
            f"| {made['title']} | {len(claims) - len(failed)} of {len(claims)} | "
            f"{made['seconds']} | [all claims]({link}/README.md) |"
        )
        sections.append(section(made, failed, link))
    return "\n\n".join([_HEAD, "\n".join(overview), *sections]) + "\n"


def section(made: Mapping, failed: Sequence[Mapping], link: str) -> str:
    """One reproduction: claims that failed, and every picture with its origin.

    Args:
      made: its `run.json`.
      failed: rows of its `claims.csv`.
      link: its directory, relative to the page.
    """
    versions = ", ".join(f"{name} {v}" for name, v in made["versions"].items())
    origin = f"`{made['command']}`, {made['seconds']} s; {versions}"
    parts = [f"## {made['title']}"]
    if failed:
        rows = [
            f"- FAIL: {claim['claim']} {claim['quantity']}: "
            f"{float(claim['measured']):.4g}"
            for claim in failed
        ]
        parts.append("\n".join(rows))
    for name, caption in made["pictures"].items():
        parts.append(f"![{caption}]({link}/{name})")
        parts.append(f"{caption}<br><sub>{origin}</sub>")
    return "\n\n".join(parts)


if __name__ == "__main__":
    app.run(main)
