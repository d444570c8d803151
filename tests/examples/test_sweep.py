"""A sweep as a user runs it: what runs, what is left, and going on."""

import contextlib
import csv
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import types

from absl import flags
import numpy as np
import pytest
import scripts

from algorithms import directory, run
from algorithms.job import FAILED, FINISHED, STOP, UNFINISHED, Job
from algorithms.mirror_descent import MirrorDescent
from algorithms.record import INTERRUPTED

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))

import processes  # noqa: E402 (examples are scripts, not a package)
import sweep as script  # noqa: E402
import sweep_tables  # noqa: E402

GAME = "mfg_beach_bar(size=6,horizon=4)"


def parsed(*arguments):
    given = flags.FlagValues()
    script.define_flags(given)
    given(["sweep.py", f"--game={GAME}", *arguments])
    return given


def sweep(*arguments, backend="sequential"):
    """Runs the script in this process, which has TensorFlow loaded already."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            script.main(["sweep.py"], parsed(f"--backend={backend}", *arguments))
        except SystemExit as end:  # as the interpreter does it
            code = end.code if isinstance(end.code, int) else 1
            err.write("" if isinstance(end.code, int) else str(end.code))
    return types.SimpleNamespace(
        returncode=code, stdout=out.getvalue(), stderr=err.getvalue()
    )


def results(output):
    with open(output / "results.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def grid(algorithm, *arguments):
    return list(script.grid(algorithm, parsed(*arguments)))


def test_the_grid_has_all_combinations():
    lists = ["--parameter=lr=0.1,1", "--parameter=damping=0,0.5", "--dtype=float32"]
    assert grid("mirror_descent", *lists) == [
        {"lr": lr, "damping": damping, "dtype": "float32"}
        for lr in (0.1, 1.0)
        for damping in (0.0, 0.5)
    ]


def test_parameters_may_belong_to_one_solver():
    flags_given = [
        "--algorithm=fixed_point",
        "--algorithm=mirror_descent",
        "--parameter=damping=0.5",
        "--parameter=mirror_descent.lr=1,2",
    ]
    assert grid("fixed_point", *flags_given) == [{"damping": 0.5}]
    assert grid("mirror_descent", *flags_given) == [
        {"damping": 0.5, "lr": 1.0},
        {"damping": 0.5, "lr": 2.0},
    ]


def test_seeds_are_for_solvers_that_take_one():
    assert grid("mirror_descent", "--seeds=1,2") == [{}]
    learner = "q_learning_fictitious_play"
    assert grid(learner, "--seeds=1,2") == [{"seed": 1}, {"seed": 2}]


def test_equal_runs_are_done_once():
    twice = parsed(f"--game={GAME}", "--parameter=lr=1,1.0,1e0")
    assert len(script.list_jobs(twice)) == 1


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Two processes, with a run that fails."""
    output = tmp_path_factory.mktemp("sweep")
    arguments = [
        "--game=sis_testing",
        "--algorithm=mirror_descent",
        "--algorithm=q_learning_fictitious_play",
        "--parameter=mirror_descent.lr=0.5,-1",
        "--parameter=q_learning_fictitious_play.episodes=20",
        "--parameter=q_learning_fictitious_play.batch_size=10",
        "--seeds=0,1",
        "--iterations=2",
        "--jobs=2",
        f"--output_dir={output}",
    ]
    return output, arguments, sweep(*arguments, backend="loky")


def test_there_is_a_row_for_each_run(finished):
    output, _, _ = finished
    rows = results(output)
    games, learner = (GAME, "sis_testing"), "q_learning_fictitious_play"
    keys = ("game", "solver", "parameter.lr", "seed", "status")
    assert [tuple(row[key] for key in keys) for row in rows] == [
        expected
        for game in games
        for expected in (
            (game, "mirror_descent", "0.5", "", FINISHED),
            (game, "mirror_descent", "-1.0", "", FAILED),
            (game, learner, "", "0", FINISHED),
            (game, learner, "", "1", FINISHED),
        )
    ]
    solver = MirrorDescent(GAME, lr=0.5)
    values = [record.exploitability for record in run.run(solver, 2).history]
    assert int(rows[0]["iterations"]) == 2
    assert float(rows[0]["exploitability"]) == pytest.approx(values[-1], rel=1e-12)
    assert float(rows[0]["best_exploitability"]) == pytest.approx(min(values), rel=1e-9)
    assert float(rows[0]["seconds"]) > 0


def test_every_run_has_a_directory(finished):
    output, _, _ = finished
    for row in results(output):
        directory = output / row["directory"]
        record = json.loads((directory / "run.json").read_text())
        assert record["settings"]["algorithm"] == row["solver"]
        assert record["status"] == row["status"]
        history = directory / "exploitability.csv"
        assert history.exists() == (row["status"] == FINISHED)


def test_failures_are_reported(finished):
    output, _, done = finished
    assert done.returncode == 1
    assert "2 of 8 runs failed" in done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith(FAILED)]
    assert len(lines) == 2
    assert all("ValueError: `lr` must be above 0" in line for line in lines)
    errors = [row["error"] for row in results(output) if row["status"] == FAILED]
    assert all("`lr` must be above 0" in error for error in errors)
    assert "2 failed" in done.stderr  # the bar
    assert "8/8" in done.stderr


