r"""Times the exact solvers beside OpenSpiel's and beside plain NumPy.

    python examples/benchmark/exact.py \
        --output_dir=examples/benchmark/results/exact --force
    python examples/benchmark/exact.py --only=large
    python examples/benchmark/exact.py --quick

The output directory then holds the table, exact.csv and exact.md. Run it while the
machine does nothing else.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import pathlib

from absl import app, flags
import benchmarks
import tqdm

from algorithms import quiet

FLAGS = flags.FLAGS

GROUPS = ("four_rooms", "beach_bar", "large")

NOTES = """\
An iteration includes the exploitability of its policy. Ratios are of minima: the least
of many timings is what the code costs, the rest is other processes. Where OpenSpiel has
two games the one in C++ is the reference. Exploitability is compared after as many
iterations as `after` says. OpenSpiel's figures differ from ours where its OMD updates
the table that the policy under evaluation reads, where rounding breaks the ties of its
fictitious play, and where a player of its beach bar pays for the move that the first
path to a place made instead of for the own one.
"""

benchmarks.define_flags(FLAGS, "exact")
flags.DEFINE_multi_enum("only", GROUPS, GROUPS, "Run these; repeat for several.")
flags.DEFINE_bool(
    "quick", False, "Small games and few iterations: a quarter of a minute."
)
flags.DEFINE_bool("skip_slow", False, "Leave out what takes a minute an iteration.")


def main(argv: list[str]) -> None:
    """Compares the engines in a directory of its own."""
    benchmarks.run("exact", argv, FLAGS, compare)


def compare(output: pathlib.Path) -> None:
    """Runs the contests, writes the table and prints it."""
    quiet.import_tensorflow()
    from contests import UPSTREAM, contests
    from table import Table

    table = Table(output / "exact", benchmarks.command("exact"), NOTES, UPSTREAM)
    chosen = [c for c in contests(FLAGS.quick) if c.group in FLAGS.only]
    with tqdm.tqdm(total=sum(len(c.contenders) for c in chosen)) as progress:
        for contest in chosen:
            timings = {}
            for contender in contest.contenders:
                progress.set_description(f"{contest.task}, {contender.engine}")
                if not (contender.slow and FLAGS.skip_slow):
                    timings[contender] = time_contender(contender, contest.compare_at)
                progress.update()
            table.add(contest, timings)
    print(table.markdown())


def time_contender(contender, compare_at: int):
    """Times a contender here or in a process of its own."""
    from timing import measure

    arguments = contender.start, compare_at, contender.seconds
    if not contender.alone:
        return measure(*arguments)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(
        1, context, initializer=quiet.import_tensorflow
    ) as executor:
        return executor.submit(measure, *arguments).result()


if __name__ == "__main__":
    app.run(main)
