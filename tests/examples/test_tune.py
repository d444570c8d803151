"""A tuning as a user runs it: what is tried, what is found, and going on."""

import contextlib
import csv
import functools
import io
import json
import math
import os
import pathlib
import signal
import sys
import types

from absl import flags
import matplotlib.image
import optuna
import pytest
import scripts

from algorithms import directory, record, run
from algorithms.catalogue import solver_class
from algorithms.job import FAILED, FINISHED, STOP, Job

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))

import tune as script  # noqa: E402 (examples are scripts, not a package)
import tune_spaces  # noqa: E402

BEACH = "mfg_beach_bar(size=6,horizon=4)"
GRID = "mfg_exploration(layout=empty_2x3,horizon=4)"
SIS = "mfg_sis(horizon=6)"
LOW, HIGH = 1e-3, 1e3
RATE = f"--tune=lr={LOW}:{HIGH}:log"
ITERATIONS = 5


@pytest.fixture(autouse=True, scope="module")
def verbosity():
    before = optuna.logging.get_verbosity()
    yield
    optuna.logging.set_verbosity(before)


def parsed(*arguments):
    given = flags.FlagValues()
    script.define_flags(given)
    given(["tune.py", f"--iterations={ITERATIONS}", "--backend=sequential", *arguments])
    return given


