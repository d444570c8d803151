r"""Times our deep mirror descent beside OpenSpiel's, which is written in JAX.

    python -m venv peer && peer/bin/pip install open_spiel==2.0.2 jax==0.6.2 \
        dm-haiku==0.0.17 rlax==0.1.7 optax==0.2.8
    python examples/benchmark/deep.py --openspiel_python=peer/bin/python \
        --output_dir=examples/benchmark/results/deep --force

The output directory then holds deep.csv and deep.md. Run it while the machine does
nothing else. Without --openspiel_python only our solver runs. Newer versions of JAX do
not go with the TensorFlow Probability that RLax brings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
import os
import pathlib
import platform

from absl import app, flags
import benchmarks
import tqdm

from algorithms import files, quiet

FLAGS = flags.FLAGS

PACKAGES = ("jax", "dm-haiku", "rlax", "optax")
RATES = {
    "acting": "moves/s, acting alone",
    "learning": "updates/s, learning alone",
    "moves": "moves/s, loop",
    "updates": "updates/s, loop",
}
NOTES = """\
Deep Munchausen mirror descent on four rooms (13 x 13, horizon 40, noise 1): hidden
layers of 128 and 128, batches of 128, Adam, an update every 64 moves. A move is one
step of one player. The rates are of the least of many timings: the rest is other
processes. The engines take turns, in several rounds. Ratios are to the last row.

Acting alone includes the choice of actions by the network and the memory of moves.
OpenSpiel's loop leaves out its update of the population, which takes many times as
long; ours has the exact flow of the population and of its best response in every
iteration. What acting and learning alone cost in ours is found from iterations with
more and with fewer of either: all is one compiled graph. The preset `released` has the
values of OpenSpiel's example, and acts greedily as that does; `ours` has our defaults,
and acts as the population.
"""

benchmarks.define_flags(FLAGS, "deep")
flags.DEFINE_string(
    "openspiel_python", None, "An interpreter that has OpenSpiel, JAX, Haiku and RLax."
)
flags.DEFINE_list("presets", ["released", "ours"], "Of our solver.")
flags.DEFINE_string("device", None, "A TensorFlow device; its own choice by default.")
flags.DEFINE_float("seconds", 5.0, "Of each round of a task, at least.", 0.0)
flags.DEFINE_float("limit", 300.0, "Seconds until a round of OpenSpiel is given up.")
flags.DEFINE_bool("quick", False, "A short game, briefly.")


def main(argv: list[str]) -> None:
    """Compares the engines in a directory of its own."""
    benchmarks.run("deep", argv, FLAGS, compare)


def compare(output: pathlib.Path) -> None:
    """Runs the tasks, writes the table and prints it."""
    quiet.import_tensorflow()
    import deep_contests
    import remote
    from table import environment
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # several solvers are no reason for a warning
    seconds = 0.0 if FLAGS.quick else FLAGS.seconds
    match = deep_contests.Match(FLAGS.quick, seconds, FLAGS.device)
    engines = [match.ours(preset) for preset in FLAGS.presets]
    if FLAGS.openspiel_python:
        engines.append(match.upstream(FLAGS.openspiel_python, FLAGS.limit))
    contenders = [task for engine in engines for task in engine.tasks.values()]
    rounds = tqdm.trange(remote.ROUNDS, unit="round")
    timings = remote.play(contenders, rounds)
    conditions = environment() | {
        "dtype": "float32",
        **remote.versions(FLAGS.openspiel_python, PACKAGES),
        "device": device_name(FLAGS.device),
        "load": f"{os.getloadavg()[0]:.1f}",
    }
    rows = table(engines, timings)
    files.write_table(output / "deep.csv", [row | conditions for row in rows])
    files.write_text(output / "deep.md", markdown(rows, conditions))
    print(markdown(rows, conditions))


def table(engines: Iterable, timings: Mapping) -> list[dict[str, str]]:
    """A row for each engine, with its rates and their ratios to the last one's."""
    found = {engine.name: engine.found(timings) for engine in engines}
    *_, reference = found.values()
    rows = []
    for name, rates in found.items():
        row = {"engine": name}
        for field, head in RATES.items():
            if isinstance(rates, str):
                row |= {head: rates, f"{field} ratio": ""}
                continue
            rate = getattr(rates, field)
            row[head] = f"{rate:.0f}"
            base = getattr(reference, field, None)
            row[f"{field} ratio"] = f"{rate / base:.1f}" if base else ""
        rows.append(row)
    return rows


def device_name(device: str | None) -> str:
    """What our solver runs on."""
    import tensorflow as tf

    with tf.device(device):
        used = tf.zeros(()).device
    if "GPU" not in used:
        return f"CPU ({processor()})"
    number = int(used.rsplit(":", 1)[1])
    gpu = tf.config.list_physical_devices("GPU")[number]
    details = tf.config.experimental.get_device_details(gpu)
    return f"GPU ({details['device_name']})"


def processor() -> str:
    """The processor's name where the system tells it."""
    path = pathlib.Path("/proc/cpuinfo")
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    names = [line.split(": ", 1)[1] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def markdown(rows: list[dict], conditions: Mapping) -> str:
    """The rows under the command, the conditions and the notes."""
    facts = ", ".join(f"{k} {v}" for k, v in conditions.items())
    lines = [f"`{benchmarks.command('deep')}`", "", f"{facts}.", "", NOTES]
    lines += ["| " + " | ".join(rows[0]) + " |", "|" + " --- |" * len(rows[0])]
    lines += ["| " + " | ".join(row.values()) + " |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    app.run(main)
