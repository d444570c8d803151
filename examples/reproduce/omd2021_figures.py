"""The figures of `online_mirror_descent_2021`."""

from __future__ import annotations

from collections.abc import Sequence

from experiments import Runs, Solved, ancestors, of_game
import figures
from figures import label_axes, line
from matplotlib import colormaps
from matplotlib.figure import Figure
import numpy as np
from omd2021_experiments import (
    BUILDING,
    CHASING,
    FP,
    NODES_OF_PAPER,
    TARGET,
    Outcome,
    Scale,
    Speed,
    at_rate,
    damped,
)

from algorithms.pictures import Geometry
from algorithms.pictures.style import INK, PALE, new_figure

_FRAMES = 7
_ARROWS = "↖↗↙↘"  # the target's steps in their order


def all_figures(
    scale: Scale, runs: Runs, outcomes: Sequence[Outcome], speeds: Sequence[Speed]
) -> dict[str, tuple[Figure, str]]:
    """Draws all figures.

    Args:
      scale: what was computed.
      runs: the games solved.
      outcomes: of the environments.
      speeds: on games of all sizes.

    Returns:
      File name of each figure -> the figure and what it shows.
    """
    best = {o.environment: runs[o.environment, at_rate(o.rate)] for o in outcomes}
    found = {
        "exploitability.png": (
            exploitability(scale, runs),
            "Exploitability of fictitious play, damped fictitious play and mirror "
            "descent at several rates.",
        ),
        "rates.png": (
            windows(scale, runs),
            f"Exploitability of mirror descent after {scale.iterations} iterations "
            "against its rate: below the dotted line it beats fictitious play.",
        ),
    }
    for name, solved in best.items():
        drawn = crowd(name, solved)
        if drawn is not None:
            word = name.replace(",", "").replace(" x ", "x").replace(" ", "_")
            found[f"{word}.png"] = drawn
    found["speed.png"] = (
        speed(speeds),
        "Speed of mirror descent, exploitability included, on games of growing size.",
    )
    return found


def crowd(name: str, solved: Solved) -> tuple[Figure, str] | None:
    """The crowd of an environment and what the figure shows; None without places."""
    title = name.capitalize()
    if name.startswith(BUILDING):
        shown = "the crowd on each floor, the top one first"
        return floors(solved, title), f"{title}: {shown}."
    if name.startswith(TARGET):
        shown = "the crowd given three histories of the target (cross), whose steps"
        return target(solved, title), f"{title}: {shown} head the rows."
    if name.startswith(CHASING):
        return populations(solved, title), f"{title}: where all of them are."
    return None


def exploitability(scale: Scale, runs: Runs) -> Figure:
    """A panel for each environment."""
    games = {each.name: of_game(runs, each.name) for each in scale.environments}
    title = "Fictitious play and mirror descent"
    return figures.iterations_panels(games, title, 3, _styles(scale))


def _styles(scale: Scale) -> dict[str, dict]:
    """Fictitious play black and grey; mirror descent from light to dark by its rate."""
    rates = sorted({lr for each in scale.environments for lr in each.rates})
    shades = colormaps["plasma_r"](np.linspace(0.12, 0.9, len(rates)))
    styles = {FP: {"color": "black", "linestyle": "--", "linewidth": 1.8}}
    for weight, dots in zip(scale.weights, (":", "-."), strict=False):
        styles[damped(weight)] = {"color": "grey", "linestyle": dots, "linewidth": 1.8}
    for lr, shade in zip(rates, shades, strict=True):
        styles[at_rate(lr)] = {"color": shade, "linestyle": "-", "linewidth": 1.5}
    return styles


def windows(scale: Scale, runs: Runs) -> Figure:
    """Last exploitability against the rate, relative to fictitious play's."""
    figure, axes = new_figure(1, 1, (9.2, 4.6), "The window of rates", "constrained")
    ax = axes[0, 0]
    for number, each in enumerate(scale.environments):
        last = {
            name: r.exploitability[-1] for name, r in of_game(runs, each.name).items()
        }
        ratios = [last[at_rate(lr)] / last[FP] for lr in each.rates]
        ax.plot(each.rates, ratios, marker="o", label=each.name, **line(number))
    ax.axhline(1.0, color=INK, linewidth=1, linestyle=":")
    ax.set(xscale="log", yscale="log")
    label_axes(ax, "", "rate", "exploitability over fictitious play's", legend=False)
    ax.legend(
        fontsize=8,
        frameon=False,
        labelcolor=INK,
        loc="upper left",
        bbox_to_anchor=(1.01, 1),
    )
    return figure


def floors(solved: Solved, title: str) -> Figure:
    """The crowd in a building, the top floor first."""
    count, rows, columns = solved.dynamics.state_shape
    flow = solved.path().reshape(-1, count, rows * columns)
    names = ["ground floor", *(f"floor {floor}" for floor in range(1, count))]
    flows = {name: flow[:, floor] for floor, name in enumerate(names)}
    times = figures.evenly(len(flow) - 1, _FRAMES)
    upside_down = dict(reversed(flows.items()))
    return figures.crowds(upside_down, figures.plane(rows, columns), times, title)


def target(solved: Solved, title: str) -> Figure:
    """The crowd given some histories of the target."""
    d = solved.dynamics
    leaves = _histories(d.num_histories(d.horizon))
    flows = {
        "".join(_ARROWS[o] for o in d.common_noise.outcomes(d.horizon, leaf)): (
            solved.path(leaf)
        )
        for leaf in leaves
    }
    times = figures.evenly(d.horizon, _FRAMES)
    figure = figures.crowds(flows, Geometry.of(d), times, title)
    axes = iter(figure.axes)
    for leaf in leaves:
        path = ancestors(d, leaf)
        for t in times:
            row, column = d.noise_value(t, path[t])
            next(axes).plot(column, row, "+", color="black", markersize=8)
    return figure


def _histories(count: int) -> list[int]:
    """Always the first step, the first and the last one by turns, always the last."""
    turns = int("03" * 8, 4) % count
    return [0, turns, count - 1]


def populations(solved: Solved, title: str) -> Figure:
    """All populations of a game, at the times when they move most."""
    d = solved.dynamics
    flows = {
        f"population {i}": solved.path(population=i) for i in range(d.num_populations)
    }
    return figures.crowds(flows, Geometry.of(d), None, title)


def speed(speeds: Sequence[Speed]) -> Figure:
    """Seconds of an iteration and nodes a second against the number of nodes."""
    title = "Mirror descent by size"
    figure, axes = new_figure(1, 2, (11.0, 4.2), title, "constrained")
    times, rates = axes[0]
    for number, family in enumerate(dict.fromkeys(one.family for one in speeds)):
        mine = [one for one in speeds if one.family == family]
        nodes = [one.nodes for one in mine]
        style = {"marker": "o", "label": family, **line(number)}
        times.plot(nodes, [one.seconds for one in mine], **style)
        rates.plot(nodes, [one.nodes_per_second / 1e6 for one in mine], **style)
    times.set_yscale("log")
    words = (("time of an iteration", "seconds"), ("speed", "million nodes a second"))
    for ax, (title, unit) in zip(axes[0], words, strict=True):
        ax.axvline(NODES_OF_PAPER, color=PALE, linewidth=1.5)
        ax.set_xscale("log")
        label_axes(ax, title, "decision nodes (grey: the paper's $10^{11}$)", unit)
    rates.set_ylim(bottom=0)
    return figure
