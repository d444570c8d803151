"""Generates the README's tables and figures' captions from the code and its results.

    python examples/tables.py          # rewrites the tables in README.md
    python examples/tables.py --check  # exits with 1 if they are out of date
    python examples/tables.py --only=mf_omo  # one solver's row anew

The caption of the picture shows the run that `make readme` has left. Games: the
conformance kit runs on each small setting. Solvers: each one runs with its defaults on
one setting, those for continuous space on one of their own games.
"""

from __future__ import annotations

import csv
import json
import pathlib
import re
import sys
import textwrap

from absl import app, flags
import tqdm

from algorithms import catalogue, files, quiet
import mfg_games
from mfg_games import conformance, parameters, settings

FLAGS = flags.FLAGS

README = pathlib.Path(__file__).parents[1] / "README.md"
MAIN_JOB = pathlib.Path(__file__).parent / "results" / "four_rooms"
SETTING, ITERATIONS = "beach_bar_2020", 200
CONTINUOUS = "linear_quadratic"  # for solvers of games in continuous space
DEEP_ITERATIONS = 20  # each one trains a network


def define_flags() -> None:
    """Called when this is the program: other scripts import this one."""
    flags.DEFINE_bool("check", False, "Compare instead of writing.")
    flags.DEFINE_string(
        "only", None, "Make this solver's row alone anew; default: all."
    )


def main(argv: list[str]) -> None:
    """Writes or checks the tables."""
    if len(argv) > 1:
        sys.exit(f"Unexpected arguments: {argv[1:]}")
    if FLAGS.only is None:
        tables = {
            "main job": main_job_caption(),
            "games": games_table(),
            "solvers": solvers_table(sorted(catalogue.SOLVERS)),
        }
    else:
        parameters.known("solver", FLAGS.only, catalogue.SOLVERS)
        table = solvers_table([FLAGS.only])
        others = README.read_text("utf-8")
        tables = {"solvers": with_rows(table, others)}
    text = README.read_text("utf-8")  # as it is by now, which may be minutes later
    for name, table in tables.items():
        text = with_table(text, name, table)
    if FLAGS.check and text != README.read_text("utf-8"):
        sys.exit("README.md is out of date: run `python examples/tables.py`.")
    files.write_text(README, text)


def main_job_caption() -> str:
    """What the picture of the main job shows, with the run's own figures."""
    run = json.loads((MAIN_JOB / "run.json").read_text("utf-8"))
    with open(MAIN_JOB / "exploitability.csv") as file:
        first = float(next(csv.DictReader(file))["exploitability"])
    return textwrap.fill(
        f"*A crowd that starts in one corner of four rooms and wants to be where few "
        f"others are, under the policy that {run['iterations']} iterations of "
        f"{run['algorithm'].replace('_', ' ')} find in "
        f"{run['iterating_seconds']:.1f} seconds: nobody can gain more than "
        f"{run['exploitability']:.2g} by leaving it, of {first:.3g} at the start "
        f"([details](examples/results/four_rooms/run.json)).*",
        width=96,
    )


def our_games() -> list[str]:
    """Short names of the games of this package, not of those that others register."""
    return sorted(
        name
        for name, dynamics in mfg_games.registered_games().items()
        if dynamics.__module__.startswith("mfg_games.")
    )


def games_table() -> str:
    """One row a game: its settings and what the conformance kit says."""
    rows = ["| game | | settings | status |", "| --- | --- | --- | --- |"]
    for name in tqdm.tqdm(our_games(), desc="games"):
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


def solvers_table(names: list[str]) -> str:
    """One row a solver: its rule and how far it comes with its defaults."""
    rows = [
        f"| solver | rule | games | `{SETTING}`, exploitability at 0 → {ITERATIONS} "
        f"(deep solvers: {DEEP_ITERATIONS}) |",
        "| --- | --- | --- | --- |",
    ]
    quiet.import_tensorflow()
    from algorithms.deep.presets import WithPresets
    from algorithms.run import run
    from algorithms.solver import Solver

    game = settings.setting(SETTING).load()
    for name in tqdm.tqdm(names, desc="solvers"):
        solver_class = catalogue.solver_class(name)
        anywhere = issubclass(solver_class, Solver)
        solver = solver_class(game if anywhere else CONTINUOUS)
        iterations = DEEP_ITERATIONS if isinstance(solver, WithPresets) else ITERATIONS
        history = run(solver, iterations, progress=False)
        first, last = (history.history[k].exploitability for k in (0, -1))
        summary = catalogue.solver_summary(name).rstrip(".")
        where = "" if anywhere else f" (`{CONTINUOUS}`, an estimate)"
        games = games_taken(solver_class)
        rows.append(
            f"| `{name}` | {summary} | {games} | {first:.3g} → {last:.3g}{where} |"
        )
    return "\n".join(rows)


def games_taken(solver_class: type) -> str:
    """Which games a solver takes, in a word or two."""
    from algorithms.solver import Solver

    if not issubclass(solver_class, Solver):
        return "continuous"
    return "this collection's" if solver_class.own_games_only else "any"


def with_rows(table: str, text: str) -> str:
    """The solvers' table with the rows of all others that a text has."""
    head, rows = table.splitlines()[:2], table.splitlines()[2:]
    by_name = {}
    for row in [*text.splitlines(), *rows]:
        first = re.match(r"\| `(\w+)` \|", row)
        if first and first[1] in catalogue.SOLVERS:
            by_name[first[1]] = row
    return "\n".join([*head, *(by_name[name] for name in sorted(by_name))])


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
    define_flags()
    app.run(main)
