"""Small games for tests: at most a few hundred decision nodes."""

from __future__ import annotations

from mfg_games.settings.definition import COMMON_NOISE, TESTING, Setting


def _small(name: str, game: str, description: str, *tags: str, **parameters):
    return Setting(
        name, game, parameters, TESTING, f"small: {description}", (TESTING, *tags)
    )


SMALL = (
    _small(
        "beach_bar_testing",
        "mfg_beach_bar",
        "action costs on a torus",
        size=6,
        horizon=4,
    ),
    _small(
        "beach_bar_closing_testing",
        "mfg_beach_bar",
        "rewards that depend on common noise",
        COMMON_NOISE,
        size=6,
        horizon=4,
        closing_time=2,
        closing_probability=0.3,
    ),
    _small(
        "linear_quadratic_testing",
        "mfg_linear_quadratic",
        "dynamics that depend on the mean, terminal reward",
        half_width=5,
        horizon=4,
        max_action=2,
        modes="-3 2",
        mode_std=1.0,
    ),
    _small(
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
    _small(
        "exploration_testing",
        "mfg_exploration",
        "walls and illegal actions",
        layout="....|.##.|....",
        horizon=5,
        noise=0.5,
    ),
    _small(
        "predator_prey_testing",
        "mfg_predator_prey",
        "several populations",
        size=3,
        horizon=4,
    ),
    _small(
        "sis_testing",
        "mfg_sis",
        "probabilities that depend on the distribution",
        horizon=6,
    ),
)
