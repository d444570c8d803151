"""Solves a mean field game and leaves tables, pictures and the policy.

    python examples/solve.py --game="mfg_exploration(horizon=40)" --lr=0.1
    python examples/solve.py --setting=beach_bar_2020 --algorithm=fictitious_play
    python examples/solve.py --list

The output directory then holds exploitability.csv and .png, flow.png (the population
over time), policy.npz (loads back as an OpenSpiel policy, also with --policy here),
run.json (game, parameters, versions, seed, timings) and checkpoint.npz (for --resume);
of solvers that learn also log.csv, which grows with losses and rates of every
iteration. The directory belongs to one run: others need --force to replace it. Ctrl-C
and SIGTERM end the iteration and leave all of these. In continuous space
(--algorithm=flock --game=flocking_4d) the checkpoint holds the policies, and birds
leave an animation, flow.gif. With --tensorboard the log also goes to tensorboard/.
"""

from __future__ import annotations

import pathlib
import sys
import time

from absl import app, flags
import outputs
import pyspiel
import stopping_flags
import tqdm

from algorithms import (
    arguments,
    catalogue,
    command_line,
    directory,
    files,
    quiet,
    record,
)
import mfg_games
from mfg_games import continuous_games, parameters, settings
from mfg_games.continuous import ContinuousGame
from mfg_games.flocking import FlockingModel

FLAGS = flags.FLAGS
stopping_flags.define_flags(FLAGS)
flags.adopt_module_key_flags(stopping_flags)

_BIRDS = 400  # players in a picture of continuous space
_SOLVER_FLAGS = ("lr", "temperature", "damping", "dtype", "device")

flags.DEFINE_string(
    "game",
    "mfg_exploration(horizon=40)",
    "The OpenSpiel string of any mean field game; quote it for the shell.",
)
flags.DEFINE_string("setting", None, "A named setting instead of --game; see --list.")
flags.DEFINE_string("algorithm", "mirror_descent", "The solver; see --list.")
flags.DEFINE_integer("iterations", 300, "Iterations in all.", lower_bound=0)
flags.DEFINE_float("lr", None, "Learning rate, for solvers that have one.")
flags.DEFINE_float("temperature", None, "Of softmax responses; default: exact ones.")
flags.DEFINE_float("damping", None, "Weight of the past, for solvers that damp it.")
flags.DEFINE_multi_string(
    "parameter",
    [],
    "Any other parameter of the solver, as NAME=VALUE; repeat for several.",
)
flags.DEFINE_string("dtype", None, "float64 (default) or float32.")
flags.DEFINE_string("device", None, "A TensorFlow device; default: the GPU if any.")
flags.DEFINE_string("output_dir", "runs/solve", "Where the results go.")
flags.DEFINE_integer("seed", 0, "Seed of everything random; the exact solvers are not.")
flags.DEFINE_bool("resume", False, "Go on from the checkpoint in --output_dir.")
flags.DEFINE_bool("force", False, "Replace the run that --output_dir holds.")
flags.DEFINE_float(
    "checkpoint_every", 30.0, "Seconds between two checkpoints.", lower_bound=0.0
)
flags.DEFINE_bool(
    "tensorboard",
    False,
    "Write curves for TensorBoard, which the extra `tensorboard` installs: look at "
    "them with `tensorboard --logdir=OUTPUT_DIR`.",
)
flags.DEFINE_bool(
    "duality_gap",
    False,
    "Write duality_gap.csv: bounds of the maximum of the potential, in games that have "
    "a concave one, which equilibria attain.",
)
flags.DEFINE_string("policy", None, "Evaluate this policy file instead of solving.")
flags.DEFINE_bool("list", False, "Show games, settings and solvers.")


def main(argv: list[str]) -> None:
    """Runs what the flags ask for; errors that can be expected end in one line."""
    if len(argv) > 1:
        sys.exit(f"Unexpected arguments: {argv[1:]}. Quote the game string.")
    with command_line.in_one_line():
        _require_one_each()
        if FLAGS.list:
            list_everything()
        elif FLAGS.policy:
            evaluate_policy(_load_game(), FLAGS.policy)
        else:
            solve(_load_game())


