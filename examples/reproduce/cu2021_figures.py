"""The figures of `concave_utility_2021`."""

from __future__ import annotations

from collections.abc import Sequence

from cu2021_experiments import ADAPTIVE, AWAY, FP, FW, OPEN_LOOP, SEARCH, Scale, Task
import figures
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
import numpy as np

from algorithms.pictures.geometry import Geometry
from algorithms.pictures.style import (
    COLOURS,
    INK,
    colour_bar,
    crowd_colours,
    new_figure,
)

_FRAMES = 7
_LOWEST = 1e-4  # density at which the colours end
_RESOLUTION = 1e-13  # share of F* below which F* - F is rounding


def all_figures(scale: Scale, tasks: Sequence[Task]) -> dict[str, tuple[Figure, str]]:
    """File name -> figure and caption."""
    return {
        "curves.png": (
            curves(tasks),
            "Exploitability, which is the gap of Frank-Wolfe, and distance from the "
            "highest utility that was found, against iterations. The lines of FP and "
            "FW, 1/(k+1), are one.",
        ),
        "occupancy.png": (
            occupancy(scale, tasks),
            "Where the crowds are on average over time, on a logarithmic scale.",
        ),
        "frames.png": (
            frames(tasks),
            "Where the best crowd that was found is at some times.",
        ),
    }


def curves(tasks: Sequence[Task]) -> Figure:
    """Exploitability and F* - F: a row a utility, a curve an algorithm."""
    size = (11.0, 3.1 * len(tasks) + 1.0)
    figure, axes = new_figure(len(tasks), 2, size, "", "constrained")
    styles = _styles(tasks[0])
    for (left, right), task in zip(axes, tasks, strict=True):
        lowest = _RESOLUTION * max(abs(task.optimum), 1.0)
        lines = []
        for label, style in styles.items():
            gaps = np.maximum(task.runs[label].exploitability, lowest)
            k = np.arange(1, len(gaps) + 1)
            lines += left.plot(k, gaps, **style)
            short = task.suboptimality(label)
            right.plot(k, np.where(short > lowest, short, np.nan), **style)
        for ax, what in ((left, "exploitability"), (right, "F* - F")):
            ax.set(xscale="log", yscale="log")
            figures.label_axes(ax, f"{_title(task)}: {what}", "k + 1", what, False)
    figure.legend(
        lines,
        list(styles),
        loc="outside lower center",
        ncols=4,
        fontsize=9,
        frameon=False,
        labelcolor=INK,
    )
    return figure


def _styles(task: Task) -> dict[str, dict]:
    """Colours tell the steps of Frank-Wolfe apart, styles the rates of OMD."""
    steps = (FP, FW, OPEN_LOOP, SEARCH, AWAY)
    solid = figures.line(0)
    styles = {
        label: {**solid, "color": COLOURS[number]} for number, label in enumerate(steps)
    }
    styles[FW]["linestyle"] = (0, (2, 4))  # lets the equal line of FP show through
    rates = [label for label in task.runs if label not in (*steps, ADAPTIVE)]
    for number, label in enumerate(rates):
        styles[label] = {**figures.line(number), "color": COLOURS[len(steps)]}
    return {**styles, ADAPTIVE: {**solid, "color": INK}}


def occupancy(scale: Scale, tasks: Sequence[Task]) -> Figure:
    """Densities averaged over time: a row a utility, a column an algorithm."""
    size = (8.6, 2.5 * len(tasks) + 0.6)
    figure, axes = new_figure(len(tasks), 3, size, "", "constrained")
    for row, task in zip(axes, tasks, strict=True):
        geometry = Geometry.of(task.dynamics)
        for ax, label in zip(row, (FP, AWAY, task.best_rate(scale.rates)), strict=True):
            density = task.runs[label].path()[:-1].mean(axis=0)
            drawn = ax.imshow(
                geometry.image(density),
                cmap=crowd_colours(),
                norm=LogNorm(_LOWEST, 1.0, clip=True),
            )
            # Beside the panels the constrained layout would cut the utility's name.
            ax.set_title(f"{_title(task)}: {label}", fontsize=9, color=INK)
            ax.set(xticks=[], yticks=[])
    colour_bar(figure, drawn, "density", ax=axes, fraction=0.03, pad=0.02)
    return figure


def frames(tasks: Sequence[Task]) -> Figure:
    """The best crowds at some times: a row a utility."""
    flows = {
        _title(task).replace(" ", "\n"): task.runs[task.best].path() for task in tasks
    }
    d = tasks[0].dynamics
    times = figures.evenly(d.horizon - 1, _FRAMES)
    return figures.crowds(flows, Geometry.of(d), times, "The best crowds found")


def _title(task: Task) -> str:
    return task.name.replace("_", " ")
