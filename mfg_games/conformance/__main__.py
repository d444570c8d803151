"""Checks mean field games from the command line; exit status 1 if one fails."""

from __future__ import annotations

import argparse
import importlib
import sys

import pyspiel

from mfg_games import parameters
from mfg_games.conformance import check_game


def main(arguments: list[str] | None = None) -> int:
    """Prints a report for each game; returns how the process should exit."""
    parser = argparse.ArgumentParser(prog="mfg_games.conformance", description=__doc__)
    parser.add_argument(
        "game", nargs="+", help='OpenSpiel game string, "mfg_beach_bar(size=5)"'
    )
    parser.add_argument(
        "--import_module",
        action="append",
        default=[],
        metavar="MODULE",
        help="module to import first, which registers the game (repeatable)",
    )
    parser.add_argument(
        "--max_states",
        type=int,
        default=20_000,
        help="limit on the states made by the walk (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the random plays")
    options = parser.parse_args(arguments)
    for module in ["open_spiel.python.mfg.games", *options.import_module]:
        try:
            importlib.import_module(module)
        except ImportError as error:
            parser.error(f"--import_module={module}: {error}")
    conform = True
    for game in options.game:
        try:
            _require_known(game)
            report = check_game(game, max_states=options.max_states, seed=options.seed)
        except (ValueError, pyspiel.SpielError) as error:
            parser.error(str(error))
        print(report, end="\n\n")
        conform &= report.conforms
    return 0 if conform else 1


def _require_known(game: str) -> None:
    """Suggests the nearest name, and how one's own games are found, for others."""
    try:
        parameters.known("game", game.partition("(")[0], pyspiel.registered_names())
    except ValueError as error:
        raise ValueError(
            f"{error} A game of your own needs --import_module=the.module.of.the.game."
        ) from error


if __name__ == "__main__":
    sys.exit(main())
