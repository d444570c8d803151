r"""Solves the stationary version of a game: one step of it, repeated for ever.

    python examples/stationary.py --game=crowd_chain_bench_mfg
    python examples/stationary.py --game="mfg_exploration(layout=empty_100x100)" \
        --discount=0.99 --algorithm=fictitious_play --iterations=50
    python examples/stationary.py --game="mfg_sis(infection=0.9)" --criterion=ergodic \
        --algorithm=policy_iteration --damping=0.9

The output directory then holds exploitability.csv and .png, law.csv and .png (where the
players are under the best policy found), policy.npz (the policy and its law, [N, S, A]
and [N, S] for N populations, S states and A actions), run.json, README.md and
checkpoint.npz (for --resume). Ctrl-C and SIGTERM end the iteration and leave the same.
"""

from __future__ import annotations

import inspect
import pathlib
import sys

from absl import app, flags
import numpy as np
import outputs
import pages
import stopping_flags
import tqdm

from algorithms import (
    catalogue,
    command_line,
    directory,
    files,
    markdown_tables,
    quiet,
    record,
    stationary,
)
from mfg_games import parameters

FLAGS = flags.FLAGS

_SOLVER_FLAGS = ("lr", "temperature", "damping")


def define_flags(into: flags.FlagValues) -> None:
    """Defines the flags; tests import several scripts, hence not at once."""
    _define_the_problem(into)
    flags.DEFINE_enum(
        "algorithm",
        "fictitious_play",
        list(stationary.SOLVERS),
        "The solver.",
        flag_values=into,
    )
    flags.DEFINE_integer(
        "iterations", 200, "Iterations in all.", lower_bound=0, flag_values=into
    )
    rate = "Learning rate, or the weight of each new response; default: the solver's."
    flags.DEFINE_float("lr", None, rate, flag_values=into)
    softness = "Of softmax responses; default: exact ones."
    flags.DEFINE_float("temperature", None, softness, flag_values=into)
    share = "The part of the crowd that keeps its policy in an iteration."
    flags.DEFINE_float("damping", None, share, flag_values=into)
    flags.DEFINE_string("output_dir", "runs/stationary", "Where the results go.", into)
    onward = "Go on from the checkpoint in --output_dir."
    flags.DEFINE_bool("resume", False, onward, into)
    anew = "Replace the run that --output_dir holds."
    flags.DEFINE_bool("force", False, anew, into)
    between = "Seconds between two checkpoints."
    flags.DEFINE_float(
        "checkpoint_every", 30.0, between, lower_bound=0.0, flag_values=into
    )
    stopping_flags.define_flags(into)
    flags.adopt_module_key_flags(stopping_flags, into)


def _define_the_problem(into: flags.FlagValues) -> None:
    name = "An OpenSpiel string, quoted for the shell, or a setting's name."
    flags.DEFINE_string("game", "crowd_chain_bench_mfg", name, into)
    flags.DEFINE_enum(
        "criterion",
        "discounted",
        stationary.CRITERIA,
        "Sums of discounted rewards among a crowd that stays, or among one of which a "
        "part is always replaced from the start; or average rewards.",
        flag_values=into,
    )
    discount = "Discount; default: the game's own."
    flags.DEFINE_float("discount", None, discount, flag_values=into)
    flags.DEFINE_enum(
        "method",
        "solve",
        stationary.METHODS,
        "Factorise sparse matrices, or only multiply by them.",
        flag_values=into,
    )
    time = "The step to repeat, of games whose steps depend on the time."
    flags.DEFINE_integer("time", None, time, flag_values=into)


def main(argv: list[str], given: flags.FlagValues = FLAGS) -> None:
    """Runs what the flags ask for; errors that can be expected end in one line."""
    if len(argv) > 1:
        sys.exit(f"Unexpected arguments: {argv[1:]}. Quote the game string.")
    with command_line.in_one_line(RuntimeError):
        solve(given)


def solve(given: flags.FlagValues) -> None:
    """Solves the game and writes the results.

    Raises:
      ValueError: an argument is wrong, or the directory holds another run.
      RuntimeError: a law or a value was not found.
      Interrupted: by a signal; the results until then are written.
    """
    options = _solver_options(given)
    game = catalogue.load_game(given.game)
    model = stationary.StationaryModel(
        game, given.criterion, given.discount, given.method, given.time
    )
    solver = stationary.SOLVERS[given.algorithm](model, **options)
    output = pathlib.Path(given.output_dir)
    settings = {
        "game": str(game),
        "algorithm": given.algorithm,
        "parameters": solver.parameters,
    }
    of = {"settings": settings}
    with directory.claimed(output, of, given.force, given.resume):
        print(f"Game      {game}\nAlgorithm {given.algorithm} {solver.parameters}")
        outputs.solved(
            lambda: _run(solver, given, output),
            lambda result, status: _write(output, result, of | {"status": status}),
        )


