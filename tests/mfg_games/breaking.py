"""Registers games that are broken on purpose."""

from __future__ import annotations

from collections.abc import Callable
import sys

import numpy as np
import pyspiel

from mfg_games import registration
from mfg_games.beach_bar import BeachBar
from mfg_games.dynamics import Dynamics
from mfg_games.openspiel_game import MeanFieldGame, MeanFieldState

# Short names, and the names of exactly the checks that fail, the one that the game was
# made for first.
BROKEN: dict[str, tuple[str, ...]] = {}


class Bar(BeachBar):
    """A beach bar small enough to be walked in no time."""

    def __init__(self, size: int = 4, horizon: int = 2):
        super().__init__(size=size, horizon=horizon)


class Pair(Dynamics):
    """Two populations that avoid each other in two cells, without action costs."""

    def __init__(self, horizon: int = 2):
        self.horizon = horizon
        self.num_actions = 2
        self.state_shape = (2,)
        self.num_populations = 2
        self.initial_distribution = np.array([[0.5, 0.5], [0.25, 0.75]])
        self.reward_range = (-1.0, 0.0)
        self._successors = np.array([[[0], [1]], [[1], [0]]])

    def transition(self, xp, t, mu, z):
        return self._successors, np.ones(1)

    def reward(self, xp, t, mu, z):
        return -mu[::-1, :, None]


class BrokenGame(MeanFieldGame):
    """A game whose states are of the class `state_class`."""

    state_class = MeanFieldState

    def new_initial_state(self):
        return self.state_class(self, population=0)

    def new_initial_state_for_population(self, population):
        return self.state_class(self, population=population)


def broken_game(*checks: str, dynamics: type[Dynamics] = Bar) -> Callable:
    """Registers a game class as `broken_` and its name, caught by `checks`."""

    def decorate(game_class):
        name = "broken_" + game_class.__name__.removesuffix("Game").lower()
        game_class.dynamics_class = dynamics
        game_class.game_type = registration._game_type(name, dynamics)
        pyspiel.register_game(game_class.game_type, game_class)
        BROKEN[name] = checks
        return game_class

    return decorate


def broken_state(*checks: str, dynamics: type[Dynamics] = Bar) -> Callable:
    """The same for a game with this class of states."""

    def decorate(state_class):
        # Under the state's name with "Game": pyspiel needs a class in a module.
        name = state_class.__name__ + "Game"
        attributes = {"__module__": state_class.__module__, "state_class": state_class}
        game_class = type(name, (BrokenGame,), attributes)
        setattr(sys.modules[state_class.__module__], name, game_class)
        broken_game(*checks, dynamics=dynamics)(game_class)
        return state_class

    return decorate
