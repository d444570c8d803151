"""The figures of `fictitious_play_2020`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import pathlib

import fp2020_experiments as experiments
from fp2020_experiments import BAR, CLOSING, EXACT, LEARNT, LQ, NO_AVERSION, TREE
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, PowerNorm
from matplotlib.figure import Figure
import numpy as np

from algorithms.pictures import save
from algorithms.pictures.style import (
    COLOURS,
    INK,
    LINE_STYLES,
    colour_bar,
    crowd_colours,
    grid,
    new_figure,
)

# Field of a Refinement -> what it is the error of.
ERRORS = {
    "action_error": "equilibrium policy",
    "variance_error": "variance",
    "density_error": "distribution",
}
_SIZE = (12.0, 7.0)  # inches

Flows = Mapping[str, np.ndarray]  # label -> [T + 1, S]


def save_all(
    output: pathlib.Path,
    runs: experiments.Runs,
    refined: Sequence[experiments.Refinement],
) -> dict[str, str]:
    """Writes all figures.

    Args:
      output: the directory.
      runs: the games solved.
      refined: errors on finer and finer grids.

    Returns:
      File name of each picture -> what it shows.
    """
    pictures = {
        "linear_quadratic.png": (
            linear_quadratic(runs),
            "Linear-quadratic game: exploitability of fictitious play, and the crowd "
            "in closed form, with exact and with learnt best responses.",
        ),
        "beach_bar.png": (
            beach_bar(runs),
            "Beach bar: exploitability, and the crowd with exact and learnt best "
            "responses and without crowd aversion.",
        ),
        "linear_quadratic_common_noise.png": (
            common_noise(runs),
            "Linear-quadratic game with common noise: the crowd follows the noise.",
        ),
        "beach_bar_closing.png": (
            closing_bar(runs),
            "Beach bar that may close at half time: the crowd on both branches.",
        ),
        "refinement.png": (
            refinement(refined),
            "Linear-quadratic game: distance of the equilibrium from the closed form "
            "as time step and grid shrink together.",
        ),
    }
    for name, (figure, _) in pictures.items():
        save(figure, output / name)
    return {name: caption for name, (_, caption) in pictures.items()}


def linear_quadratic(runs: experiments.Runs) -> Figure:
    """F1: exploitability and flows of the linear-quadratic game."""
    exact, learnt = runs[LQ, EXACT], runs[LQ, LEARNT]
    d = exact.dynamics
    flows = {
        "closed form": experiments.closed_form_flow(d),
        EXACT: exact.path(),
        LEARNT: learnt.path(),
    }
    figure, axes = new_figure(2, 3, _SIZE, "Linear-quadratic game", "constrained")
    curves = {EXACT: exact.exploitability, LEARNT: learnt.exploitability}
    _curves(axes[0, 0], curves, reference="phi(0) / (k + 1)")
    for ax, t in zip(axes[0, 1:], (d.horizon // 5, d.horizon), strict=True):
        _densities(ax, flows, t, d.positions, f"crowd at time {t * d.dt:.3g}")
    scale = PowerNorm(0.5, 0, _highest(flows))
    _heat_maps(figure, axes[1], flows, scale, places=d.positions, dt=d.dt)
    return figure


def beach_bar(runs: experiments.Runs) -> Figure:
    """F2: exploitability and flows of the beach bar."""
    exact, learnt = runs[BAR, EXACT], runs[BAR, LEARNT]
    d = exact.dynamics
    places, last = np.arange(d.num_states), d.horizon - 1
    flows = {
        EXACT: exact.path(),
        LEARNT: learnt.path(),
        "without crowd aversion": runs[NO_AVERSION, EXACT].path(),
    }
    figure, axes = new_figure(2, 3, _SIZE, "Beach bar", "constrained")
    curves = {EXACT: exact.exploitability, LEARNT: learnt.exploitability}
    _curves(axes[0, 0], curves)
    for ax, t in zip(axes[0, 1:], (last // 3, last), strict=True):
        _densities(ax, flows, t, places, f"crowd at t = {t}", place="place")
        _mark_bar(ax, d.num_states)
    scale = Normalize(0, exact.path().max())
    _heat_maps(figure, axes[1], flows, scale, "t", "place", extend="max")
    return figure


def common_noise(runs: experiments.Runs) -> Figure:
    """F3: exploitability and flows of the linear-quadratic game with common noise."""
    solved = runs[TREE, EXACT]
    d = solved.dynamics
    last = d.num_histories(d.horizon) - 1
    # Only down, down and up in turn, only up: 0 and 1 are the digits of a history.
    turns = int(("01" * d.horizon)[: last.bit_length()], 2)
    histories = {"all down": 0, "down and up in turn": turns, "all up": last}
    flows = {name: solved.path(h) for name, h in histories.items()}
    title = "Linear-quadratic game with common noise"
    figure, axes = new_figure(2, 3, _SIZE, title, "constrained")
    curves = {EXACT: solved.exploitability}
    _curves(axes[0, 0], curves, reference="phi(0) / (k + 1)")
    _densities(axes[0, 1], flows, d.horizon, d.positions, "crowd at the end")
    times = np.arange(d.horizon + 1) * d.dt
    for number, (name, h) in enumerate(histories.items()):
        shifts = experiments.shifts(d, h)
        exact = experiments.closed_form_flow(d, shifts)[-1]
        colour = COLOURS[number]
        axes[0, 1].plot(d.positions, exact, ":", color=INK, linewidth=1)
        mean = flows[name] @ d.positions
        axes[0, 2].plot(times, mean, color=colour, label=name)
        axes[0, 2].plot(times, d.closed_form().initial_mean + shifts, "o", color=colour)
    axes[0, 1].set_title("crowd at the end (dotted: closed form)", fontsize=10)
    _label(axes[0, 2], "mean of the crowd (dots: the noise)", "time", "position")
    scale = PowerNorm(0.5, 0, _highest(flows))
    _heat_maps(figure, axes[1], flows, scale, places=d.positions, dt=d.dt)
    return figure


def closing_bar(runs: experiments.Runs) -> Figure:
    """F4: exploitability and flows of the beach bar that may close."""
    exact, learnt = runs[CLOSING, EXACT], runs[CLOSING, LEARNT]
    d = exact.dynamics
    places, last = np.arange(d.num_states), d.horizon - 1
    flows = {
        f"open, {EXACT}": exact.path(0),
        f"closed, {EXACT}": exact.path(1),
        f"closed, {LEARNT}": learnt.path(1),
    }
    figure, axes = new_figure(2, 3, _SIZE, "Beach bar that may close", "constrained")
    curves = {EXACT: exact.exploitability, LEARNT: learnt.exploitability}
    _curves(axes[0, 0], curves)
    _densities(axes[0, 1], flows, last, places, f"crowd at t = {last}", place="place")
    _mark_bar(axes[0, 1], d.num_states)
    for number, (name, flow) in enumerate(flows.items()):
        near = experiments.near_bar(flow)
        axes[0, 2].plot(near, label=name, **_line(number))
    title = f"crowd within {experiments.NEAR} places of the bar"
    _label(axes[0, 2], title, "t", "share of the crowd")
    _heat_maps(figure, axes[1], flows, Normalize(0, _highest(flows)), "t", "place")
    return figure


def refinement(refined: Sequence[experiments.Refinement]) -> Figure:
    """Errors against the time step."""
    title = "Linear-quadratic equilibrium on finer grids"
    figure, axes = new_figure(1, 3, (12.0, 3.8), title, "constrained")
    dts = np.array([one.dt for one in refined])
    units = ("action", "variance", "total variation")
    for number, (ax, (name, what)) in enumerate(
        zip(axes[0], ERRORS.items(), strict=True)
    ):
        errors = np.array([getattr(one, name) for one in refined])
        ax.plot(dts, errors, "o-", color=COLOURS[number], label="measured")
        ax.plot(dts, errors[0] * dts / dts[0], ":", color=INK, label="first order")
        ax.set(xscale="log", yscale="log")
        ax.set_xticks(dts, [f"{dt:.3g}" for dt in dts])
        ax.set_yticks(errors, [f"{error:.2g}" for error in errors])
        ax.minorticks_off()
        _label(
            ax,
            f"{what}: largest error",
            "dt (grid spacing in proportion)",
            units[number],
        )
    return figure


def _curves(ax: Axes, curves: Flows, reference: str | None = None) -> None:
    """Exploitability against the number of policies averaged, k + 1, both log."""
    for number, (name, values) in enumerate(curves.items()):
        j = np.arange(1, len(values) + 1)
        ax.plot(j, values, label=name, **_line(number))
        if reference and number == 0:
            ax.plot(j, values[0] / j, ":", color=INK, linewidth=3, label=reference)
    ax.set(xscale="log", yscale="log")
    ax.tick_params(which="minor", labelsize=7, labelcolor=INK)
    _label(ax, "exploitability", "k + 1 (iteration k)", "exploitability")


def _densities(
    ax: Axes,
    flows: Flows,
    t: int,
    places: np.ndarray,
    title: str,
    place: str = "position",
) -> None:
    for number, (name, flow) in enumerate(flows.items()):
        ax.plot(places, flow[t], label=name, **_line(number))
    highest = np.max([flow[t] for flow in flows.values()], axis=0)
    somebody = places[highest > highest.max() / 200]
    ax.set_xlim(somebody.min() - 1, somebody.max() + 1)
    ax.set_ylim(0, 1.3 * highest.max())  # room for the legend
    _label(ax, title, place, "share of the crowd")


def _heat_maps(
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
        ax.set_title(name, fontsize=10, color=INK)
        ax.set_xlabel(time, fontsize=9, color=INK)
        ax.set_ylabel(place, fontsize=9, color=INK)
    where = {"ax": axes, "pad": 0.015, "fraction": 0.03, "extend": extend}
    colour_bar(figure, image, "share of the crowd", **where)


def _highest(flows: Flows) -> float:
    return max(flow.max() for flow in flows.values())


def _mark_bar(ax: Axes, size: int) -> None:
    ax.axvline(size // 2, color=INK, linewidth=0.8, linestyle=":", zorder=1)


def _line(number: int) -> dict:
    return {
        "color": COLOURS[number],
        "linestyle": LINE_STYLES[number],
        "linewidth": 1.8,
    }


def _label(ax: Axes, title: str, x: str, y: str) -> None:
    ax.set_title(title, fontsize=10, color=INK)
    ax.set_xlabel(x, fontsize=9, color=INK)
    ax.set_ylabel(y, fontsize=9, color=INK)
    ax.legend(fontsize=8, frameon=False, labelcolor=INK)
    grid(ax)