def tune(*arguments):
    """Runs the script in this process, which has TensorFlow loaded already."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            script.main(["tune.py"], parsed(*arguments))
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
            err.write("" if isinstance(end.code, int) else end.code)
    return types.SimpleNamespace(
        code=code, stdout=out.getvalue(), stderr=err.getvalue()
    )


def trials(output, study=None):
    """The rows of a study but what no two runs share."""
    with open(output / "trials.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        del row["seconds"]
    return [row for row in rows if study in (None, row["study"])]


def value(row):
    return float(row["value"])


def measured(game, algorithm="mirror_descent", **options):
    """What a run outside the script has at its start and at its end."""
    solver = solver_class(algorithm).make(game, **options)
    history = run.run(solver, ITERATIONS, progress=False).history
    return history[0].distance, history[-1].distance


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    output = tmp_path_factory.mktemp("tune")
    done = tune(f"--game={GRID}", RATE, "--trials=7", f"--output_dir={output}")
    assert done.code == 0, done.stderr
    return output, done


def test_there_is_a_row_for_each_trial(finished):
    output, done = finished
    rows = trials(output)
    assert [(row["study"], row["trial"]) for row in rows] == [
        (GRID, str(number)) for number in range(7)
    ]
    assert {row["status"] for row in rows} == {FINISHED}
    rates = [float(row["parameter.lr"]) for row in rows]
    assert rates[0] == 0.01  # the solver's default
    assert len(set(rates)) == 7
    assert all(LOW <= rate <= HIGH for rate in rates)
    assert "7/7" in done.stderr


def test_the_rate_found_is_as_good_as_it_says_and_beats_the_ends_of_the_range(finished):
    output, _ = finished
    best = min(trials(output), key=value)
    rate = float(best["parameter.lr"])
    start, end = measured(GRID, lr=rate)
    assert value(best) == pytest.approx(math.log10(end / start), rel=1e-9)
    assert end < measured(GRID, lr=LOW)[1] / 2
    assert end < measured(GRID, lr=HIGH)[1] / 2
    page = (output / "README.md").read_text("utf-8")
    assert f"| `{GRID}` | {rate:.3g} | {start:.3g} | {end:.3g} | " in page


def test_the_page_names_versions_and_shows_the_picture(finished):
    output, done = finished
    page = (output / "README.md").read_text("utf-8")
    head = "| game | best `lr` | at the start | at the end | by defaults | trials |"
    assert head in page
    assert head in done.stdout
    assert f"optuna {optuna.__version__}" in page
    assert "](trials.png)" in page
    assert matplotlib.image.imread(output / "trials.png").shape[1] > 800


def test_the_journal_is_json(finished):
    output, _ = finished
    lines = (output / "study.jsonl").read_text("utf-8").splitlines()
    assert len([json.loads(line) for line in lines]) > 7


def test_optimality_gaps_are_what_a_planner_closes(tmp_path):
    done = tune(
        f"--game={GRID}",
        "--algorithm=social_optimum",
        "--tune=regulariser=entropy,euclidean",
        "--trials=1",
        f"--output_dir={tmp_path}",
    )
    assert done.code == 0, done.stderr
    (row,) = trials(tmp_path)
    choice = row["parameter.regulariser"]
    start, end = measured(GRID, "social_optimum", regulariser=choice)
    assert value(row) == pytest.approx(math.log10(end / start), rel=1e-6)


@pytest.fixture
def landscape(monkeypatch):
    """Runs that take no time: by lr, what a game has at its start and at its end."""

    def of_beach(lr):
        return 4.0, 0.5 * lr

    def of_sis(lr):
        return 2.0, 3.0 / lr

    games = {BEACH: of_beach, SIS: of_sis}

    def result(job, directory):
        first, last = games[job.game](job.given["lr"])
        text = f"iteration,exploitability,seconds\n0,{first},0\n1,{last},1\n"
        (directory / "exploitability.csv").write_text(text)
        return {"iterating_seconds": 1.0, "best_exploitability": last}

    monkeypatch.setattr(Job, "_run", result)
    monkeypatch.setattr(record, "of_machine", functools.cache(record.of_machine))
    monkeypatch.setattr(script.style, "save", lambda *_: None)  # it takes long
    return games


BOTH = f"--game={BEACH}", f"--game={SIS}", RATE


def test_games_have_studies_of_their_own(tmp_path, landscape):
    arguments = [*BOTH, "--per_game", "--trials=15", f"--output_dir={tmp_path}"]
    assert tune(*arguments).code == 0
    beach, sis = trials(tmp_path, BEACH), trials(tmp_path, SIS)
    assert len(beach) == len(sis) == 15
    assert float(min(beach, key=value)["parameter.lr"]) < 0.01
    assert float(min(sis, key=value)["parameter.lr"]) > 100
    assert value(sis[0]) == pytest.approx(math.log10(3.0 / 0.01 / 2.0))
    alone = tmp_path / "alone"
    tune(f"--game={SIS}", RATE, "--trials=15", f"--output_dir={alone}")
    assert trials(alone) == sis


def test_games_are_tuned_together(tmp_path, landscape):
    done = tune(*BOTH, "--trials=3", f"--output_dir={tmp_path}")
    assert done.code == 0, done.stderr
    rows = trials(tmp_path)
    assert [row["study"] for row in rows] == ["all games"] * 3
    for row in rows:  # the mean of lr / 8 and 3 / (2 lr), both as log10
        assert value(row) == pytest.approx(math.log10(3 / 16) / 2)
    page = (tmp_path / "README.md").read_text("utf-8")
    assert f"| `{BEACH}` | 0.01 | 4 | 0.005 | 0.005 | 3 |" in page
    assert f"| `{SIS}` | 0.01 | 2 | 300 | 300 | 3 |" in page


def test_an_interrupted_study_has_the_trials_of_one_run(
    tmp_path, landscape, monkeypatch
):
    once, often = tmp_path / "once", tmp_path / "often"
    tune(*BOTH, "--tune=damping=0:1", "--trials=15", f"--output_dir={once}")
    arguments = [*BOTH, "--tune=damping=0:1", f"--output_dir={often}"]
    assert tune(*arguments, "--trials=3").code == 0
    do, done = Job.do, []

    def interrupted(job, root, threads):
        if len(done) == 17:  # the first run of trial 11 is done, its second is not
            os.kill(os.getpid(), signal.SIGTERM)
            scripts.wait_for((root / STOP).exists)
        done.append(job)
        return do(job, root, threads)

    with monkeypatch.context() as patch:
        patch.setattr(Job, "do", interrupted)
        stopped = tune(*arguments, "--trials=15")
    assert stopped.code == 143
    assert "The same command, without --force, goes on" in stopped.stderr
    assert trials(often) == trials(once)[:11]
    with open(often / "study.jsonl", "ab") as file:
        file.write(b'{"op_code":4,"stu')  # by a process that was killed
    went_on = tune(*arguments, "--trials=15")
    assert "11 trials finished before, 8 runs are left." in went_on.stdout
    assert trials(often) == trials(once)
    monkeypatch.setattr(Job, "do", None)
    assert "0 runs are left" in tune(*arguments, "--trials=15").stdout


def test_the_sampler_has_a_seed(tmp_path, landscape):
    found = []
    for seed in (0, 0, 1):
        output = tmp_path / str(len(found))
        seeded = f"--sampler_seed={seed}", f"--output_dir={output}"
        tune(*BOTH, "--trials=3", *seeded)
        found.append(trials(output))
    assert found[0] == found[1] != found[2]


def test_other_settings_are_another_study(tmp_path, landscape):
    arguments = [*BOTH, "--trials=1", f"--output_dir={tmp_path}"]
    tune(*arguments)
    other = tune(*arguments, "--iterations=7")
    assert other.code == 1
    assert "has other iterations: 5. Received: 7" in other.stderr
    other = tune(*arguments, "--parameter=damping=0.1")
    assert "has other given: {}. Received: {'damping': 0.1}" in other.stderr


def test_games_may_join_a_study_of_each_but_not_leave_it(tmp_path, landscape):
    arguments = "--per_game", RATE, "--trials=1", f"--output_dir={tmp_path}"
    assert tune(f"--game={SIS}", *arguments).code == 0
    both = f"--game={BEACH}", f"--game={SIS}"
    assert tune(*both, *arguments).code == 0
    before = trials(tmp_path)
    other = tune(f"--game={SIS}", *arguments)
    assert other.code == 1
    assert f"one of them of {BEACH}: use --force" in other.stderr
    with directory.locked(tmp_path):
        second = tune(*both, *arguments)
    assert f"is in use by process {os.getpid()}" in second.stderr
    assert trials(tmp_path) == before
    forced = tune(f"--game={SIS}", *arguments, "--force")
    assert "0 trials finished before, 1 runs are left." in forced.stdout
    assert {row["study"] for row in trials(tmp_path)} == {SIS}


def test_a_journal_that_is_not_whole_is_refused(tmp_path, landscape):
    arguments = [f"--game={SIS}", RATE, "--trials=3", f"--output_dir={tmp_path}"]
    assert tune(*arguments).code == 0
    journal = tmp_path / "study.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    for number in range(len(lines) - 1):  # the last one may be missing
        lost = lines[:number] + lines[number + 1 :]
        twice = lines[:number] + lines[number : number + 1] + lines[number:]
        changed = [*lines[:number], lines[number].replace(b"0", b"1", 1)]
        for damaged in (lost, twice, [*changed, *lines[number + 1 :]], [b"x\n"]):
            journal.write_bytes(b"".join(damaged))
            done = tune(*arguments)
            (line,) = done.stderr.splitlines()
            assert f"`{journal}` is no whole journal: line " in line
    journal.write_bytes(b"".join(lines[:-1]))
    assert "2 trials finished before, 1 runs are left." in tune(*arguments).stdout


def test_failed_trials_are_reported_and_not_repeated(tmp_path, landscape, monkeypatch):
    def failing(lr):
        if lr == 0.01:
            raise FloatingPointError("too slow")
        return 1.0, 0.0  # which has no logarithm

    landscape[BEACH] = failing
    arguments = [f"--game={BEACH}", RATE, "--trials=2", f"--output_dir={tmp_path}"]
    done = tune(*arguments)
    assert done.code == 1
    assert "1 of 2 trials failed: see `error` in trials.csv." in done.stderr
    first, second = trials(tmp_path)
    assert (first["status"], first["value"]) == (FAILED, "")
    assert first["error"] == "FloatingPointError: too slow"
    assert (second["status"], second["value"]) == (FINISHED, "-16.0")
    page = (tmp_path / "README.md").read_text("utf-8")
    assert "| 1 | 0 | failed | 1, 1 failed |" in page
    monkeypatch.setattr(Job, "do", None)
    assert "1 of 2 trials failed" in tune(*arguments).stderr
    assert trials(tmp_path) == [first, second]


def test_a_game_that_starts_at_its_equilibrium_is_no_game_to_tune_for(
    tmp_path, landscape
):
    landscape[SIS] = lambda lr: (0.0, 0.0)
    done = tune(f"--game={SIS}", RATE, "--trials=1", f"--output_dir={tmp_path}")
    assert done.code == 1
    (row,) = trials(tmp_path)
    assert row["error"].startswith(f"{SIS} starts at an equilibrium")
    page = (tmp_path / "README.md").read_text("utf-8")
    assert f"| `{SIS}` |  |  |  |  | 0, 1 failed |" in page


def test_spaces_have_the_types_of_the_parameters():
    learner = "q_learning_fictitious_play"
    whole = tune_spaces.parse(learner, ["episodes=10:100:log"])["episodes"]
    assert whole == optuna.distributions.IntDistribution(10, 100, log=True)
    spaces = tune_spaces.parse(
        "mirror_descent", ["damping=0:0.5", "regulariser=entropy,euclidean"]
    )
    assert spaces == {
        "damping": optuna.distributions.FloatDistribution(0.0, 0.5),
        "regulariser": optuna.distributions.CategoricalDistribution(
            ["entropy", "euclidean"]
        ),
    }


def test_a_trial_has_a_run_for_each_game_and_seed():
    plan = script.make_plan(
        parsed(
            f"--game={BEACH}",
            "--algorithm=q_learning_fictitious_play",
            "--tune=episodes=10:100",
            "--parameter=batch_size=10",
            "--seeds=3,4",
        )
    )
    jobs = plan.jobs([BEACH, SIS], {"episodes": 20})
    assert [(job.game, job.given) for job in jobs] == [
        (game, {"batch_size": 10, "episodes": 20, "seed": seed})
        for game in (BEACH, SIS)
        for seed in (3, 4)
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "`tune` must be NAME=LOW:HIGH"),
        (["--tune=lr=0.1"], "`tune` must be NAME=LOW:HIGH"),
        (["--tune=lr=0.1:1:10"], "`tune` must be NAME=LOW:HIGH"),
        (["--tune=rl=0.1:1"], "Did you mean 'lr'?"),
        (["--tune=lr=0.1:high"], "`lr` must be a number. Received: 'high'"),
        (["--tune=lr=0.1:inf"], "`lr` must be a range of finite numbers"),
        (["--tune=regulariser=a:b"], "must be a range of finite numbers"),
        (["--tune=lr=1:0.1"], "whose first number is below its second"),
        (["--tune=lr=0:1:log"], "`lr` must be above 0 in a logarithmic range"),
        (["--tune=lr=0:1"], "`lr` must be above 0"),
        (["--tune=damping=0:2"], "`damping` must be a probability"),
        (["--tune=regulariser=entropy,l2"], "`regulariser` must be one of"),
        (["--tune=lr=1,2,1.0"], "`lr` must be different choices"),
        ([RATE, "--tune=lr=1,2"], "`lr` is tuned twice"),
        ([RATE, "--parameter=lr=1"], "`lr` belongs to --tune"),
        ([RATE, "--parameter=seed=1"], "`seed` belongs to --seeds"),
        ([RATE, "--parameter=damping=0", "--parameter=damping=1"], "given twice"),
        (["--tune=device=/CPU:0,/GPU:0"], "`device` cannot be tuned"),
        ([RATE, "--game=beach_bar_2021"], "Did you mean 'beach_bar_2020'?"),
        ([RATE, "--algorithm=mirror_decent"], "Did you mean 'mirror_descent'?"),
    ],
)
def test_mistakes_end_in_one_line_before_work_starts(tmp_path, arguments, message):
    output = tmp_path / "tune"
    done = tune(f"--game={BEACH}", *arguments, f"--output_dir={output}")
    assert done.code == 1
    (line,) = done.stderr.strip().splitlines()
    assert message in line
    assert not output.exists()


def test_without_optuna_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with (
        pytest.raises(SystemExit, match=r"pip install 'mfg-games\[tune\]'"),
        scripts.loaded(EXAMPLES / "tune.py"),
    ):
        pass


def test_the_script_explains_itself():
    shown = {flag.name for flag in parsed().get_key_flags_for_module(script)}
    assert {"tune", "trials", "jobs", "patience", "per_game"} <= shown