def test_the_best_parameters_are_shown(finished):
    output, _, done = finished
    table = (output / "best.md").read_text()
    assert table in done.stdout
    descent = f"| `{GAME}` | `mirror_descent` | `lr=0.5` | 1 |"
    assert descent in table
    assert "0 worse, 1 failed or unfinished" in table
    assert "`batch_size=10 episodes=20` | 2 |" in table


def test_finished_runs_are_left_alone_and_failed_ones_tried_again(finished):
    output, arguments, _ = finished
    before = results(output)
    times = {path: path.stat().st_mtime_ns for path in output.glob("runs/*/run.json")}
    again = sweep(*arguments)
    assert again.returncode == 1
    assert "8 runs, 6 of them finished before." in again.stdout
    assert "2/2" in again.stderr
    changed = {p.parent.name for p, at in times.items() if p.stat().st_mtime_ns != at}
    failed = {row["directory"] for row in before if row["status"] == FAILED}
    assert {f"runs/{name}" for name in changed} == failed
    assert results(output) == before


def test_force_runs_all_of_them_from_the_start(tmp_path):
    arguments = ["--iterations=2", f"--output_dir={tmp_path}"]
    assert sweep(*arguments).returncode == 0
    (first,) = results(tmp_path)
    (record,) = tmp_path.rglob("run.json")
    written = record.stat().st_mtime_ns
    more = sweep(*arguments, "--force")
    assert "1 runs, 0 of them finished before." in more.stdout
    (second,) = results(tmp_path)
    assert second["exploitability"] == first["exploitability"]
    assert record.stat().st_mtime_ns > written


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_an_interrupted_sweep_goes_on(tmp_path, monkeypatch, number, code):
    arguments = [
        "--parameter=lr=1,2,3",
        "--iterations=2",
        f"--output_dir={tmp_path}",
    ]
    do = Job.do

    def interrupted(job, root, threads):
        if job.given["lr"] == 2.0:
            os.kill(os.getpid(), number)
            scripts.wait_for((root / STOP).exists)
        return do(job, root, threads)

    with monkeypatch.context() as patch:
        patch.setattr(Job, "do", interrupted)
        stopped = sweep(*arguments)
    assert stopped.returncode == code
    said = f"Interrupted by {number.name}. The same command, without --force, goes on"
    assert stopped.stderr.splitlines()[-1].startswith(said)
    states = [row["status"] for row in results(tmp_path)]
    assert states == [FINISHED, UNFINISHED, UNFINISHED]
    (first, *_) = results(tmp_path)
    done = sweep(*arguments)
    assert done.returncode == 0, done.stderr
    assert "3 runs, 1 of them finished before." in done.stdout
    rows = results(tmp_path)
    assert rows[0] == first
    assert [row["status"] for row in rows] == [FINISHED] * 3


@pytest.mark.slow
def test_ctrl_c_ends_the_runs_of_other_processes_too(tmp_path):
    """Each after its iteration, with its checkpoint and its history."""
    arguments = [
        f"--game={GAME}",
        "--parameter=lr=0.001,0.002,0.003",
        "--iterations=100000000",
        "--jobs=2",
        f"--output_dir={tmp_path}",
    ]
    command = [sys.executable, str(EXAMPLES / "sweep.py"), *arguments]
    group = {"start_new_session": True, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, **group) as process:
        try:
            scripts.wait_for(lambda: len(list(tmp_path.glob("runs/*/.lock"))) == 2)
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does
            _, error = process.communicate(timeout=300)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    assert process.returncode == 130
    assert "Traceback" not in error
    states = [row["status"] for row in results(tmp_path)]
    assert states == [INTERRUPTED, INTERRUPTED, UNFINISHED]
    for row in results(tmp_path)[:2]:
        own = tmp_path / row["directory"]
        with np.load(own / "checkpoint.npz") as file:
            assert int(file["num_iterations"]) == int(row["iterations"])
        lines = (own / "exploitability.csv").read_text().splitlines()
        assert len(lines) == int(row["iterations"]) + 2


def test_a_torn_record_is_named_and_its_run_done_anew(tmp_path):
    arguments = ["--parameter=lr=1,2", "--iterations=2", f"--output_dir={tmp_path}"]
    assert sweep(*arguments).returncode == 0
    before = results(tmp_path)
    torn = tmp_path / before[1]["directory"] / "run.json"
    torn.write_text('{"status": "fini')
    (tmp_path / "results.csv").write_text("game,sol")
    done = sweep(*arguments)
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if "no record" in line]
    assert line.startswith(f"`{torn}` is no record of a run: ")
    assert "2 runs, 1 of them finished before." in done.stdout
    after = results(tmp_path)
    assert after[0] == before[0]
    assert after[1]["exploitability"] == before[1]["exploitability"]


