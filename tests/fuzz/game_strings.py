"""Strings of games with any parameters: loaded at once, or one line names which."""

import numpy as np
import pyspiel

from algorithms import catalogue
import mfg_games
from mfg_games.dynamics import FAMILY
from mfg_games.registration import parameter_specification

from . import bad_values, trying

COUNT, SECONDS = 5000, 2.0
_UNKNOWN = ("no_such_parameter", "name2", "Horizon", "size ")
# With more, games that are loaded take longer than they may here.
_MEMORY = trying.GIGABYTE // 16

GAMES = {
    name: parameter_specification(dynamics) | {FAMILY: ""}
    for name, dynamics in mfg_games.registered_games().items()
    if dynamics.__module__.startswith("mfg_games.")
}


def draw(rng: np.random.Generator) -> str:
    """A game with one to four parameters."""
    name = str(rng.choice(list(GAMES)))
    defaults = GAMES[name]
    number = min(len(defaults), int(rng.integers(1, 5)))
    given = {
        str(key): bad_values.number_or_word(rng, defaults[key])
        for key in rng.choice(list(defaults), number, replace=False)
    }
    if rng.integers(12) == 0:
        given[str(rng.choice(_UNKNOWN))] = 1
    return f"{name}({','.join(f'{key}={value}' for key, value in given.items())})"


def attempt(text: str) -> bool:
    """Loads a game on a small machine."""
    try:
        with trying.little_memory(_MEMORY):
            catalogue.load_game(text)
    except (ValueError, pyspiel.SpielError) as error:
        names = [part.split("=")[0] for part in text.partition("(")[2].split(",")]
        trying.require_refusal(error, *names)
        return True
    return False
