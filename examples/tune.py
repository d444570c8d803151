r"""Tunes a solver's parameters by Optuna, over games and seeds.

    python examples/tune.py --game=beach_bar_2020 --game=sis_2022 \
        --algorithm=mirror_descent --tune=lr=0.01:10:log --per_game --trials=25

--tune names a parameter and what may be chosen for it: a range of numbers LOW:HIGH, on
a log scale LOW:HIGH:log, of integers if both ends are and the parameter is one, or
choices A,B,C. A trial runs the solver on every game and with every seed; the best one
has the lowest mean of log10(exploitability at the end / at the start), or optimality
gap for solvers that have one. With --per_game each game has a study of its own, and
trials of different games run side by side.

The output directory then holds README.md (the best parameters by game), trials.csv,
trials.png, the studies in study.jsonl (Optuna's journal, whose lines are JSON) and a
directory for each run in `runs`. The same command goes on with interrupted studies and
leaves finished trials alone, failed ones too; with more --trials it adds to them. The
trials do not depend on interruptions, nor on --jobs. Other studies need another
directory, or --force. The exit status is 1 if a trial failed.
"""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import sys

from absl import app, flags
import processes
import stopping_flags

try:
    import optuna
except ImportError:
    sys.exit("Tuning needs Optuna: pip install 'mfg-games[tune]'")
from tune_journal import open_storage
import tune_spaces
from tune_study import Plan, Study
import tune_tables

from algorithms import arguments, catalogue, command_line, directory, files
from algorithms.job import Job, import_tensorflow, prepare_all
from algorithms.pictures import style
from mfg_games import parameters

FLAGS = flags.FLAGS


def define_flags(into: flags.FlagValues) -> None:
    """Defines the flags; tests import several scripts, hence not at once."""
    flags.DEFINE_multi_string(
        "game",
        ["mfg_exploration(horizon=40)"],
        "An OpenSpiel string, quoted for the shell, or a setting's name",
        into,
    )
    flags.DEFINE_string("algorithm", "mirror_descent", "The solver.", into)
    flags.DEFINE_multi_string(
        "tune", [], "NAME=LOW:HIGH, NAME=LOW:HIGH:log or NAME=VALUE,VALUE,...", into
    )
    flags.DEFINE_multi_string("parameter", [], "NAME=VALUE in all trials.", into)
    flags.DEFINE_bool(
        "per_game", False, "A study for each game, else one for all.", into
    )
    flags.DEFINE_list("seeds", ["0"], "Seeds, for solvers that take one.", into)
    flags.DEFINE_integer(
        "iterations", 100, "Iterations of a run.", lower_bound=1, flag_values=into
    )
    flags.DEFINE_integer(
        "trials", 30, "Of a study, in all.", lower_bound=1, flag_values=into
    )
    flags.DEFINE_integer(
        "sampler_seed", 0, "Decides on the trials.", lower_bound=0, flag_values=into
    )
    flags.DEFINE_string("output_dir", "runs/tune", "Where the results go.", into)
    flags.DEFINE_bool("force", False, "Tune anew what --output_dir holds.", into)
    for module in (processes, stopping_flags):
        module.define_flags(into)
        flags.adopt_module_key_flags(module, into)


def main(argv: list[str], given: flags.FlagValues = FLAGS) -> None:
    """Tunes what the flags ask for; input errors end in one line."""
    if len(argv) > 1:
        sys.exit(f"Unexpected arguments: {argv[1:]}. Quote the game string.")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with command_line.in_one_line(concurrent.futures.BrokenExecutor):
        processes.check_backend(given.backend)
        plan = make_plan(given)
        output = pathlib.Path(given.output_dir).resolve()
        with directory.locked(output):
            studies = open_studies(plan, given, output)
            try:
                tune(studies, given, output / "runs")
            finally:
                save(plan, studies, output)
    trials = [trial for study in studies for trial in study.trials]
    failed = len(trials) - sum(len(study.complete) for study in studies)
    if failed:
        sys.exit(f"{failed} of {len(trials)} trials failed: see `error` in trials.csv.")


