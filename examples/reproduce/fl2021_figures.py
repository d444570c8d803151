"""The figures of `flocking_2021`."""

from __future__ import annotations

from collections.abc import Mapping
import csv
import functools
import pathlib

import figures
from figures import label_axes
from fl2021_experiments import Key
from fl2021_runs import Flown
from matplotlib.figure import Figure
import numpy as np

from algorithms.job import Job
from algorithms.pictures.birds import birds_figure, save_animation
from algorithms.pictures.style import new_figure
from mfg_games.flocking import FlockingModel

Logs = Mapping[Key, Mapping[str, np.ndarray]]


def read_logs(jobs: Mapping[Key, Job], root: pathlib.Path) -> dict[Key, dict]:
    """What finished runs measured in each iteration: arrays by column."""
    found = {}
    for key, job in jobs.items():
        with open(root / job.name / "log.csv", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        found[key] = {
            name: np.array([float(row[name]) for row in rows])
            for name in rows[0]
            if rows[0][name]
        }
    return found


def all_figures(
    flown: Mapping[Key, Flown], logs: Logs
) -> dict[str, tuple[Figure, str]]:
    """File name of each figure -> the figure and what it shows."""
    found = {
        "exploitability.png": (
            curves(logs, "exploitability", "estimate"),
            "Approximate exploitability against iterations: mean over the seeds, "
            "between the lowest and the highest of them.",
        ),
        "velocity_variance.png": (
            curves(logs, "velocity_variance", "variance"),
            "Variance of the velocities at the end, of the average population.",
        ),
    }
    for game, first in _first_seeds(flown).items():
        found[f"birds_{file_name(game)}.png"] = (
            birds_figure(first.game, first.states, ""),
            f"{game[0].upper()}{game[1:]}: players of the average policy, first seed.",
        )
    return found


def animations(flown: Mapping[Key, Flown]) -> dict:
    """File name of each animation -> what writes it, and what it shows."""
    return {
        f"birds_{file_name(game)}.gif": (
            functools.partial(save_animation, first.game, first.states, game),
            f"{game[0].upper()}{game[1:]}: the same players, moving.",
        )
        for game, first in _first_seeds(flown).items()
        if isinstance(first.game, FlockingModel)
    }


def _first_seeds(flown: Mapping[Key, Flown]) -> dict[str, Flown]:
    """Of each game."""
    found = {}
    for (game, _), each in flown.items():
        found.setdefault(game, each)
    return found


def file_name(game: str) -> str:
    """A game's name in the name of a file."""
    words = game.replace("> 0", "positive").replace("= 0", "zero")
    return words.replace(", ", "_").replace(" ", "_").lower()


def curves(logs: Logs, column: str, label: str) -> Figure:
    """A column of the logs against iterations, a panel a game that has it."""
    games = list(dict.fromkeys(key[0] for key, log in logs.items() if column in log))
    columns = min(4, len(games))
    rows = -(-len(games) // columns)
    size = (3.4 * columns, 2.8 * rows + 0.3)
    figure, axes = new_figure(rows, columns, size, "", "constrained")
    for ax, game in zip(axes.flat, games, strict=False):
        values = np.stack([log[column] for key, log in logs.items() if key[0] == game])
        style = figures.line(0)
        k = np.arange(values.shape[1])
        ax.plot(k, values.mean(axis=0), **style)
        low, high = values.min(axis=0), values.max(axis=0)
        ax.fill_between(k, low, high, color=style["color"], alpha=0.15, linewidth=0)
        if (values > 0).all():
            ax.set_yscale("log")
        label_axes(ax, game, "iteration", label, legend=False)
    for ax in axes.flat[len(games) :]:
        ax.remove()
    return figure