def list_everything() -> None:
    """Prints games, settings and solvers."""
    _print_table("Games", catalogue.games())
    rows = {name: s.description for name, s in continuous_games.SETTINGS.items()}
    _print_table("Games in continuous space, for the algorithm flock", rows)
    rows = {name: s.description for name, s in sorted(settings.SETTINGS.items())}
    _print_table("Settings", rows)
    rows = {name: catalogue.solver_summary(name) for name in catalogue.SOLVERS}
    _print_table("Algorithms", rows)


def evaluate_policy(game: pyspiel.Game, path: str) -> None:
    """Prints the exploitability of a saved policy."""
    quiet.import_tensorflow()
    from algorithms import exploitability, policy_file

    policy = policy_file.load_policy(path, game)
    value = exploitability.exploitability(game, policy)
    print(f"Exploitability of {path} on {game}: {value:.10g}")


def solve(game: pyspiel.Game) -> None:
    """Solves the game and writes the results.

    Raises:
      ValueError: an argument is wrong, or the directory holds another run.
      Interrupted: by a signal; the results until then are written.
    """
    parameters.known("algorithm", FLAGS.algorithm, catalogue.SOLVERS)
    quiet.import_tensorflow()
    given = _solver_arguments()
    output = pathlib.Path(FLAGS.output_dir)
    of = {"settings": arguments.settings(str(game), FLAGS.algorithm, given)}
    with directory.claimed(output, of, FLAGS.force, FLAGS.resume):
        print(f"Game      {game}\nAlgorithm {FLAGS.algorithm} {given or ''}")
        bounds = _potential_bounds(game)
        origin = of | {"started": time.time()}
        outputs.solved(
            lambda: _run(game, given, output, bounds),
            lambda result, status: _write(
                output, result, bounds, origin | {"status": status}
            ),
        )


def _run(game: pyspiel.Game, given: dict, output: pathlib.Path, bounds: list):
    """Runs the solver, with its progress on the screen."""
    from algorithms import run

    return run.run(
        catalogue.solver_class(FLAGS.algorithm).make(game, **given),
        FLAGS.iterations,
        run.Stopping(**stopping_flags.given(FLAGS)),
        callbacks=[*_callbacks(output), *bounds],
        checkpoint_path=output / directory.CHECKPOINT,
        checkpoint_every=FLAGS.checkpoint_every,
        progress=sys.stderr.isatty(),
    )


def _write(output: pathlib.Path, result, bounds: list, origin: dict) -> None:
    """Prints what was found, and writes the tables before the pictures."""
    last = result.history[-1]
    print(
        f"Ended because {result.reason}: {last.aim} {last.distance:.6g}, "
        f"best {result.best.distance:.6g} at iteration {result.best.iteration}."
    )
    resolution = result.solver.resolution
    if result.best.distance < resolution:
        print(f"That is below {resolution:.2g}, what the dtype resolves here.")
    for each in bounds:
        each.save_csv(output / "duality_gap.csv")
        print(f"Potential {each.lower:.6g}, at most {each.gap:.3g} below its maximum.")
    write_tables(output, result)
    began = origin.pop("started")
    about = {
        "setting": FLAGS.setting,
        "algorithm": FLAGS.algorithm,
        "seed": FLAGS.seed,
        "seconds": round(time.time() - began, 3),
        "command": sys.argv,
    }
    made = origin | record.of_result(result) | about | record.of_machine()
    files.write_json(output / directory.RECORD, made)
    try:
        write_pictures(output, result)
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        sys.exit(f"The results are in {output}, but not all pictures: {text}")
    print(f"{output}: {', '.join(directory.contents(output))}")


def _callbacks(output: pathlib.Path) -> list:
    """The table on the screen, and the logs."""
    from algorithms import logs

    callbacks = [TablePrinter(), logs.CsvLog(output / "log.csv")]
    if FLAGS.tensorboard:
        callbacks.append(logs.TensorBoardLog(output / "tensorboard"))
    return callbacks


