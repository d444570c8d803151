"""Named settings: the games of the papers' figures, and small ones for tests.

    from mfg_games.settings import setting
    game = setting("four_rooms_deep_2022").load()

Settings tagged "paper" give every parameter, so that a changed default does not change
them. Settings tagged "testing" have at most a few hundred decision nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import types

import numpy as np
import pyspiel

from mfg_games import parameters

PAPER, TESTING, COMMON_NOISE = "paper", "testing", "common noise"

_PERRIN = "Perrin et al. 2020"
_PEROLAT = "Perolat et al. 2021, section 5.4"
_DEEP = "Laurière et al. 2022 (Scalable deep reinforcement learning)"
_SURVEY = "Laurière et al. 2022 (survey), section 5"


@dataclasses.dataclass(frozen=True)
class Setting:
    """One game with its parameters.

    Attributes:
      name: name of the setting.
      game: short name of the game.
      parameters: parameters that the setting fixes, read-only.
      source: the paper and section, or "testing".
      description: one line.
      tags: words to choose settings by.
    """

    name: str
    game: str
    parameters: Mapping[str, int | float | bool | str]
    source: str
    description: str
    tags: tuple[str, ...]

    def __post_init__(self):
        frozen = types.MappingProxyType(dict(self.parameters))
        object.__setattr__(self, "parameters", frozen)

    @property
    def game_string(self) -> str:
        """What `pyspiel.load_game` takes, floats to the last digit."""
        words = [f"{name}={_text(value)}" for name, value in self.parameters.items()]
        return f"{self.game}({','.join(words)})"

    def load(self) -> pyspiel.Game:
        """The OpenSpiel game."""
        return pyspiel.load_game(self.game, dict(self.parameters))


def setting(name: str) -> Setting:
    """The setting of this name.

    Raises:
      ValueError: there is none; the message names the nearest one.
    """
    parameters.known("setting", name, SETTINGS)
    return SETTINGS[name]


def _text(value: int | float | bool | str) -> str:
    if isinstance(value, float):  # OpenSpiel takes 1e-05 for a string
        return np.format_float_positional(value, trim="0")
    return str(value)


def _beach_bar(**changes) -> dict:
    return {
        "size": 100,
        "horizon": 15,
        "stay_probability": 0.3333333333333333,
        "crowd_aversion": 1.0,
        "closing_time": -1,
        "closing_probability": 0.5,
        **changes,
    }


def _linear_quadratic(**changes) -> dict:
    return {
        "half_width": 50,
        "horizon": 30,
        "dt": 0.1,
        "max_action": 18,
        "mean_reversion": 1.0,
        "volatility": 3.0,
        "cross_term": 0.01,
        "kappa": 0.5,
        "terminal_cost": 1.0,
        "common_noise": 0.0,
        "shock_every": 1,
        "modes": "-25 25",
        "mode_std": 5.0,
        **changes,
    }


def _exploration(layout: str, horizon: int, noise: float) -> dict:
    return {
        "layout": layout,
        "horizon": horizon,
        "noise": noise,
        "crowd_aversion": 1.0,
        "start": "",
    }


def _chasing(populations: int, horizon: int) -> dict:
    return {
        "populations": populations,
        "size": 5,
        "horizon": horizon,
        "noise": 0.8,
        "crowd_aversion": 1.0,
        "geometry": "square",
        "rewards": "",
    }


_PAPERS = (
    Setting(
        "beach_bar_2020",
        "mfg_beach_bar",
        _beach_bar(),
        f"{_PERRIN}, section 4.2",
        "beach bar process on 100 places",
        (PAPER,),
    ),
    Setting(
        "beach_bar_closing_2020",
        "mfg_beach_bar",
        _beach_bar(closing_time=7),
        f"{_PERRIN}, section 5",
        "the bar closes at half time with probability 1/2",
        (PAPER, COMMON_NOISE),
    ),
    Setting(
        "linear_quadratic_2020",
        "mfg_linear_quadratic",
        _linear_quadratic(),
        f"{_PERRIN}, section 4.1",
        "two crowds on a line merge; closed form known",
        (PAPER,),
    ),
    Setting(
        "linear_quadratic_common_noise_2020",
        "mfg_linear_quadratic",
        _linear_quadratic(common_noise=0.5, shock_every=5),
        f"{_PERRIN}, section 5",
        "a common shock at every fifth step (64 histories; the paper: at every step)",
        (PAPER, COMMON_NOISE),
    ),
    Setting(
        "four_rooms_deep_2022",
        "mfg_exploration",
        _exploration("four_rooms", 40, 1.0),
        _DEEP,
        "exploration of four rooms, much noise",
        (PAPER,),
    ),
    Setting(
        "four_rooms_survey_2022",
        "mfg_exploration",
        _exploration("four_rooms", 41, 0.1),
        _SURVEY,
        "exploration of four rooms, little noise",
        (PAPER,),
    ),
    Setting(
        "maze_deep_2022",
        "mfg_exploration",
        _exploration("maze", 100, 1.0),
        _DEEP,
        "exploration of the maze, without its congestion and target",
        (PAPER,),
    ),
    Setting(
        "chasing_3_populations_2021",
        "mfg_predator_prey",
        _chasing(3, 10),
        _PEROLAT,
        "three populations chase each other in a cycle on a square",
        (PAPER,),
    ),
    Setting(
        "chasing_4_populations_2021",
        "mfg_predator_prey",
        _chasing(4, 20),
        _PEROLAT,
        "four populations chase each other in a cycle on a square",
        (PAPER,),
    ),
    Setting(
        "sis_2022",
        "mfg_sis",
        {
            "horizon": 50,
            "recovery": 0.3,
            "infection": 0.81,
            "initial_infected": 0.6,
            "infection_cost": 1.0,
            "distancing_cost": 0.5,
        },
        f"{_DEEP}; Cui & Koeppl 2021",
        "epidemic; going out or keeping distance",
        (PAPER,),
    ),
)


def _testing(name: str, game: str, description: str, *tags: str, **parameters):
    return Setting(
        name, game, parameters, TESTING, f"small: {description}", (TESTING, *tags)
    )


_TESTING = (
    _testing(
        "beach_bar_testing",
        "mfg_beach_bar",
        "action costs on a torus",
        size=6,
        horizon=4,
    ),
    _testing(
        "beach_bar_closing_testing",
        "mfg_beach_bar",
        "rewards that depend on common noise",
        COMMON_NOISE,
        size=6,
        horizon=4,
        closing_time=2,
        closing_probability=0.3,
    ),
    _testing(
        "linear_quadratic_testing",
        "mfg_linear_quadratic",
        "dynamics that depend on the mean, terminal reward",
        half_width=5,
        horizon=4,
        max_action=2,
        modes="-3 2",
        mode_std=1.0,
    ),
    _testing(
        "linear_quadratic_common_noise_testing",
        "mfg_linear_quadratic",
        "dynamics that depend on common noise",
        COMMON_NOISE,
        half_width=3,
        horizon=4,
        max_action=1,
        common_noise=0.5,
        shock_every=2,
        modes="-2 1",
        mode_std=1.0,
    ),
    _testing(
        "exploration_testing",
        "mfg_exploration",
        "walls and illegal actions",
        layout="....|.##.|....",
        horizon=5,
        noise=0.5,
    ),
    _testing(
        "predator_prey_testing",
        "mfg_predator_prey",
        "several populations",
        size=3,
        horizon=4,
    ),
    _testing(
        "sis_testing",
        "mfg_sis",
        "probabilities that depend on the distribution",
        horizon=6,
    ),
)

SETTINGS: Mapping[str, Setting] = types.MappingProxyType(
    {entry.name: entry for entry in _PAPERS + _TESTING}
)
