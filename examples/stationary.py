r"""Solves the stationary version of a game: one step of it, repeated for ever.

    python examples/stationary.py --game=crowd_chain_bench_mfg
    python examples/stationary.py --game="mfg_exploration(layout=empty_100x100)" \
        --discount=0.99 --algorithm=fictitious_play --iterations=50
    python examples/stationary.py --game="mfg_sis(infection=0.9)" --criterion=ergodic \
        --algorithm=policy_iteration --damping=0.9

The output directory then holds exploitability.csv and .png, law.csv and .png (where the
players are under the best policy found), policy.npz (the policy and its law, [N, S, A]
and [N, S] for N populations, S states and A actions), run.json and README.md.
"""

from __future__ import annotations

import inspect
import pathlib
import sys

from absl import app, flags
import numpy as np
import pages
import pyspiel
import stopping_flags
import tqdm

from algorithms import catalogue, files, markdown_tables, quiet, stationary
from mfg_games import parameters

FLAGS = flags.FLAGS

_SOLVER_FLAGS = ("lr", "temperature", "damping")
_ENDS = (ValueError, RuntimeError, FloatingPointError, pyspiel.SpielError)


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
    try:
        solve(given)
    except _ENDS as error:
        sys.exit(f"{type(error).__name__}: {error}")


def solve(given: flags.FlagValues) -> None:
    """Solves the game and writes the results."""
    options = _solver_options(given)
    game = catalogue.load_game(given.game)
    model = stationary.StationaryModel(
        game, given.criterion, given.discount, given.method, given.time
    )
    solver = stationary.SOLVERS[given.algorithm](model, **options)
    print(f"Game      {game}\nAlgorithm {given.algorithm} {solver.parameters}")
    quiet.import_tensorflow()
    from algorithms import run

    result = run.run(
        solver,
        given.iterations,
        run.Stopping(**stopping_flags.given(given)),
        callbacks=[_print_row],
        progress=sys.stderr.isatty(),
    )
    print(
        f"Ended because {result.reason}: exploitability "
        f"{result.history[-1].exploitability:.6g}, best "
        f"{result.best.exploitability:.6g} at iteration {result.best.iteration}."
    )
    output = pathlib.Path(given.output_dir)
    write_results(output, given.algorithm, result)
    pages.write(output, page(given.algorithm, result))
    names = sorted(path.name for path in output.iterdir())
    print(f"{output}: {', '.join(names)}")


def write_results(output: pathlib.Path, algorithm: str, result) -> None:
    """Writes the tables, the pictures and the best policy."""
    from algorithms import array_file, pictures, record
    from algorithms.stationary.pictures import law_figure

    output.mkdir(parents=True, exist_ok=True)
    result.save_csv(output / "exploitability.csv")
    steps = [row.iteration for row in result.history]
    values = [row.exploitability for row in result.history]
    figure = pictures.exploitability_figure({algorithm: (steps, values)})
    pictures.save(figure, output / "exploitability.png")
    model, policy = result.solver.model, result.best_policy
    law = model.law(policy)
    save_law(output / "law.csv", model, law)
    pictures.save(law_figure(model.dynamics, law), output / "law.png")
    array_file.write(output / "policy.npz", policy=policy, law=law)
    made = {"algorithm": algorithm, "command": sys.argv}
    made |= record.of_result(result) | record.of_machine()
    files.write_json(output / "run.json", made)


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
    takes = inspect.signature(stationary.SOLVERS[given.algorithm]).parameters
    for name in options:
        kind = f"parameter of {given.algorithm}"
        parameters.known(kind, name, takes.keys() - {"model"})
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
