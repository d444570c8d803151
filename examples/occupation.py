"""Compares solvers over occupation measures, and a swarm, with iterative play.

    python examples/occupation.py                        # five minutes
    python examples/occupation.py --seconds=2            # one
    python examples/occupation.py --games="mfg_sis(horizon=10);mfg_left_right"

occupation.csv then holds the exploitability of each solver on each game, after up to a
hundred iterations and then after each twentieth one, and against the seconds since the
first, which leave out compilation; occupation.png shows all, and README.md where they
have come to. Solvers that a game is not for are named and left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import pathlib
import sys
from typing import TYPE_CHECKING

from absl import app, flags
import outputs
import pages
import tqdm

from algorithms import catalogue, directory, files, markdown_tables, quiet, record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from algorithms.history import Record

FLAGS = flags.FLAGS
GAMES = (
    "mfg_beach_bar(size=12,horizon=8)",
    "mfg_rock_paper_scissors",
    "mfg_sis(horizon=20)",
)
# Label -> name in `algorithms.catalogue.SOLVERS`, options.
CONTESTANTS = {
    "fictitious play": ("fictitious_play", {}),
    "mirror descent": ("mirror_descent", {"lr": 0.3}),
    "MF-OMO, L-BFGS": ("mf_omo", {}),
    "MF-OMO, Adam": ("mf_omo", {"optimizer": "adam"}),
    "extragradient": ("proximal_gradient", {}),
    "ADMM": ("admm", {}),
    "particle swarm": ("particle_swarm", {}),
}
COLUMNS = ("game", "solver", "iteration", "seconds", "exploitability")
_FLOOR = 1e-12  # what is drawn of zeros

# Game -> label -> what a run has recorded.
Histories = Mapping[str, Mapping[str, Sequence["Record"]]]


def define_flags(values: flags.FlagValues = FLAGS) -> None:
    """Called when this is the program: tests import several scripts together."""

    def define(kind, name, default, text, **bounds):
        kind(name, default, text, flag_values=values, **bounds)

    joined = ";".join(GAMES)
    define(flags.DEFINE_string, "games", joined, "OpenSpiel strings, joined by `;`.")
    define(flags.DEFINE_float, "seconds", 10.0, "Of each run.", lower_bound=0.0)
    define(flags.DEFINE_integer, "iterations", 2000, "At most.", lower_bound=1)
    outputs.define_flags(values, "runs/occupation")


def main(argv: list[str]) -> None:
    """Runs the comparison and writes its results."""
    if len(argv) > 1:
        sys.exit(f"Unexpected arguments: {argv[1:]}. Quote the games.")
    quiet.import_tensorflow()
    games = [game.strip() for game in FLAGS.games.split(";")]
    with outputs.claimed("occupation", FLAGS) as output:
        found = compare(games, FLAGS.iterations, FLAGS.seconds)
        write(found, output)
        pages.write(output, page(found))
        print(f"{output}: {', '.join(directory.contents(output))}")


def compare(games: Sequence[str], iterations: int, seconds: float) -> Histories:
    """Runs all solvers on all games, one after the other: they are timed."""
    runs = [(game, label) for game in games for label in CONTESTANTS]
    loaded = {game: catalogue.load_game(game) for game in games}
    found = {game: {} for game in games}
    for game, label in tqdm.tqdm(runs, unit="run", dynamic_ncols=True):
        try:
            history = solve(loaded[game], label, iterations, seconds)
        except (ValueError, FloatingPointError) as error:
            tqdm.tqdm.write(f"{label} left out: {error}")
        else:
            found[game][label] = history
    return found


def solve(game, label: str, iterations: int, seconds: float) -> Sequence[Record]:
    """What a solver records, started after it has been compiled."""
    from algorithms.run import Stopping, run

    algorithm, options = CONTESTANTS[label]
    make = catalogue.solver_class(algorithm)
    solver = make(game, **options)
    start = {name: array.numpy() for name, array in solver.state.items()}
    solver.iteration()
    solver.restore(start, 0)
    stopping = Stopping(absolute_tolerance=_FLOOR, seconds=seconds)
    return run(solver, iterations, stopping, progress=False).history


def write(found: Histories, output: pathlib.Path) -> None:
    """Writes the table, the picture and `run.json`."""
    from algorithms import pictures

    output.mkdir(parents=True, exist_ok=True)
    rows = (
        (game, label, r.iteration, f"{r.seconds:.6f}", r.exploitability)
        for game, histories in found.items()
        for label, history in histories.items()
        for r in history
        if is_told(r.iteration) or r is history[-1]
    )
    files.write_csv(output / "occupation.csv", COLUMNS, rows)
    pictures.save(figure(found), output / "occupation.png")
    made = {"command": sys.argv, "contestants": CONTESTANTS}
    files.write_json(output / "run.json", made | record.of_machine())


def is_told(iteration: int) -> bool:
    """Whether the table has it."""
    return iteration <= 100 or iteration % 20 == 0


def page(found: Histories) -> list[str]:
    """The parts of the page: where each solver has come to."""
    rows = [
        [label, *(_end(histories.get(label)) for histories in found.values())]
        for label in CONTESTANTS
    ]
    heads = ["solver", *(f"`{game}`" for game in found)]
    return [
        "# Solvers over occupation measures",
        "Iterative play, MF-OMO, projected and alternating directions on the polytope "
        "of flows, and a swarm as\nblack-box baseline, each for "
        f"{FLAGS.seconds:g} s or {FLAGS.iterations} iterations of its own, or to "
        f"{_FLOOR:g}.\nExploitability at the end, and iterations done:",
        markdown_tables.table(heads, rows),
        "A dash: transitions depend on the crowd, so that flows are no polytope.\n"
        "Iterations differ in cost: a swarm's takes a sweep for each particle, one of "
        "MF-OMO twenty steps of its\noptimiser.",
        "![Exploitability against iterations and seconds](occupation.png)",
        "More numbers are in [occupation.csv](occupation.csv), settings in "
        "[run.json](run.json).",
    ]


def _end(history: Sequence[Record] | None) -> str:
    if history is None:
        return "-"
    return f"{history[-1].exploitability:.2g} ({history[-1].iteration})"


def figure(found: Histories) -> Figure:
    """A column a game: exploitability against iterations, and against seconds."""
    from algorithms.pictures.style import INK, new_figure

    size = (4.4 * len(found), 7.6)
    drawing, axes = new_figure(2, len(found), size, "", "constrained")
    for column, (game, histories) in zip(axes.T, found.items(), strict=True):
        column[0].set_title(game, fontsize=9, color=INK)
        for ax, quantity in zip(column, ("iteration", "seconds"), strict=True):
            draw(ax, histories, quantity)
    handles = {h.get_label(): h for ax in axes[0] for h in ax.get_lines()}
    drawing.legend(
        handles=list(handles.values()),
        loc="outside lower center",
        ncols=4,
        fontsize=8,
        frameon=False,
        labelcolor=INK,
    )
    return drawing


def draw(ax: Axes, histories: Mapping[str, Sequence[Record]], quantity: str) -> None:
    """Curves of all solvers, in the same colours everywhere."""
    from algorithms.pictures.style import COLOURS, INK, LINE_STYLES, grid

    labels = list(CONTESTANTS)
    for label, history in histories.items():
        number = labels.index(label)
        ax.plot(
            [getattr(record, quantity) for record in history],
            [max(record.exploitability, _FLOOR) for record in history],
            color=COLOURS[number],
            linestyle=LINE_STYLES[number % len(LINE_STYLES)],
            linewidth=1.4,
            label=label,
        )
    ax.set_xscale("symlog", linthresh=1 if quantity == "iteration" else 1e-3)
    ax.set_yscale("log")
    ax.set_xlabel(quantity, fontsize=9, color=INK)
    ax.set_ylabel("exploitability", fontsize=9, color=INK)
    grid(ax)


if __name__ == "__main__":
    define_flags()
    app.run(main)
