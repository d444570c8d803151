"""Exploitability against iterations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
import numpy as np

from algorithms.pictures.style import COLOURS, INK, LINE_STYLES, grid, new_figure
from mfg_games import parameters

_MAX_INSIDE = 3  # with more curves the legend stands beside them

Curve = tuple[Sequence[float], Sequence[float]]


def exploitability_figure(
    curves: Mapping[str, Curve],
    title: str = "",
    log_iterations: bool = True,
    floor: float = 1e-12,
) -> Figure:
    """Draws exploitability, on a log scale, against iterations.

    The best iterate of each curve is marked, and named in the legend. What is below
    `floor`, such as the zeros and small negative values that rounding leaves at an
    equilibrium, is drawn at the floor, which then shows as a dotted line.

    Args:
      curves: label -> (iterations, exploitabilities).
      title: of the figure.
      log_iterations: draw iterations on a log scale too; linear between 0 and 1, so
        that iteration 0 has a place.
      floor: the lowest exploitability drawn.

    Raises:
      ValueError: no curve, a curve without points, with numbers that are not finite,
        with negative iterations, or with two columns of different lengths.
    """
    parameters.positive("floor", floor)
    if not curves:
        raise ValueError("`curves` must hold a curve. Received: none")
    outside = len(curves) > _MAX_INSIDE
    size = (9.2 if outside else 7.0, 4.2)
    figure, axes = new_figure(1, 1, size, title, "constrained")
    ax = axes[0, 0]
    clipped = False
    for number, (label, curve) in enumerate(curves.items()):
        iterations, values = _checked(label, curve)
        clipped |= bool((values < floor).any())
        _draw_curve(ax, number, label, iterations, values, floor)
    if clipped:
        ax.axhline(floor, color=INK, linewidth=1, linestyle=":", zorder=1)
        ax.annotate(
            f"{floor:g} or less",
            (1, floor),
            xycoords=("axes fraction", "data"),
            xytext=(-4, 4),
            textcoords="offset points",
            ha="right",
            fontsize=8,
            color=INK,
        )
    _label(ax, log_iterations)
    place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1)} if outside else {}
    ax.legend(fontsize=8, frameon=False, labelcolor=INK, **place)
    return figure


def _label(ax: Axes, log_iterations: bool) -> None:
    ax.set_yscale("log")
    if log_iterations:
        ax.set_xscale("symlog", linthresh=1, linscale=0.3)
        ax.xaxis.set_major_formatter("{x:g}")
        ax.set_xlim(0, 1.1 * max(1.0, ax.dataLim.x1))
    ax.set_xlabel("iteration", color=INK)
    ax.set_ylabel("exploitability", color=INK)
    grid(ax)


def _draw_curve(
    ax: Axes,
    number: int,
    label: str,
    iterations: np.ndarray,
    values: np.ndarray,
    floor: float,
) -> None:
    colour = COLOURS[number % len(COLOURS)]
    best = int(np.argmin(values))
    ax.plot(
        iterations,
        np.maximum(values, floor),
        color=colour,
        linestyle=LINE_STYLES[number % len(LINE_STYLES)],
        linewidth=1.6,
        marker="o",
        markevery=[best],
        markersize=6,
        markerfacecolor="white",
        markeredgewidth=1.6,
        clip_on=False,
        label=f"{label} (best {values[best]:.3g} at {iterations[best]:g})",
    )


def _checked(label: str, curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    iterations, values = (np.asarray(column, np.float64) for column in curve)
    if iterations.ndim != 1 or iterations.shape != values.shape or not iterations.size:
        raise ValueError(
            f"The curve {label!r} must have as many exploitabilities as iterations, "
            f"and one at least. Received shapes: {iterations.shape}, {values.shape}"
        )
    if not (np.isfinite(iterations).all() and np.isfinite(values).all()):
        raise ValueError(f"The curve {label!r} must hold finite numbers only.")
    if iterations.min() < 0:
        raise ValueError(
            f"The curve {label!r} must have iterations of 0 or more. "
            f"Received: {iterations.min():g}"
        )
    return iterations, values
