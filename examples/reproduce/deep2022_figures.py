"""The figures of `deep_2022`."""

from __future__ import annotations

import dataclasses

from deep2022_curves import Groups
from deep2022_experiments import (
    AFP,
    BI,
    BP,
    CHASING,
    DFP,
    EXACT_BP,
    EXACT_FP,
    EXACT_MOMD,
    EXACT_OMD,
    EXACT_PI,
    LQ,
    MAZE,
    MOMD,
    PI,
    ROOMS,
    SIS,
    Scale,
)
from deep2022_runs import Endings
import figures
from figures import label_axes
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
import numpy as np

from algorithms.pictures import Geometry
from algorithms.pictures.frames import frames_figure
from algorithms.pictures.geometry import Branch
from algorithms.pictures.style import COLOURS, INK, new_figure

SHOWN = (MOMD, AFP, BP, PI)  # deep solvers whose crowds are drawn
_CROWDS = (EXACT_MOMD, *SHOWN)
_INFECTED = 1
_POINTS = 300  # of a curve against seconds
_SHORTEST = 0.1  # seconds shown
# A solver has one colour, exact (thin) or deep.
_DEEP = dict(zip((MOMD, AFP, BP, PI, BI, DFP), COLOURS, strict=False))
_EXACT = {
    EXACT_MOMD: (MOMD, "--"),
    EXACT_OMD: (MOMD, ":"),
    EXACT_FP: (AFP, "--"),
    EXACT_BP: (BP, "--"),
    EXACT_PI: (PI, "--"),
}


def all_figures(
    scale: Scale, groups: Groups, endings: Endings
) -> dict[str, tuple[Figure, str]]:
    """Draws all figures.

    Args:
      scale: what was computed.
      groups: the deep solvers' curves.
      endings: the exact solvers' runs, and those of the deep solvers in `SHOWN`.

    Returns:
      File name of each figure -> the figure and what it shows.
    """
    return {
        "exploitability.png": (
            curves(scale, groups, endings),
            "Exploitability against iterations and against seconds: mean over the "
            "seeds, between the lowest and the highest of them; thin lines are exact "
            "solvers.",
        ),
        "lines.png": (
            lines(endings),
            f"The crowds of the {SIS} and the {LQ} game under the last policies.",
        ),
        "four_rooms.png": (
            plane(ROOMS, endings),
            "Four rooms: the crowds under the last policies.",
        ),
        "congestion.png": (
            plane(MAZE, endings),
            "Congestion: the crowds under the last policies.",
        ),
        "chasing.png": (
            chasing(endings),
            "Chasing: each population under the last policies.",
        ),
    }


def curves(scale: Scale, groups: Groups, endings: Endings) -> Figure:
    """Exploitability: a row a game, against iterations and against seconds."""
    size = (11.0, 3.1 * len(scale.games) + 1.2)
    figure, axes = new_figure(len(scale.games), 2, size, "", "constrained")
    for game, (left, right) in zip(scale.games, axes, strict=True):
        for label, (deep, dashes) in _EXACT.items():
            solved = endings[game, label].solved
            style = _thin(deep, dashes)
            values = np.where(solved.exploitability > 0, solved.exploitability, np.nan)
            left.plot(np.arange(1, len(values) + 1), values, **style)
            right.plot(solved.seconds, values, **style)
        for label in scale.solvers(game):
            seeds = groups[game, label]
            of_iterations = seeds.by_iteration
            k = np.arange(1, of_iterations.shape[1] + 1)
            _band(left, k, of_iterations, _DEEP[label])
            timed = dataclasses.replace(seeds, clock="seconds")
            first = min(run.seconds[0] for run in seeds.runs)
            seconds = np.geomspace(max(first, _SHORTEST), timed.end, _POINTS)
            _band(right, seconds, timed.at(seconds), _DEEP[label])
        for ax, what in ((left, "k + 1 (iteration k)"), (right, "seconds")):
            ax.set(xscale="log", yscale="log")
            label_axes(ax, game, what, "exploitability", legend=False)
    _legend(figure, scale)
    return figure


def _thin(deep: str, dashes: str) -> dict:
    return {"color": _DEEP[deep], "linestyle": dashes, "linewidth": 0.9}


def _band(ax: Axes, x: np.ndarray, values: np.ndarray, colour: str) -> None:
    """Mean and range of values [seeds, points]."""
    ax.plot(x, values.mean(axis=0), color=colour, linewidth=1.8)
    ax.fill_between(
        x, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.2, linewidth=0
    )


def _legend(figure: Figure, scale: Scale) -> None:
    run = dict.fromkeys(label for g in scale.games for label in scale.solvers(g))
    styles = {label: {"color": _DEEP[label], "linewidth": 1.8} for label in run}
    styles |= {label: _thin(*style) for label, style in _EXACT.items()}
    figure.legend(
        [Line2D([], [], **style) for style in styles.values()],
        list(styles),
        loc="outside lower center",
        ncols=6,
        fontsize=9,
        frameon=False,
        labelcolor=INK,
    )


def lines(endings: Endings) -> Figure:
    """The share of infected players, and heat maps of the linear-quadratic game."""
    figure, axes = new_figure(2, 3, (11.0, 6.4), "", "constrained")
    first, *others = axes.flat
    for number, label in enumerate(_CROWDS):
        share = endings[SIS, label].solved.path()[:, _INFECTED]
        first.plot(share, label=label, **figures.line(number))
    label_axes(first, SIS, "t", "share of infected players")
    flows = {label: endings[LQ, label].solved.path() for label in _CROWDS}
    scale = PowerNorm(0.5, 0, figures.highest(flows))
    titles = {f"{LQ}, {label}": flow for label, flow in flows.items()}
    figures.heat_maps(figure, np.array(others), titles, scale, "t", "grid point")
    return figure


def plane(game: str, endings: Endings) -> Figure:
    """Crowds on a map: a row a solver, a column a time."""
    solved = {label: endings[game, label].solved for label in _CROWDS}
    flows = {label: run.path() for label, run in solved.items()}
    geometry = Geometry.of(solved[EXACT_MOMD].dynamics)
    return figures.crowds(flows, geometry, None, game.capitalize())


def chasing(endings: Endings) -> Figure:
    """Chasing populations: a row a solver and population, a column a time."""
    solved = {
        label: endings[CHASING, label].solved for label in (EXACT_MOMD, MOMD, AFP)
    }
    branches = [
        Branch(label, np.concatenate(run.layers), ()) for label, run in solved.items()
    ]
    d = solved[EXACT_MOMD].dynamics
    times = figures.evenly(d.horizon, 6)
    return frames_figure(branches, Geometry.of(d), CHASING.capitalize(), times)
