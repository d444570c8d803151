"""The reproduction of Perrin et al. 2020 on tiny games."""

import csv
import dataclasses
import pathlib
import subprocess
import sys

import matplotlib.image
import numpy as np
import pytest

from mfg_games.linear_quadratic import LinearQuadratic
from mfg_games.registration import registered_games

ROOT = pathlib.Path(__file__).parents[2]
REPRODUCE = ROOT / "examples" / "reproduce"
sys.path.insert(0, str(REPRODUCE))

import fp2020_experiments as experiments  # noqa: E402 (examples are no package)
import fp2020_report as report  # noqa: E402

TINY_LQ = "half_width=12,max_action=5,modes=-6 6,mode_std=1.5"
TINY = experiments.Scale(
    linear_quadratic=f"mfg_linear_quadratic({TINY_LQ},horizon=8,dt=0.25)",
    beach_bar="mfg_beach_bar(size=12,horizon=4)",
    closing_bar="mfg_beach_bar(size=12,horizon=6,closing_time=2)",
    tree=f"mfg_linear_quadratic({TINY_LQ},horizon=3,dt=0.5,common_noise=0.5)",
    lq_iterations=14,
    bar_iterations=14,
    tree_iterations=14,
    lq_episodes=200,
    bar_episodes=200,
    batch_size=100,
    refinements=(1, 2),
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    output = tmp_path_factory.mktemp("results")
    return output, report.reproduce(TINY, 3, output, "a command")


def dynamics(**changes) -> LinearQuadratic:
    made = LinearQuadratic(**changes)
    made.parameters = {**DEFAULTS, **changes}
    return made


DEFAULTS = {
    name: default
    for name, default in zip(
        LinearQuadratic.__init__.__code__.co_varnames[1:14],
        LinearQuadratic.__init__.__defaults__,
        strict=True,
    )
}
