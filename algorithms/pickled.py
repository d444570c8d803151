"""How games, and what belongs to their models and solvers, are pickled and copied."""

from __future__ import annotations

import pyspiel

from mfg_games.continuous import ContinuousGame
from mfg_games.openspiel_game import MeanFieldGame


def packed(game: pyspiel.Game | ContinuousGame):
    """A game as something that can be pickled and copied.

    OpenSpiel's games written in Python come out of `pickle` and `copy.deepcopy` empty,
    so they travel as class, name and parameters. The class imports the module that
    registers the game.
    """
    if isinstance(game, MeanFieldGame | ContinuousGame):
        return game
    return (type(game), game.get_type().short_name, game.get_parameters())


def unpacked(game) -> pyspiel.Game | ContinuousGame:
    """The game that was `packed`."""
    return pyspiel.load_game(*game[1:]) if isinstance(game, tuple) else game


class OnModel:
    """An object with a `model`, whose `game` is the model's."""

    def __getstate__(self) -> dict:
        return {name: value for name, value in vars(self).items() if name != "game"}

    def __setstate__(self, state: dict) -> None:
        vars(self).update(state, game=state["model"].game)
