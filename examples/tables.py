"""Generates the README's tables of games and solvers from the code itself.

    python examples/tables.py          # rewrites the tables in README.md
    python examples/tables.py --check  # exits with 1 if they are out of date

Games: the conformance kit runs on each small setting. Solvers: each one runs with its
defaults on one setting.
"""

from __future__ import annotations

import pathlib
import re
import sys

from absl import app, flags
import tqdm

from algorithms import catalogue, quiet
import mfg_games
from mfg_games import conformance, settings

FLAGS = flags.FLAGS
flags.DEFINE_bool("check", False, "Compare instead of writing.")

README = pathlib.Path(__file__).parents[1] / "README.md"
SETTING, ITERATIONS = "beach_bar_2020", 200


def main(argv: list[str]) -> None:
    """Writes or checks the tables."""
    if len(argv) > 1:
        sys.exit(f"Unexpected arguments: {argv[1:]}")
    text = README.read_text("utf-8")
    for name, table in (("games", games_table()), ("solvers", solvers_table())):
        text = with_table(text, name, table)
    if FLAGS.check and text != README.read_text("utf-8"):
        sys.exit("README.md is out of date: run `python examples/tables.py`.")
    README.write_text(text, "utf-8")


def games_table() -> str:
    """One row a game: its settings and what the conformance kit says."""
    rows = ["| game | | settings | status |", "| --- | --- | --- | --- |"]
    for name in tqdm.tqdm(sorted(mfg_games.registered_games()), desc="games"):
        mine = [s for s in settings.SETTINGS.values() if s.game == name]
        named = [f"`{s.name}`" for s in mine if settings.TESTING not in s.tags]
        small = [s for s in mine if settings.TESTING in s.tags]
        status = conformance_status([s.load() for s in small])
        title = catalogue.games()[name]
        rows.append(f"| `{name}` | {title} | {', '.join(named)} | {status} |")
    return "\n".join(rows)


def conformance_status(games: list) -> str:
    """What the conformance kit finds in games, in a few words."""
    reports = [conformance.check_game(game) for game in games]
    failed = sorted({f.check for report in reports for f in report.failures})
    if failed:
        return "fails: " + ", ".join(failed)
    return f"conforms ({len(conformance.CHECKS)} checks)"


def solvers_table() -> str:
    """One row a solver: its rule and how far it comes with its defaults."""
    rows = [
        f"| solver | rule | `{SETTING}`, exploitability at 0 → {ITERATIONS} |",
        "| --- | --- | --- |",
    ]
    quiet.import_tensorflow()
    from algorithms.run import run

    game = settings.setting(SETTING).load()
    for name in tqdm.tqdm(sorted(catalogue.SOLVERS), desc="solvers"):
        history = run(catalogue.solver_class(name)(game), ITERATIONS, progress=False)
        first, last = (history.history[k].exploitability for k in (0, -1))
        summary = catalogue.solver_summary(name).rstrip(".")
        rows.append(f"| `{name}` | {summary} | {first:.3g} → {last:.3g} |")
    return "\n".join(rows)


def with_table(text: str, name: str, table: str) -> str:
    """The text with the table between its markers replaced.

    Raises:
      ValueError: the text has no such markers.
    """
    begin, end = f"<!-- {name}: examples/tables.py -->", f"<!-- {name} end -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"README.md has no markers {begin} and {end}.")
    return pattern.sub(lambda _: f"{begin}\n{table}\n{end}", text)


if __name__ == "__main__":
    app.run(main)
