r"""Times what looks for equilibria, optima and distances as games grow in states.

    python examples/benchmark/growth.py --largest=1000
    python examples/benchmark/growth.py --solvers=admm --solvers=mf_omo --seconds=120
    python examples/benchmark/growth.py \
        --output_dir=examples/benchmark/results/growth --force

Each contender has a process of its own, which goes from 10^2 to 10^5 states until it
runs out of time or memory; what it could not do stays in the table with the reason. The
output directory then holds growth.csv and growth.md. Run it while the machine does
nothing else: it takes about a quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
import functools
import math
import multiprocessing
import pathlib
from typing import TYPE_CHECKING

from absl import app, flags
import benchmarks
import growth_contenders
import tqdm

from algorithms import files, quiet

if TYPE_CHECKING:
    from timing import Timing

FLAGS = flags.FLAGS

SIZES = (10**2, 10**3, 10**4, 10**5)
NOT_TRIED = "not tried"
_MEASURED = 1.0  # seconds of iterations, at least
_NOTES = f"""\
Games have {growth_contenders.HORIZON} steps and three actions with three outcomes each,
on a chain; rows that end in "room" have squares of about so many cells, five actions
and five outcomes. Stationary solvers repeat one step for ever. An iteration includes
the exploitability of its policy. The swarm has {growth_contenders.PARTICLES} particles,
`simulate` plays {growth_contenders.PLAYERS:,} players once, `epsilon_nash` has
{growth_contenders.RUNS} runs of them, and the last two rows measure one policy and a
pair of policies. Set-up is loading, compilation, factorisation and the first iteration.
A row ends where set-up or one iteration takes longer than the limit of {{limit:g}} s,
or the memory does not suffice. Growth is the exponent of the states between the last
two sizes. Memory is the largest resident set of the process up to this size, with more
than half a gigabyte of libraries.
"""
_HEADS = ("solver", "states", "outcome", "setup s", "iterations", "median s", "peak MB")

# What became of each size: figures, or why there are none.
Row = Mapping[int, "Timing | str"]


def define_flags(values: flags.FlagValues = FLAGS) -> None:
    """Called when this is the program: tests import several scripts together."""
    names = list(growth_contenders.CONTENDERS)
    flags.DEFINE_multi_enum(
        "solvers", names, names, "Time these; repeat for several.", values
    )
    flags.DEFINE_integer(
        "largest",
        SIZES[-1],
        "States of the largest game.",
        SIZES[0],
        flag_values=values,
    )
    limit = "Limit of a set-up, and of an iteration."
    flags.DEFINE_float("seconds", 30.0, limit, lower_bound=0.0, flag_values=values)
    benchmarks.define_flags(values, "growth")


def main(argv: list[str], given: flags.FlagValues = FLAGS) -> None:
    """Measures in a directory of its own."""
    measured = functools.partial(measure, given)
    benchmarks.run("growth", argv, given, measured)


def measure(given: flags.FlagValues, output: pathlib.Path) -> None:
    """Times all, writes the table and prints it."""
    quiet.import_tensorflow()
    sizes = [size for size in SIZES if size <= given.largest]
    rows = {}
    with tqdm.tqdm(total=len(sizes) * len(given.solvers), unit="size") as progress:
        for name in given.solvers:
            progress.set_description(name)
            rows[name] = {}
            for size, found in timings(name, sizes, given.seconds):
                rows[name][size] = found
                progress.update()
            save_csv(rows, output / "growth.csv")
            text = markdown(rows, given.seconds)
            files.write_text(output / "growth.md", text)
    print(text)


def timings(
    name: str, sizes: Sequence[int], limit: float
) -> Iterator[tuple[int, Timing | str]]:
    """What a contender takes for each size, in a process that ends with the last.

    Raises:
      RuntimeError: it failed otherwise than for want of time or memory.
    """
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe(duplex=False)
    process = context.Process(
        target=growth_contenders.walk,
        args=(theirs, name, sizes, _MEASURED),
        daemon=True,
    )
    process.start()
    theirs.close()
    found = None
    try:
        for size in sizes:
            if isinstance(found, str):
                yield size, NOT_TRIED
                continue
            try:
                found = _next_timing(mine, limit, imported=size != sizes[0])
            except EOFError:
                found = _end_of(process, f"{name} at {size} states")
            yield size, found
    finally:
        process.kill()
        process.join()


def _next_timing(connection, limit: float, imported: bool) -> Timing | str:
    """The answer to one size, see `growth_contenders.walk`."""
    if not imported:
        connection.recv()
    for stage in ("set-up", "iteration"):
        if not connection.poll(limit):
            return f"{stage} over {limit:g} s"
        answer = connection.recv()
        if answer == growth_contenders.OUT_OF_MEMORY:
            break
    return answer


def _end_of(process: multiprocessing.Process, what: str) -> str:
    """Why a process has ended without an answer: the system kills if memory ends."""
    process.join()
    if process.exitcode >= 0:
        raise RuntimeError(f"{what} failed; its error stands above.")
    return growth_contenders.OUT_OF_MEMORY


def save_csv(rows: Mapping[str, Row], path: pathlib.Path) -> None:
    """Writes one row a contender and size, with the versions and the machine's load."""
    from table import environment

    constants = environment()
    lines = (
        [name, size, *_cells(found), *constants.values()]
        for name, row in rows.items()
        for size, found in row.items()
    )
    files.write_csv(path, [*_HEADS, "load", *constants], lines)


def _cells(found: Timing | str) -> list:
    if isinstance(found, str):
        return [found, "", "", "", "", ""]
    figures = (found.setup, found.iterations, found.median / 1e3, found.peak_memory)
    return ["timed", *(f"{x:.4g}" for x in figures), f"{found.load:.1f}"]


def markdown(rows: Mapping[str, Row], limit: float) -> str:
    """Tables of the medians, of set-up and of memory, with command and versions."""
    from table import environment

    from algorithms import markdown_tables

    command = benchmarks.command("growth")
    constants = ", ".join(f"{k} {v}" for k, v in environment().items())
    sizes = list(next(iter(rows.values())))
    heads = ["solver", *(f"{size:,} states" for size in sizes)]
    parts = [f"`{command}`", f"{constants}.", _NOTES.format(limit=limit).rstrip()]
    medians = [
        [name, *_column(row, lambda t: t.median / 1e3), exponent(row)]
        for name, row in rows.items()
    ]
    parts += ["## Seconds an iteration, medians"]
    parts += [markdown_tables.table([*heads, "growth"], medians)]
    others = {
        "Seconds of set-up": lambda timing: timing.setup,
        "Megabytes of memory": lambda timing: timing.peak_memory,
    }
    for title, figure in others.items():
        cells = [[name, *_column(row, figure)] for name, row in rows.items()]
        parts += [f"## {title}", markdown_tables.table(heads, cells)]
    return "\n\n".join(parts) + "\n"


def _column(row: Row, figure) -> list[str]:
    return [
        found if isinstance(found, str) else f"{figure(found):.3g}"
        for found in row.values()
    ]


def exponent(row: Row) -> str:
    """Growth of the median with the states, between the last two sizes."""
    timed = [(n, t.median) for n, t in row.items() if not isinstance(t, str)]
    if len(timed) < 2:
        return ""
    (fewer, before), (more, after) = timed[-2:]
    return f"{math.log(after / before) / math.log(more / fewer):.2f}"


if __name__ == "__main__":
    define_flags()
    app.run(main)