def _potential_bounds(game: pyspiel.Game) -> list:
    """The duality gap's callback, if the flag asks for it."""
    if not FLAGS.duality_gap:
        return []
    from algorithms import duality_gap

    return [duality_gap.PotentialBounds(game)]


class TablePrinter:
    """Prints a row of the history at 1, 2, 5, 10, 20, 50, ... iterations."""

    def __init__(self):
        tqdm.tqdm.write(f"{'iteration':>10} {'exploitability':>15} {'seconds':>9}")

    def __call__(self, solver, record) -> None:
        """Prints the record if its turn has come."""
        digits = str(record.iteration)
        if digits == "0" or digits.rstrip("0") in ("1", "2", "5"):
            tqdm.tqdm.write(
                f"{record.iteration:>10} {record.exploitability:>15.6g} "
                f"{record.seconds:>9.2f}  {record.summary}".rstrip()
            )


def write_tables(output: pathlib.Path, result) -> None:
    """Writes the history, and the best policy of games that OpenSpiel knows."""
    from algorithms import policy_file

    result.save_csv(output / "exploitability.csv")
    if not isinstance(result.solver.game, ContinuousGame):
        policy_file.save_policy(output / "policy.npz", result.best_policy)


def write_pictures(output: pathlib.Path, result) -> None:
    """Draws exploitability on the way and the population over time."""
    from algorithms import pictures

    steps = [row.iteration for row in result.history]
    values = [row.exploitability for row in result.history]
    pictures.save(
        pictures.exploitability_figure({FLAGS.algorithm: (steps, values)}),
        output / "exploitability.png",
    )
    if isinstance(result.solver.game, ContinuousGame):
        write_birds(output, result.solver)
    else:
        pictures.save(flow_picture(result.best_policy), output / "flow.png")


def write_birds(output: pathlib.Path, solver) -> None:
    """Draws players of the last policy in continuous space; those who fly also move."""
    from algorithms.pictures import birds, save

    game = solver.game
    states = solver.players(_BIRDS, FLAGS.seed)
    save(birds.birds_figure(game, states, str(game)), output / "flow.png")
    if isinstance(game, FlockingModel):
        birds.save_animation(game, states, "", output / "flow.gif")


def flow_picture(policy):
    """The population over time: in space if the game says where its states are."""
    from algorithms import pictures

    model = policy.model
    flow = model.compiled_distribution(model.as_tensor(policy.probabilities))
    if isinstance(model.game, mfg_games.MeanFieldGame):
        layers = pictures.layers_of(model, flow)
        return pictures.flow_figure(layers, model.game.dynamics)
    return pictures.string_flow_figure(model.masses(flow))


def _load_game() -> pyspiel.Game | ContinuousGame:
    if FLAGS.setting:
        return settings.setting(FLAGS.setting).load()
    return catalogue.load_game(FLAGS.game)


def _require_one_each() -> None:
    """Raises a ValueError if two flags say the same thing."""
    both = FLAGS.setting is not None and FLAGS["game"].present
    parameters.require(not both, "setting", FLAGS.setting, "left out beside --game")


def _solver_arguments() -> dict:
    """The solver's arguments that the flags give."""
    texts = {name: FLAGS[name].value for name in _SOLVER_FLAGS}
    texts = {name: str(value) for name, value in texts.items() if value is not None}
    takes_seed = "seed" in arguments.defaults(FLAGS.algorithm)
    if takes_seed and FLAGS["seed"].present:
        texts["seed"] = str(FLAGS.seed)
    texts = arguments.merged(texts, map(arguments.named, FLAGS.parameter))
    if takes_seed:
        texts.setdefault("seed", str(FLAGS.seed))
    return arguments.parse(FLAGS.algorithm, texts)


def _print_table(title: str, rows: dict[str, str]) -> None:
    width = max(len(name) for name in rows)
    print(f"{title}:")
    for name, text in rows.items():
        print(f"  {name:<{width}}  {text}")
    print()


if __name__ == "__main__":
    app.run(main)
