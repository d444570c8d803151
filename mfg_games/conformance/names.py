"""Check of the short name: OpenSpiel lets a later game overwrite an earlier one."""

from __future__ import annotations

import functools
import subprocess
import sys

import pyspiel

from mfg_games.conformance.subject import Findings, Subject

_LIST_NAMES = (
    "import pyspiel; from open_spiel.python import games; "
    "from open_spiel.python.mfg import games; print(*pyspiel.registered_names())"
)


def short_name(subject: Subject) -> Findings:
    """The short name was free, and leads to this game's class."""
    game = subject.game
    name = game.get_type().short_name
    if name in _taken_before(subject):
        yield (
            f"a short name that was free before the game came, not {name!r}",
            f"the name was taken, and now leads to {type(game)}",
            "register_game overwrites silently: look into registered_names() first",
        )
    try:
        holder = type(pyspiel.load_game(name, game.get_parameters()))
    except Exception as error:  # SpielError, or whatever the constructor raises
        yield (
            f"pyspiel.load_game({name!r}, game.get_parameters()) works",
            f"{type(error).__name__}: {error}",
            "the game is not registered, or not all of its parameters are",
        )
        return
    if holder is not type(game):
        yield (
            f"{name!r} leads to {type(game)}",
            f"it leads to {holder}",
            "another game was registered later under the same name",
        )


def _taken_before(subject: Subject) -> frozenset[str]:
    if subject.names_before is not None:
        return frozenset(subject.names_before)
    return frozenset() if _is_openspiels_own(subject.game) else openspiel_names()


def _is_openspiels_own(game: pyspiel.Game) -> bool:
    package = type(game).__module__.partition(".")[0]
    return package in ("open_spiel", "pyspiel")


@functools.cache
def openspiel_names() -> frozenset[str]:
    """Short names that a fresh interpreter with nothing but OpenSpiel knows."""
    listed = subprocess.run(
        [sys.executable, "-c", _LIST_NAMES], capture_output=True, text=True, check=True
    )
    return frozenset(listed.stdout.split())
