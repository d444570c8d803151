"""Registers a `Dynamics` with OpenSpiel under a short name."""

from __future__ import annotations

from collections.abc import Callable
import inspect
import sys

import pyspiel

from mfg_games.dynamics import FAMILY, Dynamics
from mfg_games.openspiel_game import MeanFieldGame

_registered: dict[str, type[Dynamics]] = {}


def register(short_name: str) -> Callable[[type[Dynamics]], type[Dynamics]]:
    """Class decorator: registers a `Dynamics` as an OpenSpiel game.

    The first line of the class's docstring becomes the long name.

    Raises:
      ValueError: the name is taken (OpenSpiel itself would overwrite silently), or a
        parameter has no default of type int, float, bool or str.
    """

    def decorate(dynamics_class: type[Dynamics]) -> type[Dynamics]:
        if short_name in pyspiel.registered_names():
            raise ValueError(f"A game named {short_name!r} is registered already.")
        game_type = _game_type(short_name, dynamics_class)
        # pyspiel needs a class that stays alive as long as the module does.
        name = dynamics_class.__name__ + "Game"
        attributes = {
            "__module__": dynamics_class.__module__,
            "__doc__": dynamics_class.__doc__,
            "dynamics_class": dynamics_class,
            "game_type": game_type,
            "__reduce__": _reduced,
        }
        game_class = type(name, (MeanFieldGame,), attributes)
        setattr(sys.modules[dynamics_class.__module__], name, game_class)
        pyspiel.register_game(game_type, game_class)
        dynamics_class.short_name = short_name
        _registered[short_name] = dynamics_class
        return dynamics_class

    return decorate


def _reduced(game: MeanFieldGame) -> tuple:
    """How a game is pickled: with its class, whose module registers it anywhere."""
    name = game.get_type().short_name
    return (_restored, (game.dynamics_class, name, game.get_parameters()))


def _restored(dynamics_class: type[Dynamics], name: str, parameters: dict):
    if name not in pyspiel.registered_names():  # a class that came without its module
        register(name)(dynamics_class)
    return pyspiel.load_game(name, parameters)


def registered_games() -> dict[str, type[Dynamics]]:
    """Short names and classes of the games registered so far, in that order."""
    return dict(_registered)


def parameter_specification(dynamics_class: type[Dynamics]) -> dict:
    """Parameter names and defaults, read off the constructor's signature."""
    parameters = inspect.signature(dynamics_class).parameters
    specification = {name: p.default for name, p in parameters.items()}
    for name, default in specification.items():
        if type(default) not in (int, float, bool, str) or name in ("name", FAMILY):
            raise ValueError(
                f"Parameter {name!r} of {dynamics_class.__name__} must have a default "
                f"of type int, float, bool or str, and not be called 'name' or "
                f"{FAMILY!r}. Received: {default!r}"
            )
    return specification


def _game_type(short_name: str, dynamics_class: type[Dynamics]) -> pyspiel.GameType:
    return pyspiel.GameType(
        short_name=short_name,
        long_name=inspect.getdoc(dynamics_class).splitlines()[0].rstrip("."),
        dynamics=pyspiel.GameType.Dynamics.MEAN_FIELD,
        chance_mode=pyspiel.GameType.ChanceMode.EXPLICIT_STOCHASTIC,
        information=pyspiel.GameType.Information.PERFECT_INFORMATION,
        utility=pyspiel.GameType.Utility.GENERAL_SUM,
        reward_model=pyspiel.GameType.RewardModel.REWARDS,
        max_num_players=1_000_000_000,
        min_num_players=1,
        # With information states, OpenSpiel's tables would be keyed by histories,
        # and the policies learnt by its solvers could not be played.
        provides_information_state_string=False,
        provides_information_state_tensor=False,
        provides_observation_string=True,
        provides_observation_tensor=True,
        parameter_specification={
            **parameter_specification(dynamics_class),
            FAMILY: "",
        },
        default_loadable=True,
    )
