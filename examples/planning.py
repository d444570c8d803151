"""Studies what tree search adds to learnt best responses.

    python examples/planning.py           # twenty minutes
    python examples/planning.py --fast    # two minutes, on smaller games

planning.csv then holds exact exploitabilities against the number of simulations of a
search, for planning with the true kernel and with a learnt one: of the response to the
uniform population, and of the average policy of fictitious play with such responses.
planning.png shows them and README.md explains them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import dataclasses
import pathlib
import sys
import time
from typing import TYPE_CHECKING

from absl import app, flags
import numpy as np
import outputs
import tqdm

from algorithms import files, quiet, record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from planning_study import Measurement, Scale

FLAGS = flags.FLAGS
_TITLES = {
    "response": "response to the uniform crowd",
    "fictitious play": "fictitious play with such responses",
}

# Kernel and gradient steps -> budgets, and exploitabilities [budgets, seeds].
Panel = Mapping[tuple[str, int], tuple[np.ndarray, np.ndarray]]


def define_flags() -> None:
    """Called when this is the program: tests import several scripts together."""
    flags.DEFINE_bool("fast", False, "Smaller games and budgets: 2 minutes.")
    results = pathlib.Path(__file__).parent / "results" / "planning"
    outputs.define_flags(FLAGS, str(results), module_name=sys.argv[0])


def main(argv: list[str]) -> None:
    """Runs the study and writes its results."""
    if len(argv) > 1:
        sys.exit(f"Unexpected arguments: {argv[1:]}")
    quiet.import_tensorflow()
    import planning_study

    scale = planning_study.FAST if FLAGS.fast else planning_study.FULL
    with outputs.claimed("planning", FLAGS) as output:
        study(scale, output, " ".join(["python", *sys.argv]))


def study(scale: Scale, output: pathlib.Path, command: str) -> None:
    """Measures, and writes the table, the picture, the page and `run.json`."""
    import planning_study

    from algorithms import pictures

    output.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    found = []
    with tqdm.tqdm(total=scale.runs, unit="run", dynamic_ncols=True) as bar:
        for part in planning_study.measure(scale):
            found += part
            files.write_table(
                output / "planning.csv", list(map(dataclasses.asdict, found))
            )
            bar.update()
    floors = {g: planning_study.exact_fictitious_play(g, scale) for g in scale.games}
    pictures.save(figure(panels(found), floors), output / "planning.png")
    made = {
        "command": command,
        "seconds": round(time.monotonic() - started),
        "settings": dataclasses.asdict(scale),
        "exact_fictitious_play": floors,
        **record.of_machine(),
    }
    files.write_json(output / "run.json", made)
    files.write_text(output / "README.md", page(panels(found), made))


def panels(found: Sequence[Measurement]) -> dict[tuple[str, str], Panel]:
    """The measurements by quantity and game."""
    groups = {}
    for m in found:
        panel = groups.setdefault((m.what, m.game), {})
        budgets = panel.setdefault((m.kernel, m.updates), {})
        budgets.setdefault(m.simulations, []).append(m.exploitability)
    return {
        names: {
            label: (np.array(list(budgets)), np.array(list(budgets.values())))
            for label, budgets in panel.items()
        }
        for names, panel in groups.items()
    }


def figure(
    found: Mapping[tuple[str, str], Panel], floors: Mapping[str, float]
) -> Figure:
    """A row a quantity, a column a game."""
    from algorithms.pictures.style import INK, new_figure

    games = list(floors)
    size = (5.4 * len(games), 7.4)
    drawing, axes = new_figure(len(_TITLES), len(games), size, "", "constrained")
    for row, (what, title) in zip(axes, _TITLES.items(), strict=True):
        for ax, game in zip(row, games, strict=True):
            draw(ax, found[what, game])
            if what == "fictitious play":
                ax.axhline(floors[game], color=INK, linestyle=":", label="exact")
            ax.set_title(f"{game}\n{title}", fontsize=10, color=INK)
            ax.legend(fontsize=8, frameon=False, labelcolor=INK)
    return drawing


def draw(ax: Axes, panel: Panel) -> None:
    """Means over the seeds as lines, the seeds as dots."""
    from algorithms.pictures.style import COLOURS, INK, LINE_STYLES, grid

    kernels, updates = (list(dict.fromkeys(part)) for part in zip(*panel, strict=True))
    for (kernel, steps), (budgets, values) in panel.items():
        colour = COLOURS[updates.index(steps)]
        style = LINE_STYLES[kernels.index(kernel)]
        label = f"{kernel} kernel, {steps} gradient steps"
        ax.plot(budgets, values.mean(1), color=colour, linestyle=style, label=label)
        ax.plot(budgets, values, "o", color=colour, markersize=3, alpha=0.6)
    ax.set_xscale("symlog", linthresh=1, base=4)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set_yscale("symlog", linthresh=1e-3)  # the best response misses nothing
    ax.set_xlabel("simulations of a search", fontsize=9, color=INK)
    ax.set_ylabel("exploitability", fontsize=9, color=INK)
    grid(ax)


def page(found: Mapping[tuple[str, str], Panel], made: Mapping) -> str:
    """The Markdown of the page."""
    settings = made["settings"]
    parts = [
        "# Planned best responses\n\n"
        "Deep Q-learning finds values of actions against a frozen crowd; then tree "
        "search (PUCT) from every\nnode mends them, with the true kernel or with one "
        "learnt from sampled moves. Without simulations a\nresponse is what the "
        "network says. Exploitabilities are exact, means over "
        f"{settings['seeds']} seeds.\n\n"
        "![Exploitability against the simulations of a search](planning.png)\n\n"
        "Above, what the response misses of the best one's value, after so many "
        "gradient steps of the network;\nbelow, the average policy after "
        f"{settings['iterations']} iterations of fictitious play, dotted with exact "
        "responses.\nDots are seeds.\n"
    ]
    for what, title in _TITLES.items():
        mine = {game: panel for (w, game), panel in found.items() if w == what}
        parts.append(f"## {title.capitalize()}\n\n{table(mine)}\n")
    facts = f"`{made['command']}`, {made['seconds']} s; settings in run.json."
    return "\n".join([*parts, f"Made by {facts}\n"])


def table(games: Mapping[str, Panel]) -> str:
    """Means over the seeds: one row a game and curve, one column a budget."""
    (budgets, _), *_ = next(iter(games.values())).values()
    rows = [
        f"| game | kernel | gradient steps | {' | '.join(map(str, budgets))} |",
        "| --- " * (3 + len(budgets)) + "|",
    ]
    for game, panel in games.items():
        for (kernel, updates), (_, values) in panel.items():
            cells = " | ".join(f"{value:.3g}" for value in values.mean(1))
            rows.append(f"| `{game}` | {kernel} | {updates} | {cells} |")
    return "\n".join(rows)


if __name__ == "__main__":
    define_flags()
    app.run(main)