def make_plan(given: flags.FlagValues) -> Plan:
    """What the flags ask for.

    Raises:
      ValueError: a name is unknown, a value or space is not one of its parameter, or a
        parameter is both given and tuned.
      pyspiel.SpielError: a game does not take its parameters.
    """
    algorithm = given.algorithm
    parameters.known("algorithm", algorithm, catalogue.SOLVERS)
    for game in given.game:
        catalogue.load_game(game)
    import_tensorflow(given.threads or os.cpu_count())
    spaces = tune_spaces.parse(algorithm, given.tune)
    texts = tune_spaces.fixed(given.parameter, spaces)
    options = arguments.parse(algorithm, texts)
    seeds = [{}]
    if "seed" in arguments.defaults(algorithm):
        seeds = [arguments.parse(algorithm, {"seed": seed}) for seed in given.seeds]
    tune_spaces.check(given.game[0], algorithm, options, spaces)
    limits = given.iterations, stopping_flags.given(given)
    return Plan(algorithm, spaces, options, seeds, *limits, given.sampler_seed)


def open_studies(
    plan: Plan, given: flags.FlagValues, output: pathlib.Path
) -> list[Study]:
    """The studies with the trials that they have in the output directory.

    Raises:
      ValueError: the directory has studies of something else.
    """
    journal = output / "study.jsonl"
    if given.force:
        journal.unlink(missing_ok=True)
    storage = open_storage(journal)
    games = list(dict.fromkeys(given.game))
    together = not given.per_game and len(games) > 1
    studies = {"all games": games} if together else {game: [game] for game in games}
    others = set(optuna.get_all_study_names(storage)) - studies.keys()
    if others:
        raise ValueError(
            f"`{output}` holds studies that this command does not ask for, one of them "
            f"of {min(others)}: use --force or another --output_dir."
        )
    return [Study(name, of, plan, storage) for name, of in studies.items()]


def tune(studies: list[Study], given: flags.FlagValues, root: pathlib.Path) -> None:
    """Does the trials that are missing, one of each study at a time."""
    before = [len(study.trials) for study in studies]
    left = sum(
        max(0, given.trials - number) * study.runs_per_trial
        for study, number in zip(studies, before, strict=True)
    )
    print(f"{sum(before)} trials finished before, {left} runs are left.")
    if not left:
        return
    with processes.Progress(root, left) as progress:
        while open_ones := [s for s in studies if len(s.trials) < given.trials]:
            asked = [(study, *study.ask()) for study in open_ones]
            todo = [
                job
                for *_, jobs in asked
                for job in jobs
                if given.force or not job.is_finished(root)
            ]
            progress.skip(sum(len(jobs) for *_, jobs in asked) - len(todo))
            prepare_all(todo, root, anew=given.force)
            if todo:
                backend = given.backend, given.jobs, given.threads
                found = processes.do_all(todo, root, *backend, progress)
                require_written(todo, found, root)
            for study, trial, jobs in asked:
                study.tell(trial, jobs, root)


def require_written(jobs: list[Job], found: list[dict], root: pathlib.Path) -> None:
    """Raises an OSError if a run could not leave its record: it says nothing of it."""
    for job, outcome in zip(jobs, found, strict=True):
        if job.record(root)["status"] != outcome["status"]:
            raise OSError(outcome["error"])


def save(plan: Plan, studies: list[Study], output: pathlib.Path) -> None:
    """Writes the tables and the picture of all trials so far."""
    rows = tune_tables.rows(studies)
    if not rows:
        return
    files.write_table(output / "trials.csv", rows)
    drawing = tune_tables.figure(plan, studies)
    style.save(drawing, output / tune_tables.PICTURE)
    page = tune_tables.page(plan, studies, ["python", *sys.argv])
    files.write_text(output / "README.md", page)
    print(f"{tune_tables.table(plan, studies)}\n{output}: README.md, trials.csv")


if __name__ == "__main__":
    define_flags(FLAGS)
    app.run(main)
