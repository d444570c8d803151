"""Colours, empty figures, and writing them to disk."""

from __future__ import annotations

import pathlib
import textwrap

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
import numpy as np

from algorithms import files

# Okabe and Ito's palette, which all common kinds of colour vision tell apart; its
# yellow is left out because it is hard to see on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINE_STYLES = ("-", "--", "-.", ":")
INK = "#30343B"
WALL = "#4A4F57"
PALE = "#C9CDD2"
DPI = 120


def crowd_colours() -> Colormap:
    """White for nobody, then yellow, orange, red, and violet for the thickest crowd."""
    stops = [
        "#FFFFFF",
        "#FFF3C4",
        "#FFC95C",
        "#F98A3C",
        "#DE4B57",
        "#9C2472",
        "#3F0B5E",
    ]
    return LinearSegmentedColormap.from_list("crowd", stops).with_extremes(bad=WALL)


def fitted(title: str, width: float) -> str:
    """The title in lines that fit into so many inches."""
    lines = title.splitlines()
    return "\n".join(textwrap.fill(line, int(9 * width)) for line in lines)


def new_figure(
    rows: int, columns: int, size: tuple[float, float], title: str, layout: str
) -> tuple[Figure, np.ndarray]:
    """A figure of `size` inches and its axes, [rows, columns]."""
    figure = Figure(figsize=size, dpi=DPI, layout=layout)
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    if title:
        figure.suptitle(fitted(title, size[0]), fontsize=12, color=INK)
    for ax in axes.flat:
        for which, size in (("major", 8), ("minor", 7)):
            ax.tick_params(which=which, labelsize=size, color=INK, labelcolor=INK)
        for spine in ax.spines.values():
            spine.set_color(PALE)
    return figure, axes


def grid(ax: Axes) -> None:
    """Draws pale grid lines under the curves."""
    ax.grid(color=PALE, linewidth=0.5, alpha=0.7)
    ax.set_axisbelow(True)


def colour_bar(figure: Figure, image: AxesImage, label: str, **place) -> None:
    """Adds the colour scale that all axes share; `place` goes to matplotlib."""
    bar = figure.colorbar(image, **place)
    bar.set_label(label, fontsize=9, color=INK)
    bar.ax.tick_params(labelsize=8, color=INK, labelcolor=INK)
    bar.outline.set_edgecolor(PALE)


def save(figure: Figure, path: str | pathlib.Path) -> None:
    """Writes a PNG that appears whole or not at all.

    Raises:
      ValueError: the path does not end in `.png`.
    """
    path = pathlib.Path(path)
    if path.suffix != ".png":
        raise ValueError(f"`path` must end in .png. Received: {str(path)!r}")
    with files.replacing(path) as own:
        figure.savefig(own)
