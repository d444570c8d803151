"""Parts that the figures of several reproductions share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import dataclasses

from experiments import Solved
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
import numpy as np

from algorithms.pictures.frames import frames_figure
from algorithms.pictures.geometry import Branch, Geometry
from algorithms.pictures.style import (
    COLOURS,
    INK,
    LINE_STYLES,
    colour_bar,
    crowd_colours,
    grid,
    new_figure,
)

Flows = Mapping[str, np.ndarray]  # label -> [T + 1, S]


def line(number: int) -> dict:
    """Colour and style of the curve of this number, for matplotlib."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "linestyle": LINE_STYLES[number % len(LINE_STYLES)],
        "linewidth": 1.8,
    }


def label_axes(ax: Axes, title: str, x: str, y: str, legend: bool = True) -> None:
    """Title, names of the axes and legend of a panel with curves, and a grid."""
    label_image(ax, title, x, y)
    if legend:
        ax.legend(fontsize=8, frameon=False, labelcolor=INK)
    grid(ax)


def label_image(ax: Axes, title: str, x: str, y: str) -> None:
    """Title and names of the axes of a panel."""
    ax.set_title(title, fontsize=10, color=INK)
    ax.set_xlabel(x, fontsize=9, color=INK)
    ax.set_ylabel(y, fontsize=9, color=INK)


def decay(
    ax: Axes, curves: Mapping[str, np.ndarray], reference: str | None = None
) -> None:
    """Exploitability against the number of policies averaged, k + 1, both log.

    Args:
      ax: where to draw.
      curves: label -> [iterations + 1].
      reference: name of the line phi(0) / (k + 1), drawn from the first curve's start;
        None for no line.
    """
    for number, (name, values) in enumerate(curves.items()):
        j = np.arange(1, len(values) + 1)
        ax.plot(j, values, label=name, **line(number))
        if reference and number == 0:
            ax.plot(j, values[0] / j, ":", color=INK, linewidth=3, label=reference)
    ax.set(xscale="log", yscale="log")
    label_axes(ax, "exploitability", "k + 1 (iteration k)", "exploitability")


def iterations_panels(
    games: Mapping[str, Mapping[str, Solved]],
    title: str,
    columns: int = 2,
    styles: Mapping[str, dict] | None = None,
) -> Figure:
    """Exploitability, log, against iterations: a panel a game, a curve an algorithm.

    Args:
      games: title of the panel -> label of the curve -> run. Equal labels have equal
        colours in all panels, and one legend stands below.
      title: of the figure.
      columns: of panels, at most.
      styles: label -> colour and style for matplotlib, in the legend's order; None for
        those of `line`.
    """
    if styles is None:
        labels = dict.fromkeys(label for runs in games.values() for label in runs)
        styles = {label: line(number) for number, label in enumerate(labels)}
    columns = min(columns, len(games))
    rows = -(-len(games) // columns)
    size = (5.6 * columns, 3.5 * rows + 0.9)
    figure, axes = new_figure(rows, columns, size, title, "constrained")
    for ax, (name, runs) in zip(axes.flat, games.items(), strict=False):
        for label, solved in runs.items():
            ax.plot(solved.exploitability, **styles[label])
        ax.set_yscale("log")
        label_axes(ax, name, "iteration", "exploitability", legend=False)
    for ax in axes.flat[len(games) :]:
        ax.remove()
    figure.legend(
        [Line2D([], [], **style) for style in styles.values()],
        list(styles),
        loc="outside lower center",
        ncols=min(len(styles), 2 * columns),
        fontsize=9,
        frameon=False,
        labelcolor=INK,
    )
    return figure


def densities(
    ax: Axes,
    flows: Flows,
    t: int,
    places: np.ndarray,
    title: str,
    place: str = "position",
) -> None:
    """The crowds on a line at one time, as curves, where there is somebody."""
    for number, (name, flow) in enumerate(flows.items()):
        ax.plot(places, flow[t], label=name, **line(number))
    highest = np.max([flow[t] for flow in flows.values()], axis=0)
    somebody = places[highest > highest.max() / 200]
    ax.set_xlim(somebody.min() - 1, somebody.max() + 1)
    ax.set_ylim(0, 1.3 * highest.max())  # room for the legend
    label_axes(ax, title, place, "share of the crowd")


def heat_maps(
    figure: Figure,
    axes: np.ndarray,
    flows: Flows,
    scale: Normalize,
    time: str = "time",
    place: str = "position",
    places: np.ndarray | None = None,
    dt: float = 1.0,
    extend: str = "neither",
) -> None:
    """One heat map of time and place for each flow, on one colour scale."""
    for ax, (name, flow) in zip(axes, flows.items(), strict=True):
        image = ax.pcolormesh(
            np.arange(len(flow)) * dt,
            np.arange(flow.shape[1]) if places is None else places,
            flow.T,
            cmap=crowd_colours(),
            norm=scale,
            shading="nearest",
            rasterized=True,
        )
        label_image(ax, name, time, place)
    where = {"ax": axes, "pad": 0.015, "fraction": 0.03, "extend": extend}
    colour_bar(figure, image, "share of the crowd", **where)


def highest(flows: Flows) -> float:
    """The largest share of a crowd in one place at any time."""
    return max(flow.max() for flow in flows.values())


def crowds(
    flows: Flows, geometry: Geometry, times: Sequence[int] | None, title: str
) -> Figure:
    """Crowds on a plane: a row a flow, a column a time, one logarithmic colour scale.

    Args:
      flows: heading of the row -> [T + 1, S].
      geometry: where the states are, whatever its populations and noise.
      times: of the columns; None for up to eight at which the crowds move most.
      title: of the figure.
    """
    rows = [Branch(name, flow[:, None], ()) for name, flow in flows.items()]
    geometry = dataclasses.replace(geometry, num_populations=1, common_noise=None)
    return frames_figure(rows, geometry, title, times)


def plane(rows: int, columns: int) -> Geometry:
    """A rectangle, its cells numbered row by row."""
    cells = np.indices((rows, columns)).reshape(2, -1).T
    return Geometry((rows, columns), cells, ("row", "column"))


def evenly(last: int, count: int) -> list[int]:
    """Up to `count` times from 0 to `last`, both included."""
    return np.unique(np.linspace(0, last, count).round().astype(int)).tolist()
