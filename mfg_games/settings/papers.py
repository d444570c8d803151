"""The games of the papers' figures, every parameter given."""

from __future__ import annotations

from mfg_games.settings.definition import COMMON_NOISE, PAPER, Setting

_PERRIN = "Perrin et al. 2020"
_PEROLAT = "Perolat et al. 2021, section 5.4"
_DEEP = "Laurière et al. 2022 (Scalable deep reinforcement learning)"
_SURVEY = "Laurière et al. 2022 (survey), section 5"


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


PAPERS = (
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
