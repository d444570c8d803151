r"""Runs games x solvers x parameters x seeds, each as a process of its own.

    python examples/sweep.py --game=beach_bar_2020 --game="mfg_sis(horizon=20)" \
        --algorithm=mirror_descent --algorithm=fictitious_play \
        --parameter=mirror_descent.lr=0.1,1,10 --jobs=4

Every run has a directory in `runs` of the output directory, with its history, run.json
(settings, versions, the error if it failed), a checkpoint and, of solvers that learn,
log.csv (losses and rates of every iteration). results.csv then has a row for each run,
best.md the best parameters by game and solver. The same command again leaves finished
runs alone, goes on with interrupted ones and tries failed ones anew, like those whose
record is damaged; more runs may join them, other ones need --force or a directory of
their own. Ctrl-C and SIGTERM end the runs after their iterations and leave the tables.
The exit status is 1 if a run failed.

On a cluster: --backend=dask connects to the scheduler in DASK_SCHEDULER_ADDRESS,
--backend=ray to RAY_ADDRESS; without an address each starts on this machine. Workers
need this project installed, and --output_dir on a file system that all of them share.
"""

from __future__ import annotations

from collections.abc import Iterator
import concurrent.futures
import itertools
import os
import pathlib
import sys

from absl import app, flags
import processes
import stopping_flags
import sweep_tables

from algorithms import arguments, catalogue, command_line, directory, files
from algorithms.job import FAILED, Job, import_tensorflow, prepare_all
from mfg_games import parameters

FLAGS = flags.FLAGS


def define_flags(into: flags.FlagValues) -> None:
    """Defines the flags; tests import several scripts, hence not at once."""
    _define_what_runs(into)
    _define_how_it_runs(into)
    for module in (processes, stopping_flags):
        module.define_flags(into)
        flags.adopt_module_key_flags(module, into)


def _define_what_runs(into: flags.FlagValues) -> None:
    flags.DEFINE_multi_string(
        "game",
        ["mfg_exploration(horizon=40)"],
        "An OpenSpiel string, quoted for the shell, or a setting's name",
        into,
    )
    flags.DEFINE_multi_string("algorithm", ["mirror_descent"], "The solver", into)
    flags.DEFINE_multi_string(
        "parameter",
        [],
        "NAME=VALUE,VALUE,... for all solvers or SOLVER.NAME=VALUE,... for one of "
        "them; all combinations are run",
        into,
    )
    flags.DEFINE_list("seeds", ["0"], "Seeds, for solvers that take one.", into)
    flags.DEFINE_integer(
        "iterations", 300, "Iterations of a run.", lower_bound=0, flag_values=into
    )
    flags.DEFINE_string("dtype", None, "float64 (default) or float32.", into)


def _define_how_it_runs(into: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "device", None, "A TensorFlow device; default: the GPU if any.", into
    )
    flags.DEFINE_string("output_dir", "runs/sweep", "Where the results go.", into)
    flags.DEFINE_bool("force", False, "Run all runs again, from the start.", into)


def main(argv: list[str], given: flags.FlagValues = FLAGS) -> None:
    """Runs what the flags ask for; input errors end in one line."""
    if len(argv) > 1:
        sys.exit(f"Unexpected arguments: {argv[1:]}. Quote the game string.")
    with command_line.in_one_line(concurrent.futures.BrokenExecutor):
        processes.check_backend(given.backend)
        records = sweep(list_jobs(given), given)
    failed = [record["status"] for record in records].count(FAILED)
    if failed:
        sys.exit(f"{failed} of {len(records)} runs failed: see `error` in results.csv.")


def list_jobs(given: flags.FlagValues) -> list[Job]:
    """The runs that the flags ask for, each once.

    Raises:
      ValueError: a name is unknown, or a value is not of its parameter's type.
      pyspiel.SpielError: a game does not take its parameters.
    """
    for algorithm in given.algorithm:
        parameters.known("algorithm", algorithm, catalogue.SOLVERS)
    for game in given.game:
        catalogue.load_game(game)
    import_tensorflow(given.threads or os.cpu_count())
    limits = given.iterations, stopping_flags.given(given)
    jobs = (
        Job(game, algorithm, options, *limits)
        for game in given.game
        for algorithm in given.algorithm
        for options in grid(algorithm, given)
    )
    return list({job.name: job for job in jobs}.values())


def grid(
    algorithm: str, given: flags.FlagValues
) -> Iterator[dict[str, arguments.Argument]]:
    """All combinations of the arguments that the flags give a solver."""
    texts = {}
    for flag in given.parameter:
        name, values = arguments.named(flag)
        owner, _, name = name.rpartition(".")
        if owner:
            parameters.known("solver in this sweep", owner, given.algorithm)
        if owner in ("", algorithm):
            texts.setdefault(name, []).extend(values.split(","))
    for name in ("dtype", "device"):
        if given[name].value is not None:
            texts.setdefault(name, [given[name].value])
    if "seed" in arguments.defaults(algorithm):
        texts.setdefault("seed", given.seeds)
    for values in itertools.product(*texts.values()):
        yield arguments.parse(algorithm, dict(zip(texts, values, strict=True)))


def sweep(jobs: list[Job], given: flags.FlagValues) -> list[dict]:
    """Does the jobs that are not finished and writes the tables, come what may.

    Returns:
      The record of each job.

    Raises:
      OSError: the output directory cannot be made or written to.
      ValueError: it is in use, or holds runs that are none of these.
      Interrupted: by a signal, with the tables written.
    """
    output = pathlib.Path(given.output_dir).resolve()
    root = output / "runs"
    with directory.locked(output):
        if not given.force:
            require_no_others(jobs, root)
        todo = [job for job in jobs if given.force or not job.is_finished(root)]
        print(f"{len(jobs)} runs, {len(jobs) - len(todo)} of them finished before.")
        prepare_all(todo, root, anew=given.force)
        done = {}
        try:
            if todo:
                how = given.backend, given.jobs, given.threads
                found = processes.do_all(todo, root, *how)
                names = [job.name for job in todo]
                done = dict(zip(names, found, strict=True))
        finally:
            records = [done.get(job.name) or job.record(root) for job in jobs]
            write(output, jobs, records)
    return records


def require_no_others(jobs: list[Job], root: pathlib.Path) -> None:
    """Raises a ValueError if there are runs that the tables would lose."""
    there = {path.parent.name for path in root.glob(f"*/{directory.RECORD}")}
    if others := sorted(there - {job.name for job in jobs}):
        raise ValueError(
            f"`{root}` holds {len(others)} runs that this command does not ask for, "
            f"one of them {others[0]}: use --force or another --output_dir."
        )


def write(output: pathlib.Path, jobs: list[Job], records: list[dict]) -> None:
    """Writes and prints the tables."""
    rows = sweep_tables.rows(jobs, records)
    files.write_table(output / "results.csv", rows)
    best = sweep_tables.markdown(rows)
    files.write_text(output / "best.md", best)
    print(f"{best}\n{output}: best.md, results.csv, runs")


if __name__ == "__main__":
    define_flags(FLAGS)
    app.run(main)
