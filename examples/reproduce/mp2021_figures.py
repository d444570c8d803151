"""The figures of `master_policies_2021`."""

from __future__ import annotations

from collections.abc import Mapping

import figures
from figures import label_axes, label_image
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from mp2021_experiments import BASELINES, EXACT, LABELS, MASTERS, MFP, MOMD, Scale
from mp2021_runs import Evaluated, own
import numpy as np

from algorithms import catalogue
from algorithms.pictures import Geometry
from algorithms.pictures.style import INK, colour_bar, crowd_colours, new_figure

_SHOWN = 3  # unseen laws whose flows are drawn
_SMALLEST = 1e-3  # of exploitability, in colours

Games = Mapping[str, Evaluated]


def all_figures(scale: Scale, games: Games) -> dict[str, tuple[Figure, str]]:
    """File name of each figure -> the figure and what it shows."""
    found = {
        "matrix.png": (
            matrices(scale, games),
            "log10 exploitability, mean over seeds: a row an initial law (unseen ones "
            "below the line), a column a policy, specialised ones by the number of the "
            "law that they have learnt.",
        ),
        "exploitability.png": (
            curves(games),
            "Mean exploitability from the unseen laws against iterations: mean over "
            "seeds, between the lowest and the highest of them.",
        ),
    }
    for each in scale.environments:
        name = each.name.replace(", ", "_").replace(" ", "_")
        found[f"flows_{name}.png"] = (
            flows(scale, each.of("own"), games[each.name]),
            f"{each.name.capitalize()}: from unseen initial laws, the population under "
            "the exact solution and under master policies.",
        )
    return found


def matrices(scale: Scale, games: Games) -> Figure:
    """Exploitability by law and policy, a panel a game."""
    laws, first = scale.laws, scale.num_training
    numbers = range(first, len(laws))
    columns = [*LABELS, *(own(laws[number]) for number in numbers), EXACT]
    names = [*LABELS, *(f"specialised {number}" for number in numbers), EXACT]
    height = 0.17 * len(laws) + 2.2
    figure, axes = new_figure(
        1, len(games), (3.6 * len(games) + 1, height), "", "constrained"
    )
    means = {
        game: np.stack([found.by_law[name].mean(axis=0) for name in columns], axis=1)
        for game, found in games.items()
    }
    logs = {game: np.log10(np.maximum(mean, _SMALLEST)) for game, mean in means.items()}
    low = min(log.min() for log in logs.values())
    high = max(log.max() for log in logs.values())
    for ax, (game, log) in zip(axes.flat, logs.items(), strict=True):
        image = ax.imshow(log, cmap=crowd_colours(), vmin=low, vmax=high, aspect="auto")
        ax.axhline(first - 0.5, color=INK, linewidth=1.5)
        ax.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
        ax.set_yticks(range(len(laws)), laws, fontsize=6)
        label_image(ax, game, "", "")
    colour_bar(figure, image, "log10 exploitability", ax=axes, pad=0.015, fraction=0.03)
    return figure


def curves(games: Games) -> Figure:
    """Exploitability from unseen laws against iterations, a panel a game."""
    rows = -(-len(games) // 2)
    figure, axes = new_figure(rows, 2, (11.0, 3.3 * rows + 0.4), "", "constrained")
    for ax, (game, found) in zip(axes.flat, games.items(), strict=False):
        for number, label in enumerate((*MASTERS, *BASELINES)):
            values = found.unseen[label]
            k = np.arange(1, values.shape[1] + 1)
            style = figures.line(number)
            ax.plot(k, values.mean(axis=0), label=label, **style)
            ax.fill_between(
                k,
                values.min(axis=0),
                values.max(axis=0),
                color=style["color"],
                alpha=0.15,
                linewidth=0,
            )
        ax.set_yscale("log")
        label_axes(ax, game, "iteration", "exploitability")
    for ax in axes.flat[len(games) :]:
        ax.remove()
    return figure


def flows(scale: Scale, game: str, found: Evaluated) -> Figure:
    """Populations from some unseen laws: heat maps on a line, frames in a plane."""
    geometry = Geometry.of(catalogue.load_game(game).dynamics)
    laws = list(enumerate(scale.laws))[scale.num_training :][:_SHOWN]
    shown = {
        f"{label}, {law}": found.flows[label][number]
        for number, law in laws
        for label in (EXACT, MOMD, MFP)
    }
    if min(geometry.state_shape) > 1:
        return figures.crowds(shown, geometry, None, "")
    size = (10.0, 2.4 * len(laws) + 0.5)
    figure, axes = new_figure(len(laws), 3, size, "", "constrained")
    norm = PowerNorm(0.5, 0, figures.highest(shown))
    figures.heat_maps(figure, axes.ravel(), shown, norm, "t", "place")
    return figure