def test_runs_may_join_a_sweep_but_not_leave_it(tmp_path):
    start = ["--iterations=2", f"--output_dir={tmp_path}"]
    assert sweep(*start, "--parameter=lr=1").returncode == 0
    assert sweep(*start, "--parameter=lr=1,2").returncode == 0
    before = results(tmp_path)
    other = sweep(*start, "--parameter=lr=2,3")
    assert other.returncode == 1
    assert "holds 1 runs that this command does not ask for" in other.stderr
    shorter = sweep("--iterations=1", start[1], "--parameter=lr=1,2")
    assert "holds a run of iterations=2, this one has iterations=1" in shorter.stderr
    with directory.locked(tmp_path):
        second = sweep(*start, "--parameter=lr=1,2")
    assert f"`{tmp_path}` is in use by process {os.getpid()}" in second.stderr
    assert results(tmp_path) == before
    forced = sweep(*start, "--parameter=lr=3", "--force")
    assert forced.returncode == 0, forced.stderr
    assert len(results(tmp_path)) == 1


def test_solvers_that_learn_leave_a_log(tmp_path):
    done = sweep(
        "--algorithm=deep_mirror_descent",
        "--algorithm=mirror_descent",
        "--parameter=deep_mirror_descent.dqn_updates=12",
        "--parameter=deep_mirror_descent.dqn_width=6",
        "--iterations=2",
        f"--output_dir={tmp_path}",
    )
    assert done.returncode == 0, done.stderr
    deep, exact = (tmp_path / row["directory"] / "log.csv" for row in results(tmp_path))
    with open(deep, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["iteration"] for row in rows] == ["0", "1", "2"]
    assert all(float(row["loss"]) > 0 for row in rows[1:])
    assert not exact.exists()


def test_stopping_flags_hold(tmp_path):
    done = sweep("--relative_tolerance=0.99", f"--output_dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    (row,) = results(tmp_path)
    assert 0 < int(row["iterations"]) < 300


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--game=beach_bar_2021"], "Did you mean 'beach_bar_2020'?"),
        (["--game=mfg_beach_bar(sise=3)"], "Unknown parameter 'sise'"),
        (["--algorithm=mirror_decent"], "Did you mean 'mirror_descent'?"),
        (["--parameter=dampin=0.5"], "Did you mean 'damping'?"),
        (["--parameter=lr=1,high"], "`lr` must be a number. Received: 'high'"),
        (["--parameter=lr=1,"], "`lr` must be a number. Received: ''"),
        (["--parameter=lr"], "`parameter` must be NAME=VALUE"),
        (["--parameter=fixed_point.lr=1"], "solver in this sweep called 'fixed_point'"),
        (
            ["--algorithm=q_learning_fictitious_play", "--seeds=a"],
            "`seed` must be an integer",
        ),
    ],
)
def test_mistakes_end_in_one_line_before_work_starts(tmp_path, arguments, message):
    done = sweep(*arguments, f"--output_dir={tmp_path / 'sweep'}")
    assert done.returncode != 0
    (line,) = done.stderr.strip().splitlines()
    assert message in line
    assert not (tmp_path / "sweep").exists()


@pytest.mark.parametrize(
    ("backend", "package"), [("dask", "distributed"), ("ray", "ray")]
)
def test_a_missing_cluster_package_is_named(monkeypatch, backend, package):
    monkeypatch.setattr(processes.importlib.util, "find_spec", lambda name: None)
    done = sweep(backend=backend)
    assert done.returncode == 1
    assert f"needs the package `{package}`" in done.stderr


def row(lr, seed, best, status=FINISHED):
    return {
        "game": "g",
        "solver": "s",
        "parameter.lr": lr,
        "seed": seed,
        "status": status,
        "best_exploitability": best,
        "exploitability": 2 * best,
        "seconds": 1.5,
    }


def test_the_best_parameters_have_the_lowest_mean_of_those_that_finished():
    table = sweep_tables.markdown(
        [
            row(0.1, 0, 1.0),
            row(1.0, 0, 0.1),  # the best run, but not the best mean
            row(0.1, 1, 2.0),
            row(1.0, 1, 9.0),
            row(10.0, 0, 0.01),
            row(10.0, 1, 0.0, FAILED),
        ]
    )
    *_, line = table.splitlines()
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    spread = f"{2**-0.5:.2g}"  # of 1 and 2, with Bessel's correction
    assert cells == [
        "`g`",
        "`s`",
        "`lr=0.1`",
        "2",
        f"1.5 ± {spread}",
        "3 ± 1.4",
        "1.5",
        "1 worse, 1 failed or unfinished",
    ]


def test_a_table_without_any_finished_run_says_so():
    *_, line = sweep_tables.markdown([row(1, 0, 0.0, UNFINISHED)]).splitlines()
    assert "| 0 |" in line
    assert "1 failed or unfinished" in line


def test_the_script_explains_itself():
    command = [sys.executable, str(EXAMPLES / "sweep.py"), "--help"]
    shown = subprocess.run(command, capture_output=True, text=True)
    for flag in ("--backend", "--seeds", "--relative_tolerance", "force"):
        assert flag in shown.stdout
