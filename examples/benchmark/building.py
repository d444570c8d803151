r"""Mirror descent on a building of a million cells: time and memory.

    python examples/benchmark/building.py \
        --output_dir=examples/benchmark/results/building --force
    python examples/benchmark/building.py --setting=building_testing

Every iteration has its exploitability. The output directory then holds building.csv
and building.md. Run it while the machine does nothing else.
"""

from __future__ import annotations

import os
import pathlib
import platform
import resource
import time

from absl import app, flags
import benchmarks

from algorithms import files, quiet
from mfg_games import settings

FLAGS = flags.FLAGS
flags.DEFINE_enum("setting", "building_million", sorted(settings.SETTINGS), "The game.")
flags.DEFINE_integer("iterations", 10, "Number of iterations.", lower_bound=1)
flags.DEFINE_float("lr", 1e-3, "Learning rate.", lower_bound=0.0)
flags.DEFINE_enum("dtype", "float32", ["float32", "float64"], "Storage of arrays.")
benchmarks.define_flags(FLAGS, "building")


def main(argv: list[str]) -> None:
    """Measures in a directory of its own."""
    benchmarks.run("building", argv, FLAGS, measure)


def measure(output: pathlib.Path) -> None:
    """Runs the iterations and writes what they took."""
    quiet.import_tensorflow()
    from algorithms.mirror_descent import MirrorDescent
    from algorithms.run import run

    setting = settings.setting(FLAGS.setting)
    began = time.perf_counter()
    solver = MirrorDescent(setting.load(), lr=FLAGS.lr, dtype=FLAGS.dtype)
    result = run(solver, FLAGS.iterations)
    seconds = time.perf_counter() - began
    result.save_csv(output / "building.csv")
    text = report(setting, solver, result.history, seconds)
    files.write_text(output / "building.md", text)
    print(text)


def report(setting: settings.Setting, solver, history: list, seconds: float) -> str:
    """The results as markdown."""
    import tensorflow as tf

    dynamics = solver.game.dynamics
    nodes = solver.model.num_nodes
    first, last = history[1], history[-1]
    iteration = (last.seconds - first.seconds) / (last.iteration - first.iteration or 1)
    rate = nodes * dynamics.num_actions / (iteration or last.seconds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    rows = [
        "# Mirror descent on a large building",
        f"`{setting.game_string}`: {dynamics.num_states:,} states, {nodes:,} nodes, "
        f"{nodes * dynamics.num_actions:,} pairs of node and action.",
        "| | |\n| --- | --- |\n"
        f"| {last.iteration} iterations with exploitability, compilation and all | "
        f"{seconds:.0f} s |\n"
        f"| one iteration | {iteration:.2f} s |\n"
        f"| node-action pairs a second | {rate / 1e6:.0f} million |\n"
        f"| peak resident memory | {peak:.1f} GB |\n"
        f"| exploitability at 0 and at {last.iteration} | "
        f"{history[0].exploitability:.4g}, {last.exploitability:.4g} |",
        f"Command: `{benchmarks.command('building')}`. {FLAGS.dtype}, "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python "
        f"{platform.python_version()}, TensorFlow {tf.__version__}.",
    ]
    return "\n\n".join(rows) + "\n"


if __name__ == "__main__":
    app.run(main)
