"""Games in continuous space by name.

    load("flocking_4d")
    load("flocking_4d(beta=5.0,horizon=40)")

A name stands for a model and its parameters; numbers in brackets change them.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses

import pyspiel

from mfg_games import parameters
from mfg_games.continuous import ContinuousGame
from mfg_games.continuous_linear_quadratic import LinearQuadraticModel
from mfg_games.flocking import FlockingModel


@dataclasses.dataclass(frozen=True)
class ContinuousSetting:
    """A game in continuous space with a name.

    Attributes:
      model: its class.
      parameters: of the class, by name; others have their defaults.
      description: what it is, in a few words.
    """

    model: type[ContinuousGame]
    parameters: Mapping[str, object]
    description: str


# Birds at unit weights of all terms but the effort want to be as fast as they may.
_FLOCK = {"speed": 1.0, "effort": 0.1, "horizon": 50, "dt": 0.2}
_GROUPS = {
    "centers": ((-20.0, -20.0), (20.0, -20.0), (0.0, 20.0)),
    "velocities": ((0.7, -0.7), (0.7, 0.7), (-0.7, 0.7)),
    "velocity_std": 0.3,
}
# Flocks fly along a diagonal: through a gate of walls and around a column behind it.
_OBSTACLES = {
    "centers": ((-7.0, -7.0),),
    "velocities": ((0.8, 0.8),),
    "position_std": 0.5,
    "velocity_std": 0.1,
    "columns": ((2.0, 2.4, 1.0),),
    "walls": ((-7.5, -4.0, 0.0, 1.0), (0.0, 1.0, -7.5, -4.0)),
    "margin": 1.2,
}
SETTINGS: Mapping[str, ContinuousSetting] = {
    "flocking_2d": ContinuousSetting(
        FlockingModel,
        {
            "dimensions": 1,
            "horizon": 30,
            "dt": 0.5,
            "noise": 0.1,
            "half_width": 5.0,
            "velocity_std": 0.5,
            "centers": ((0.0,),),
            "velocities": ((0.0,),),
        },
        "birds on a line, with the coefficients of mfg_flocking",
    ),
    "flocking_4d": ContinuousSetting(
        FlockingModel, _FLOCK, "birds in a plane that all see each other, beta = 0"
    ),
    "flocking_4d_local": ContinuousSetting(
        FlockingModel,
        {**_FLOCK, "beta": 1.0, "position_std": 2.0},
        "birds in a plane that see those near them",
    ),
    "flocking_groups": ContinuousSetting(
        FlockingModel,
        {**_FLOCK, **_GROUPS, "beta": 5.0},
        "three groups in a plane, far apart, with a large beta",
    ),
    "flocking_obstacles": ContinuousSetting(
        FlockingModel,
        {**_FLOCK, **_OBSTACLES, "horizon": 100, "dt": 0.15},
        "a flock through a gate of walls and around a column",
    ),
    "flocking_6d": ContinuousSetting(
        FlockingModel,
        {
            **_FLOCK,
            "dimensions": 3,
            "centers": ((-6.0, -6.0, 0.0),),
            "velocities": ((0.8, 0.8, 0.0),),
            "position_std": 0.5,
            "velocity_std": 0.1,
            "columns": ((-3.8, 0.8, 0.8), (0.8, -3.8, 0.8), (2.8, 0.8, 0.8)),
            "margin": 1.2,
        },
        "birds in space, around columns",
    ),
    "linear_quadratic": ContinuousSetting(
        LinearQuadraticModel, {}, "steering towards the mean, with a closed form"
    ),
}


def is_continuous(text: str) -> bool:
    """Whether a text names one of these games, whatever its parameters."""
    return text.split("(", 1)[0].strip() in SETTINGS


def load(text: str) -> ContinuousGame:
    """A game by its name, with changes of its parameters in brackets.

    Raises:
      ValueError: there is no such game or parameter, or a value is out of range.
    """
    changes = pyspiel.game_parameters_from_string(text)
    name = changes.pop("name")
    parameters.known("continuous game", name, SETTINGS)
    found = SETTINGS[name]
    known = found.model.defaults()
    for parameter in changes:
        parameters.known(f"parameter of {name}", parameter, known)
    return found.model(**{**found.parameters, **changes})