def _run(solver, given: flags.FlagValues, output: pathlib.Path):
    """Runs the solver, with its progress on the screen."""
    quiet.import_tensorflow()
    from algorithms import run

    return run.run(
        solver,
        given.iterations,
        run.Stopping(**stopping_flags.given(given)),
        callbacks=[_print_row],
        checkpoint_path=output / directory.CHECKPOINT,
        checkpoint_every=given.checkpoint_every,
        progress=sys.stderr.isatty(),
    )


def _write(output: pathlib.Path, result, origin: dict) -> None:
    """Prints what was found, and writes the tables before the pictures."""
    print(
        f"Ended because {result.reason}: exploitability "
        f"{result.history[-1].exploitability:.6g}, best "
        f"{result.best.exploitability:.6g} at iteration {result.best.iteration}."
    )
    algorithm = origin["settings"]["algorithm"]
    law = write_tables(output, result)
    made = origin | {"algorithm": algorithm, "command": sys.argv}
    made |= record.of_result(result) | record.of_machine()
    files.write_json(output / directory.RECORD, made)
    write_pictures(output, algorithm, result, law)
    pages.write(output, page(algorithm, result))
    print(f"{output}: {', '.join(directory.contents(output))}")


def write_tables(output: pathlib.Path, result) -> np.ndarray:
    """Writes the history and the best policy with its law, which it returns."""
    from algorithms import array_file

    result.save_csv(output / "exploitability.csv")
    model, policy = result.solver.model, result.best_policy
    law = model.law(policy)
    save_law(output / "law.csv", model, law)
    array_file.write(output / "policy.npz", policy=policy, law=law)
    return law


def write_pictures(
    output: pathlib.Path, algorithm: str, result, law: np.ndarray
) -> None:
    """Draws exploitability on the way and the law of the best policy."""
    from algorithms import pictures
    from algorithms.stationary.pictures import law_figure

    steps = [row.iteration for row in result.history]
    values = [row.exploitability for row in result.history]
    figure = pictures.exploitability_figure({algorithm: (steps, values)})
    pictures.save(figure, output / "exploitability.png")
    pictures.save(law_figure(result.solver.model.dynamics, law), output / "law.png")


def page(algorithm: str, result) -> list[str]:
    """The parts of the page: exploitability on the way, and both pictures."""
    rows = [
        [str(row.iteration), f"{row.exploitability:.6g}", f"{row.seconds:.2f}"]
        for row in result.history
        if _is_shown(row.iteration)
    ]
    settings = {k: v for k, v in result.solver.parameters.items() if v is not None}
    return [
        "# A stationary equilibrium",
        f"One step of `{result.solver.game}`,\nrepeated for ever, by `{algorithm}` "
        f"with {', '.join(f'{k} {v}' for k, v in settings.items())}.",
        markdown_tables.table(["iteration", "exploitability", "seconds"], rows),
        f"The best is {result.best.exploitability:.6g}, at iteration "
        f"{result.best.iteration}; the run ended because {result.reason}.",
        "![Exploitability against iterations](exploitability.png)",
        "![Where the players are under the best policy](law.png)",
        "All numbers: [exploitability.csv](exploitability.csv), [law.csv](law.csv), "
        "[run.json](run.json).",
    ]


def save_law(
    path: pathlib.Path, model: stationary.StationaryModel, law: np.ndarray
) -> None:
    """Writes one row a population and state: the state's factors and its share."""
    d = model.dynamics
    cells = d.state_coordinates().tolist()
    rows = (
        [n, *cell, share]
        for n, row in enumerate(law.tolist())
        for cell, share in zip(cells, row, strict=True)
    )
    files.write_csv(path, ["population", *d.factor_names, "share"], rows)


def _solver_options(given: flags.FlagValues) -> dict[str, float]:
    """The solver's arguments that the flags give."""
    options = {name: given[name].value for name in _SOLVER_FLAGS}
    options = {name: value for name, value in options.items() if value is not None}
    takes = inspect.signature(stationary.SOLVERS[given.algorithm].__init__).parameters
    for name in options:
        kind = f"parameter of {given.algorithm}"
        parameters.known(kind, name, takes.keys() - {"self", "model"})
    return options


def _print_row(solver, record) -> None:
    """A row at 0, 1, 2, 5, 10, 20, 50, ... iterations."""
    if record.iteration == 0:
        tqdm.tqdm.write(f"{'iteration':>10} {'exploitability':>15} {'seconds':>9}")
    if _is_shown(record.iteration):
        tqdm.tqdm.write(
            f"{record.iteration:>10} {record.exploitability:>15.6g} "
            f"{record.seconds:>9.2f}"
        )


def _is_shown(iteration: int) -> bool:
    return iteration == 0 or str(iteration).rstrip("0") in ("1", "2", "5")


if __name__ == "__main__":
    define_flags(FLAGS)
    app.run(main)
