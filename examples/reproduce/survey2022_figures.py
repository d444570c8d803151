"""The figures of `survey_2022`."""

from __future__ import annotations

from collections.abc import Mapping

from experiments import Runs, of_game, total_variation
import figures
from figures import label_axes, line
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
import numpy as np
from survey2022_experiments import (
    BAR,
    CHAIN,
    FIXED,
    FP,
    KINDS,
    OMD,
    OMD_RATES,
    ROOMS,
    SCISSORS,
    SIDES,
    SOFT_FIXED,
    SOFT_FP,
    STATIC_EQUILIBRIA,
    Scale,
    algorithms,
    noise_name,
)

from algorithms.pictures import Geometry, exploitability_figure
from algorithms.pictures.style import COLOURS, INK, new_figure

_EVERY = 5  # steps between the columns of crowds
_SHOWN = 40  # iterations of the choice between two options
# Corners of the simplex: rock, paper, scissors.
_CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.75**0.5]])

Choices = Mapping[str, Mapping[str, np.ndarray]]  # game, algorithm -> [k, options]


def all_figures(
    scale: Scale, runs: Runs, choices: Choices, stationary: np.ndarray
) -> dict[str, tuple[Figure, str]]:
    """Draws all figures.

    Args:
      scale: what was computed.
      runs: the games solved.
      choices: in the static games, after each iteration.
      stationary: [S], equilibrium of the chain without end.

    Returns:
      File name of each figure -> the figure and what it shows.
    """
    found = {
        "exploitability.png": (
            four_rooms(runs),
            "Four rooms, the survey's figure 1: exploitability of its seven "
            "algorithms.",
        ),
        "crowds.png": (
            crowds(runs),
            "Four rooms, the survey's figure 2: where the crowd is at every fifth "
            "step under the last policy of each algorithm.",
        ),
        "examples.png": (
            examples(runs),
            "Two static games, a stationary and an evolutive one: exploitability of "
            "the same algorithms.",
        ),
        "static.png": (
            static(choices),
            "Static games: what the crowd chooses, iteration by iteration.",
        ),
        "kinds.png": (
            kinds(runs, stationary),
            "Stationary and evolutive: the flow of a discounted game settles where "
            "the game without end has its equilibrium; other flows keep moving.",
        ),
    }
    if scale.noises:
        found["noise.png"] = (
            noises(scale, runs),
            "Four rooms at other noise levels: exploitability.",
        )
    return found


def four_rooms(runs: Runs) -> Figure:
    """Figure 1."""
    curves = {}
    for label in algorithms(OMD_RATES[ROOMS]):
        values = runs[ROOMS, label].exploitability
        curves[label] = (np.arange(len(values)), values)
    return exploitability_figure(curves, "Four rooms", log_iterations=False)


def crowds(runs: Runs) -> Figure:
    """Figure 2."""
    flows = {
        label.replace(" ", "\n"): runs[ROOMS, label].path() for label in algorithms(0.0)
    }
    d = runs[ROOMS, FP].dynamics
    times = range(0, d.horizon, _EVERY)
    return figures.crowds(flows, Geometry.of(d), times, "Four rooms")


def examples(runs: Runs) -> Figure:
    """Exploitability on the games other than four rooms."""
    games = {
        f"{name} ({KINDS[name]}; OMD at rate {OMD_RATES[name]:g})": of_game(runs, name)
        for name in (SCISSORS, SIDES, CHAIN, BAR)
    }
    return figures.iterations_panels(games, "Static, stationary and evolutive games")


def static(choices: Choices) -> Figure:
    """The paths of the crowd's choice."""
    figure, axes = new_figure(1, 2, (11.0, 4.6), "Static games", "constrained")
    _simplex(axes[0, 0], choices[SCISSORS])
    sides = axes[0, 1]
    for number, (label, path) in enumerate(choices[SIDES].items()):
        style = line(number)
        if label in (FIXED, SOFT_FIXED):  # one upon the other, from end to end
            style |= {"linewidth": 0.8, "zorder": 1}
        sides.plot(path[: _SHOWN + 1, 0], label=label, **style)
    sides.axhline(STATIC_EQUILIBRIA[SIDES][0], color=INK, linewidth=0.8, zorder=1)
    sides.set_ylim(-0.03, 1.4)  # room for the legend
    title = f"{SIDES} (thin line: equilibrium)"
    label_axes(sides, title, "iteration", "share of the left")
    sides.legend(fontsize=8, frameon=False, labelcolor=INK, ncols=2)
    return figure


def _simplex(ax: Axes, paths: Mapping[str, np.ndarray]) -> None:
    ax.plot(*_CORNERS[[0, 1, 2, 0]].T, color=INK, linewidth=0.8)
    for number, label in enumerate((FP, OMD, SOFT_FP)):
        style = {**line(number), "linewidth": 1.0}
        ax.plot(*(paths[label] @ _CORNERS).T, label=label, **style)
    ax.plot(*(STATIC_EQUILIBRIA[SCISSORS] @ _CORNERS), "*", color=INK, markersize=12)
    names = (("rock", "right"), ("paper", "left"), ("scissors", "center"))
    for corner, (name, side) in zip(_CORNERS, names, strict=True):
        height = "bottom" if corner[1] else "top"
        ax.text(*corner, name, ha=side, va=height, fontsize=9, color=INK)
    label_axes(ax, f"{SCISSORS} (star: equilibrium)", "", "")
    ax.set_axis_off()
    ax.set_aspect("equal")


def kinds(runs: Runs, stationary: np.ndarray) -> Figure:
    """A flow that settles beside one that does not."""
    title = "Stationary and evolutive flows"
    figure, axes = new_figure(2, 2, (11.0, 6.8), title, "constrained")
    best = {CHAIN: FP, BAR: FP, ROOMS: OMD}
    flows = {
        f"{name} ({KINDS[name]}), {label}": runs[name, label].path()
        for name, label in best.items()
    }
    for ax, (name, flow) in zip(axes[0], flows.items(), strict=False):
        scale = PowerNorm(0.5, 0, flow[1:].max())
        figures.heat_maps(figure, [ax], {name: flow}, scale, "t", "place")
    chain = runs[CHAIN, FP].path()
    density = axes[1, 0]
    density.plot(chain[len(chain) // 2], label="half of the horizon", **line(0))
    density.plot(stationary, "o", color=COLOURS[1], label="equilibrium without end")
    label_axes(density, CHAIN, "place", "share of the crowd")
    for number, (name, flow) in enumerate(flows.items()):
        axes[1, 1].plot(movement(flow), label=name, **line(number))
    axes[1, 1].set_yscale("log")
    title = "how far the flow moves in a step"
    label_axes(axes[1, 1], title, "t", "total variation")
    for ax in (*axes[0], density):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.yaxis.set_major_locator(MaxNLocator(integer=ax is not density))
    return figure


def noises(scale: Scale, runs: Runs) -> Figure:
    """Exploitability at other noise levels."""
    games = {noise_name(n): of_game(runs, noise_name(n)) for n in scale.noises}
    return figures.iterations_panels(games, "Four rooms", columns=3)


def movement(flow: np.ndarray) -> np.ndarray:
    """Total variation between one time and the next; [T + 1, S] gives [T]."""
    return total_variation(flow[1:], flow[:-1])
