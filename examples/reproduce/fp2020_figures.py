"""The figures of `fictitious_play_2020`."""

from __future__ import annotations

from collections.abc import Sequence

from figures import decay, densities, heat_maps, highest, label_axes, line
import fp2020_experiments as experiments
from fp2020_experiments import BAR, CLOSING, EXACT, LEARNT, LQ, NO_AVERSION, TREE
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, PowerNorm
from matplotlib.figure import Figure
import numpy as np

from algorithms.pictures.style import COLOURS, INK, new_figure

# Field of a Refinement -> what it is the error of.
ERRORS = {
    "action_error": "equilibrium policy",
    "variance_error": "variance",
    "density_error": "distribution",
}
_SIZE = (12.0, 7.0)  # inches


def all_figures(
    runs: experiments.Runs, refined: Sequence[experiments.Refinement]
) -> dict[str, tuple[Figure, str]]:
    """Draws all figures.

    Args:
      runs: the games solved.
      refined: errors on finer and finer grids.

    Returns:
      File name of each figure -> the figure and what it shows.
    """
    return {
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
    decay(axes[0, 0], curves, reference="phi(0) / (k + 1)")
    for ax, t in zip(axes[0, 1:], (d.horizon // 5, d.horizon), strict=True):
        densities(ax, flows, t, d.positions, f"crowd at time {t * d.dt:.3g}")
    scale = PowerNorm(0.5, 0, highest(flows))
    heat_maps(figure, axes[1], flows, scale, places=d.positions, dt=d.dt)
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
    decay(axes[0, 0], curves)
    for ax, t in zip(axes[0, 1:], (last // 3, last), strict=True):
        densities(ax, flows, t, places, f"crowd at t = {t}", place="place")
        _mark_bar(ax, d.num_states)
    scale = Normalize(0, exact.path().max())
    heat_maps(figure, axes[1], flows, scale, "t", "place", extend="max")
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
    decay(axes[0, 0], curves, reference="phi(0) / (k + 1)")
    densities(axes[0, 1], flows, d.horizon, d.positions, "crowd at the end")
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
    label_axes(axes[0, 2], "mean of the crowd (dots: the noise)", "time", "position")
    scale = PowerNorm(0.5, 0, highest(flows))
    heat_maps(figure, axes[1], flows, scale, places=d.positions, dt=d.dt)
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
    decay(axes[0, 0], curves)
    densities(axes[0, 1], flows, last, places, f"crowd at t = {last}", place="place")
    _mark_bar(axes[0, 1], d.num_states)
    for number, (name, flow) in enumerate(flows.items()):
        near = experiments.near_bar(flow)
        axes[0, 2].plot(near, label=name, **line(number))
    title = f"crowd within {experiments.NEAR} places of the bar"
    label_axes(axes[0, 2], title, "t", "share of the crowd")
    heat_maps(figure, axes[1], flows, Normalize(0, highest(flows)), "t", "place")
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
        label_axes(
            ax,
            f"{what}: largest error",
            "dt (grid spacing in proportion)",
            units[number],
        )
    return figure


def _mark_bar(ax: Axes, size: int) -> None:
    ax.axvline(size // 2, color=INK, linewidth=0.8, linestyle=":", zorder=1)
