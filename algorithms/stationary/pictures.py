"""Pictures of stationary laws."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
import numpy as np

from algorithms.pictures import Geometry
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

_LABEL = "share of the population"
_MAX_MARKERS = 50


def law_figure(dynamics: Dynamics, law: np.ndarray, title: str = "") -> Figure:
    """Draws where the players of a stationary game are.

    One factor gives a curve for each population, two factors a plane for each; of more
    factors the first two are shown, summed over the others.

    Args:
      dynamics: the game.
      law: [N, S].
      title: of the figure.

    Raises:
      ValueError: the law is not of this game.
    """
    geometry = Geometry.of(dynamics)
    (law,) = geometry.checked([np.asarray(law)[None]])[0]
    images = geometry.image(law)
    if images.ndim == 2:
        figure, axes = new_figure(1, 1, (7.0, 3.6), title, "constrained")
        _draw_curves(axes[0, 0], images, geometry)
        return figure
    size = (4.2 * len(images) + 1.0, 3.8)
    figure, axes = new_figure(1, len(images), size, title, "constrained")
    for n, (ax, image) in enumerate(zip(axes.flat, images, strict=True)):
        drawn = ax.imshow(image, cmap=crowd_colours(), vmin=0, vmax=np.nanmax(images))
        ax.set_xticks([])
        ax.set_yticks([])
        if len(images) > 1:
            ax.set_title(f"population {n}", fontsize=9, color=INK)
    colour_bar(figure, drawn, _LABEL, ax=figure.axes, pad=0.015)
    return figure


def _draw_curves(ax: Axes, laws: np.ndarray, geometry: Geometry) -> None:
    for n, row in enumerate(laws):
        ax.plot(
            row,
            color=COLOURS[n % len(COLOURS)],
            linestyle=LINE_STYLES[n % len(LINE_STYLES)],
            marker="o" if len(row) <= _MAX_MARKERS else None,
            label=f"population {n}",
        )
    (name,) = geometry.factor_names
    ax.set_xlabel(name, color=INK)
    ax.set_ylabel(_LABEL, color=INK)
    ax.set_ylim(bottom=0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if geometry.state_names:
        ax.set_xticks(range(len(geometry.state_names)), geometry.state_names)
    if len(laws) > 1:
        ax.legend(fontsize=8, frameon=False, labelcolor=INK)
    grid(ax)
