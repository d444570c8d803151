"""Times our mirror descent beside MFGLib's, game by game and size by size.

    python -m venv peer && peer/bin/pip install mfglib==0.3.0 opt_einsum
    python examples/benchmark/peers.py --mfglib_python=peer/bin/python

The output directory then holds peers.csv and peers.md; ours are in
examples/benchmark/results/peers. Run it while the machine does nothing else. Without
--mfglib_python only our solver runs.
"""

from __future__ import annotations

import pathlib

from absl import app, flags
import benchmarks
import tqdm

from algorithms import quiet

FLAGS = flags.FLAGS

GAMES = (
    "mfg_beach_bar",
    "mfg_building",
    "mfg_moving_target",
    "mfg_linear_quadratic",
    "mfg_equilibrium_price",
    "mfg_treasure_hunting",
    "mfg_sis",
    "mfg_rock_paper_scissors",
    "mfg_left_right",
)
PACKAGES = ("mfglib", "torch", "opt_einsum")
NOTES = """\
An iteration includes the exploitability of its policy. Ratios are of minima: the least
of many timings is what the code costs, the rest is other processes. The libraries take
turns, in several rounds, with as many threads each. MFGLib computes in float32, its
only precision, on dense tables of states x states x actions; it needs opt_einsum, which
its installation does not bring, to contract them in a good order.

Five games are the same in both: mfg_sis, mfg_rock_paper_scissors, mfg_left_right,
mfg_treasure_hunting and mfg_equilibrium_price; their exploitabilities agree to the
digits of float32. The others are of equal size and kind. MFGLib's beach and its crowd
end in walls instead of closing to a ring and a torus, and its bathers count distances
in cells and have other noise. Its building has stairs of either direction on every
floor, people on the ground floor from the start and no action to stay. Its
linear-quadratic players start uniformly, and their noise is scaled twice and rounded
to the nearest state.
"""

benchmarks.define_flags(FLAGS, "peers")
flags.DEFINE_string("mfglib_python", None, "An interpreter that has MFGLib.")
flags.DEFINE_multi_enum("only", GAMES, GAMES, "Run these; repeat for several.")
flags.DEFINE_integer("threads", 2, "Threads of each library.", lower_bound=1)
flags.DEFINE_float("seconds", 2.0, "How long to iterate, at least.", lower_bound=0.0)
flags.DEFINE_float("limit", 60.0, "Seconds until a case of MFGLib is given up.")
flags.DEFINE_float("gigabytes", 8.0, "Memory that MFGLib may allocate.")
flags.DEFINE_bool("quick", False, "The smallest size of each game only, briefly.")


def main(argv: list[str]) -> None:
    """Compares the libraries in a directory of its own."""
    benchmarks.run("peers", argv, FLAGS, compare)


def compare(output: pathlib.Path) -> None:
    """Runs the contests, writes the table and prints it."""
    use_threads(FLAGS.threads)
    import peer_contests
    from remote import ROUNDS, play, versions
    from table import Table

    rival = None
    if FLAGS.mfglib_python:
        rival = peer_contests.Rival(
            FLAGS.mfglib_python, FLAGS.threads, FLAGS.limit, FLAGS.gigabytes
        )
    table = Table(
        output / "peers",
        benchmarks.command("peers"),
        NOTES,
        peer_contests.PEER,
        {"threads": FLAGS.threads} | versions(FLAGS.mfglib_python, PACKAGES),
    )
    matches = [m for m in peer_contests.matches(FLAGS.quick) if m.game in FLAGS.only]
    seconds = 0.0 if FLAGS.quick else FLAGS.seconds
    for match in (progress := tqdm.tqdm(matches)):
        progress.set_description(f"{match.game}, {match.size[0]} states")
        contest = peer_contests.contest(match, rival, seconds / ROUNDS)
        table.add(contest, play(contest.contenders))
    print(table.markdown())


def use_threads(number: int) -> None:
    """Imports TensorFlow with that many threads."""
    quiet.import_tensorflow()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(number)
    tf.config.threading.set_inter_op_parallelism_threads(number)


if __name__ == "__main__":
    app.run(main)
