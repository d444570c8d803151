"""The crowd over time: lines, heat maps and frames.

Shapes: T + 1 layers, H_t histories of the common noise at time t, N populations, S
states.
"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
import numpy as np

from algorithms.pictures.frames import frames_figure
from algorithms.pictures.geometry import Branch, Geometry, branches
from algorithms.pictures.style import (
    COLOURS,
    INK,
    LINE_STYLES,
    colour_bar,
    crowd_colours,
    grid,
    new_figure,
)
from mfg_games.dynamics import Dynamics

_MAX_BRANCHES = 4
_MAX_LINES = 4
_MAX_TICKS = 32


def flow_figure(
    layers: Sequence[np.ndarray],
    geometry: Dynamics | Geometry,
    title: str = "",
    max_branches: int = _MAX_BRANCHES,
) -> Figure:
    """Draws where a crowd is over time.

    A factor with up to four values gives a line per state, one with more a heat map of
    time and place, two factors frames at a few times. Of more factors the first two are
    shown, summed over the others. With common noise each path of outcomes has panels of
    its own, which show the distribution given that path from the start to the end; of
    many paths the most probable ones.

    Args:
      layers: [H_t, N, S] for t = 0..T, or for the first of these times; the masses of
        a history sum, for each population, to the history's probability.
      geometry: the game, or where its states are.
      title: of the figure.
      max_branches: the largest number of noise paths drawn.

    Raises:
      ValueError: the layers do not fit the game, or `max_branches` is below 1.
    """
    if max_branches < 1:
        raise ValueError(f"`max_branches` must be at least 1. Received: {max_branches}")
    if isinstance(geometry, Dynamics):
        geometry = Geometry.of(geometry)
    paths, total = branches(
        geometry.checked(layers), geometry.common_noise, max_branches
    )
    title = "\n".join(filter(None, [title, _note(geometry, len(paths), total)]))
    if len(geometry.state_shape) > 1:
        return frames_figure(paths, geometry, title)
    if geometry.state_shape[0] <= _MAX_LINES:
        return _lines_figure(paths, geometry, title)
    return _heat_figure(paths, geometry, title)


def _note(geometry: Geometry, shown: int, total: int) -> str:
    notes = []
    if shown < total:
        what = "the common noise" if geometry.common_noise.num_roots == 1 else "laws"
        notes.append(f"{shown} of {total} paths of {what}")
    if len(geometry.state_shape) > 2:
        rest = ", ".join(geometry.factor_names[2:])
        notes.append(f"summed over {rest}")
    return "; ".join(notes)


def _panels(
    paths: list[Branch], geometry: Geometry, size: tuple[float, float], title: str
) -> tuple[Figure, np.ndarray, list[tuple[Axes, Branch, int]]]:
    """A figure with a panel for each path and population, labelled.

    Populations stand side by side with a row for each path; if there is one of either
    only, the panels are wrapped.
    """
    populations = range(geometry.num_populations)
    rows, columns = len(paths), len(populations)
    if min(rows, columns) == 1:
        count = rows * columns
        columns = 2 if count == 4 else min(count, 3)
        rows = -(-count // columns)
    size = (columns * size[0] + 1.0, rows * size[1] + 0.5)
    figure, axes = new_figure(rows, columns, size, title, "constrained")
    panels = []
    pairs = [(path, population) for path in paths for population in populations]
    for ax in axes.flat[len(pairs) :]:
        ax.remove()
    for number, (ax, (path, population)) in enumerate(
        zip(axes.flat, pairs, strict=False)
    ):
        words = [f"population {population}"] if len(populations) > 1 else []
        heading = "\n".join(filter(None, [*words, path.label]))
        ax.set_title(heading, fontsize=9, color=INK)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        lowest = number + columns >= len(pairs)
        ax.tick_params(labelbottom=lowest, labelleft=number % columns == 0)
        ax.set_xlabel("time" if lowest else "", color=INK)
        panels.append((ax, path, population))
        for t in path.drawn:
            ax.axvline(t - 0.5, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    return figure, axes, panels


def _lines_figure(paths: list[Branch], geometry: Geometry, title: str) -> Figure:
    (name,) = geometry.factor_names
    figure, axes, panels = _panels(paths, geometry, (5.0, 2.8), title)
    for ax, path, population in panels:
        for x, value in enumerate(geometry.coordinates[:, 0]):
            ax.plot(
                path.masses[:, population, x],
                color=COLOURS[x],
                linestyle=LINE_STYLES[x],
                linewidth=1.8,
                label=_state_name(geometry, value) or f"{name} = {value}",
            )
        ax.set_ylim(-0.02, 1.02)
        grid(ax)
    for ax in axes[:, 0]:
        ax.set_ylabel("share of the population", color=INK)
    axes[0, 0].legend(fontsize=8, frameon=False, labelcolor=INK)
    return figure


def _heat_figure(paths: list[Branch], geometry: Geometry, title: str) -> Figure:
    shares = np.stack([path.masses for path in paths])
    even = shares.min() > shares.max() / 10
    scale = PowerNorm(1.0 if even else 0.5, vmin=0.0, vmax=shares.max())
    places = geometry.state_shape[0]
    named = geometry.state_names and places <= _MAX_TICKS
    height = max(2.8, 0.2 * places) if named else 2.8
    figure, axes, panels = _panels(paths, geometry, (4.4, height), title)
    for ax, path, population in panels:
        image = ax.imshow(
            geometry.image(path.masses[:, population]).T,
            origin="lower",
            aspect="auto",
            interpolation="nearest",
            cmap=crowd_colours(),
            norm=scale,
        )
    for ax in axes[:, 0]:
        ax.set_ylabel(geometry.factor_names[0], color=INK)
        _name_places(ax, geometry)
    label = "share of the population" + ("" if even else "\n(square-root scale)")
    slim = 7 * figure.get_figheight()
    colour_bar(figure, image, label, ax=figure.axes, pad=0.015, aspect=slim)
    return figure


def _name_places(ax: Axes, geometry: Geometry) -> None:
    places = geometry.state_shape[0]
    if geometry.state_names and places <= _MAX_TICKS:
        ax.set_yticks(range(places), geometry.state_names)
        return
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    if geometry.state_names:
        ax.yaxis.set_major_formatter(
            FuncFormatter(lambda place, _: _state_name(geometry, int(place)))
        )


def _state_name(geometry: Geometry, value: int) -> str:
    names = geometry.state_names or ()
    return names[value] if 0 <= value < len(names) else ""
