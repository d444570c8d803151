r"""Memory and memory maps of one process: many iterations, many solvers, many games.

    python examples/benchmark/memory.py --iterations=1000 --solvers=50 --games=5
    python examples/benchmark/memory.py \
        --output_dir=examples/benchmark/results/memory --force

Each row of the picture is a process of its own. What XLA compiles is never freed, so
that neither may grow with what is compiled once: iterations of a solver, and solvers of
one game whatever their rates. Games of other shapes need programs of their own; where
hardly any maps are left, these become plain graphs. The output directory then holds
memory.csv, memory.md and memory.png. It takes about a quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
import functools
import gc
import itertools
import multiprocessing
import pathlib
from typing import TYPE_CHECKING, NamedTuple

from absl import app, flags
import benchmarks
import tqdm

from algorithms import files, quiet

if TYPE_CHECKING:
    from algorithms.mirror_descent import MirrorDescent

FLAGS = flags.FLAGS

GAME = "mfg_left_right"
_POINTS = 50  # of each curve
_LIMIT = pathlib.Path("/proc/sys/vm/max_map_count")
_HEADS = ("what", "number", "maps", "MB")
_NOTES = f"""\
Mirror descent, on `{GAME}` but for the games, which are beach bars of other sizes and
horizons. Each solver is iterated once, and its policy and exploitability are read; in
the one game also by `exploitability(game, policy)`. Growth is per thousand, from the
second of {_POINTS} points to the last. MB is the resident set, libraries included.
"""


class Point(NamedTuple):
    """What a process has after so many iterations, solvers or games."""

    number: int
    maps: int
    megabytes: float


def iterations() -> Iterator[None]:
    """Iterations of one solver, without end."""
    from algorithms.mirror_descent import MirrorDescent

    solver = MirrorDescent(GAME)
    while True:
        solver.iteration()
        yield


def solvers() -> Iterator[None]:
    """Solvers of one game at rates of their own, without end."""
    from algorithms.exploitability import exploitability

    for number in itertools.count(1):
        solver = _solve(GAME, lr=0.001 * number)
        exploitability(GAME, solver.get_policy())
        yield


def games() -> Iterator[None]:
    """Games of different shapes, without end."""
    for horizon in itertools.count(2):
        for size in range(4, 24):
            _solve(f"mfg_beach_bar(size={size},horizon={horizon})", lr=0.1)
            yield


STAGES: dict[str, Callable[[], Iterator[None]]] = {
    "iterations": iterations,
    "solvers": solvers,
    "games": games,
}


def _solve(game: str, lr: float) -> MirrorDescent:
    """What is asked of a solver in an ordinary run."""
    from algorithms.mirror_descent import MirrorDescent

    solver = MirrorDescent(game, lr=lr)
    solver.iteration()
    solver.exploitability, solver.get_policy()
    return solver


def define_flags(values: flags.FlagValues = FLAGS) -> None:
    """Called when this is the program: tests import several scripts together."""
    numbers = {"iterations": 100_000, "solvers": 5000, "games": 1000}
    for name, number in numbers.items():
        flags.DEFINE_integer(name, number, f"How many {name}.", 2, flag_values=values)
    benchmarks.define_flags(values, "memory")


def main(argv: list[str], given: flags.FlagValues = FLAGS) -> None:
    """Measures in a directory of its own."""
    measured = functools.partial(measure, given)
    benchmarks.run("memory", argv, given, measured)


def measure(given: flags.FlagValues, output: pathlib.Path) -> None:
    """Measures all, writes the table and draws the picture."""
    context = multiprocessing.get_context("spawn")
    curves = {}
    for name in STAGES:
        with context.Pool(1) as pool:
            curves[name] = pool.apply(measured, (name, given[name].value))
    quiet.import_tensorflow()
    save_csv(curves, output / "memory.csv")
    draw(curves, output / "memory.png")
    text = markdown(curves)
    files.write_text(output / "memory.md", text)
    print(text)


def measured(name: str, count: int) -> list[Point]:
    """The curve of a stage. Runs in a process of its own."""
    quiet.import_tensorflow()
    marks = {max(1, count * point // _POINTS) for point in range(_POINTS + 1)}
    points = []
    steps = itertools.islice(STAGES[name](), count)
    for number, _ in enumerate(tqdm.tqdm(steps, name, count), 1):
        if number in marks:
            gc.collect()
            points.append(Point(number, maps(), resident()))
    return points


def maps() -> int:
    """Memory maps of this process."""
    return pathlib.Path("/proc/self/maps").read_bytes().count(b"\n")


def resident() -> float:
    """Megabytes of this process."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    size = next(line.split()[1] for line in lines if line.startswith("VmRSS"))
    return int(size) / 1024


def save_csv(curves: dict[str, list[Point]], path: pathlib.Path) -> None:
    """Writes one row a point, with the versions."""
    from table import environment

    constants = environment()
    rows = (
        [name, point.number, point.maps, f"{point.megabytes:.1f}", *constants.values()]
        for name, points in curves.items()
        for point in points
    )
    files.write_csv(path, [*_HEADS, *constants], rows)


def draw(curves: dict[str, list[Point]], path: pathlib.Path) -> None:
    """Maps and memory against the number, a row for each stage."""
    from algorithms.pictures import style

    limit = int(_LIMIT.read_text())
    title = "Memory of one process"
    size = (9.0, 2.4 * len(curves))
    figure, axes = style.new_figure(len(curves), 2, size, title, "constrained")
    for row, (name, points) in zip(axes, curves.items(), strict=True):
        numbers, *columns = zip(*points, strict=True)
        labels = ("memory maps", "resident memory, MB")
        for ax, label, column in zip(row, labels, columns, strict=True):
            ax.plot(numbers, column, color=style.COLOURS[0], marker=".")
            ax.set_xlabel(name, fontsize=9, color=style.INK)
            ax.set_ylabel(label, fontsize=9, color=style.INK)
            ax.set_ylim(0, 1.15 * max(column))
            style.grid(ax)
        if max(columns[0]) > limit / 2:
            row[0].axhline(limit, color=style.INK, linewidth=1, linestyle=":")
            row[0].annotate("the system's limit", (0, limit), fontsize=8, va="bottom")
            row[0].set_ylim(0, 1.15 * limit)
    style.save(figure, path)


def markdown(curves: dict[str, list[Point]]) -> str:
    """The table with command and versions, above the picture."""
    from table import environment

    from algorithms import markdown_tables

    command = benchmarks.command("memory")
    constants = ", ".join(f"{k} {v}" for k, v in environment().items())
    heads = ["what", "how many", "maps", "MB", "maps per 1,000", "MB per 1,000"]
    rows = []
    for name, points in curves.items():
        first, last = points[min(1, len(points) - 1)], points[-1]
        thousands = max(last.number - first.number, 1) / 1000
        growth = (last.maps - first.maps, last.megabytes - first.megabytes)
        rows.append(
            [name, f"{last.number:,}", f"{last.maps:,}", f"{last.megabytes:.0f}"]
            + [f"{figure / thousands:.3g}" for figure in growth]
        )
    parts = [f"`{command}`", f"{constants}.", _NOTES.rstrip()]
    parts += [markdown_tables.table(heads, rows), "![Memory and maps](memory.png)"]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    define_flags()
    app.run(main)
