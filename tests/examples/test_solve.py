"""The main job as a user runs it."""

import contextlib
import csv
import errno
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import types

from absl import flags
from absl.testing import flagsaver
import matplotlib.image
import pyspiel
import pytest
import scripts
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from algorithms import record
from algorithms.exploitability import exploitability
from algorithms.mirror_descent import MirrorDescent
from algorithms.policy_file import load_policy
import mfg_games  # noqa: F401 (registers)

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))

import solve as script  # noqa: E402 (examples are scripts, not a package)

GAME = "mfg_beach_bar(size=6,horizon=4)"


def solve(*arguments):
    """Runs the script in this process, which has TensorFlow loaded already."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        flagsaver.flagsaver(),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            script.main(flags.FLAGS(["solve.py", *arguments]))
        except SystemExit as end:  # as the interpreter does it
            code = end.code if isinstance(end.code, int) else 1
            err.write("" if isinstance(end.code, int) else str(end.code))
    return types.SimpleNamespace(
        returncode=code, stdout=out.getvalue(), stderr=err.getvalue()
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    output = tmp_path_factory.mktemp("run")
    done = solve(
        f"--game={GAME}",
        "--algorithm=fictitious_play",
        "--iterations=20",
        f"--output_dir={output}",
        "--duality_gap",
    )
    assert done.returncode == 0, done.stderr
    return output, done


def test_it_prints_a_table(finished):
    _, done = finished
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["iteration", "exploitability", "seconds"] in rows
    shown = [row[0] for row in rows if row and row[0].isdigit()]
    assert shown == ["0", "1", "2", "5", "10", "20"]
    assert "Traceback" not in done.stderr


def test_it_leaves_tables_pictures_policy_and_run(finished):
    output, _ = finished
    with open(output / "exploitability.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 21
    for picture in ("exploitability.png", "flow.png"):
        assert matplotlib.image.imread(output / picture).size > 0
    run = json.loads((output / "run.json").read_text())
    assert run["game_parameters"]["size"] == 6
    assert run["algorithm"] == "fictitious_play"
    assert run["exploitability"] == float(rows[-1]["exploitability"])
    assert run["versions"]["tensorflow"].startswith("2.21")
    policy = load_policy(output / "policy.npz", pyspiel.load_game(GAME))
    value = exploitability(policy.game, policy)
    assert value == pytest.approx(run["best_exploitability"], abs=1e-12)


def test_it_bounds_the_potential(finished):
    output, done = finished
    with open(output / "duality_gap.csv") as file:
        last = list(csv.DictReader(file))[-1]
    said = f"at most {float(last['gap']):.3g} below its maximum"
    assert last["iteration"] == "20"
    assert said in done.stdout
    assert 0 < float(last["gap"]) <= float(last["exploitability"])
    other = solve("--game=mfg_sis", "--duality_gap", f"--output_dir={output / 'sis'}")
    assert "must declare a concave potential" in other.stderr


def test_it_resumes(finished):
    output, _ = finished
    more = solve(
        f"--game={GAME}",
        "--algorithm=fictitious_play",
        "--iterations=25",
        f"--output_dir={output}",
        "--resume",
    )
    assert more.returncode == 0, more.stderr
    with open(output / "exploitability.csv") as file:
        assert len(list(csv.DictReader(file))) == 26


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            [],
            "holds this run already: use --resume to go on with it, --force",
        ),
        (["--game=mfg_sis"], "a run of game=mfg_beach_bar, this one has game=mfg_sis:"),
        (["--game=mfg_beach_bar(size=7,horizon=4)"], "a run of size=6, this one has"),
        (
            ["--algorithm=mirror_descent"],
            "a run of algorithm=fictitious_play, this",
        ),
        (["--lr=0.5"], "a run of lr=None, this one has lr=0.5: use --force or another"),
        (["--resume", "--lr=0.5"], "a run of lr=None, this one has lr=0.5"),
        (["--resume", "--force"], "one of --resume and --force"),
    ],
)
def test_a_directory_belongs_to_one_run(finished, arguments, message):
    output, _ = finished
    before = {path: path.read_bytes() for path in output.iterdir()}
    start = [f"--game={GAME}", "--algorithm=fictitious_play", f"--output_dir={output}"]
    done = solve(*start, *arguments)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert message in line
    assert {path: path.read_bytes() for path in output.iterdir()} == before


@pytest.fixture
def breaking(monkeypatch):
    """Does something after the third iteration of mirror descent."""
    step = MirrorDescent.iteration

    def after_three(act):
        def iteration(solver, *arguments):
            step(solver, *arguments)
            if solver.num_iterations == 3:
                act()

        monkeypatch.setattr(MirrorDescent, "iteration", iteration)

    return after_three


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_signal_ends_the_run_after_its_iteration(tmp_path, breaking, number, code):
    breaking(lambda: scripts.interrupt(number))
    arguments = [f"--game={GAME}", "--iterations=9", f"--output_dir={tmp_path}"]
    done = solve(*arguments)
    assert done.returncode == code
    said = "The same command with --resume goes on from here."
    assert done.stderr.strip() == f"Interrupted by {number.name}. {said}"
    run = json.loads((tmp_path / "run.json").read_text())
    assert (run["status"], run["iterations"]) == ("interrupted", 3)
    names = {"checkpoint.npz", "exploitability.csv", "exploitability.png", "flow.png"}
    assert {path.name for path in tmp_path.iterdir()} == names | {
        "policy.npz",
        "run.json",
    }
    breaking(lambda: None)
    assert solve(*arguments, "--resume").returncode == 0
    run = json.loads((tmp_path / "run.json").read_text())
    assert (run["status"], run["iterations"]) == ("finished", 9)


def test_a_signal_before_the_first_iteration_leaves_nothing(tmp_path, monkeypatch):
    def make(*_, **given):
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()

    monkeypatch.setattr(MirrorDescent, "make", make)
    done = solve(f"--game={GAME}", f"--output_dir={tmp_path / 'run'}")
    assert done.returncode == 143
    assert done.stderr == "Interrupted by SIGTERM.\n"
    assert not (tmp_path / "run").exists()


def test_a_full_disk_ends_the_run_in_one_line(tmp_path, breaking, monkeypatch):
    arguments = [f"--game={GAME}", f"--output_dir={tmp_path}"]
    assert solve(*arguments, "--iterations=2").returncode == 0
    before = (tmp_path / "checkpoint.npz").read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    breaking(lambda: monkeypatch.setattr(os, "fsync", full))
    done = solve(*arguments, "--iterations=5", "--resume")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "No space left on device" in line
    assert str(tmp_path / "checkpoint.npz") in line
    assert (tmp_path / "checkpoint.npz").read_bytes() == before
    monkeypatch.undo()
    done = solve(*arguments, "--iterations=5", "--resume")
    assert done.returncode == 0, done.stderr


def test_a_file_in_the_way_is_named_before_any_work(tmp_path, breaking):
    (tmp_path / "file").write_text("mine")
    for name in ("file", "file/run"):
        done = solve(f"--game={GAME}", f"--output_dir={tmp_path / name}")
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert str(tmp_path / "file") in line
        assert "iteration" not in done.stdout
    assert (tmp_path / "file").read_text() == "mine"


def test_results_do_not_depend_on_their_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(script, "flow_picture", lambda policy: 1 / 0)
    done = solve(f"--game={GAME}", "--iterations=2", f"--output_dir={tmp_path}")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line == (
        f"The results are in {tmp_path}, but not all pictures: "
        "ZeroDivisionError: division by zero"
    )
    run = json.loads((tmp_path / "run.json").read_text())
    assert (run["status"], run["iterations"]) == ("finished", 2)
    assert (tmp_path / "policy.npz").exists()


def test_other_versions_are_named_when_a_run_goes_on(tmp_path, monkeypatch):
    arguments = [f"--game={GAME}", f"--output_dir={tmp_path}"]
    assert solve(*arguments, "--iterations=2").returncode == 0
    now = dict(record.versions())
    monkeypatch.setattr(record, "versions", lambda: now | {"numpy": "9.9"})
    done = solve(*arguments, "--iterations=3", "--resume")
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    path = tmp_path / "checkpoint.npz"
    then = f"was written under numpy={now['numpy']}."
    assert line == f"`{path}` goes on under numpy=9.9, but {then}"


def test_it_evaluates_a_policy_file(finished):
    output, _ = finished
    done = solve(f"--game={GAME}", f"--policy={output / 'policy.npz'}")
    assert done.returncode == 0, done.stderr
    best = json.loads((output / "run.json").read_text())["best_exploitability"]
    assert float(done.stdout.split()[-1]) == pytest.approx(best, rel=1e-6)
    other = solve("--game=mfg_sis", f"--policy={output / 'policy.npz'}")
    assert other.returncode != 0
    assert "holds a policy of" in other.stderr


def test_any_parameter_of_a_solver_can_be_given(tmp_path):
    done = solve(
        f"--game={GAME}",
        "--algorithm=q_learning_fictitious_play",
        "--parameter=episodes=100",
        "--parameter=batch_size=50",
        "--parameter=exploration=0.5",
        "--seed=3",
        "--iterations=2",
        f"--output_dir={tmp_path}",
    )
    assert done.returncode == 0, done.stderr
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["parameters"]["episodes"] == 100
    assert run["parameters"]["exploration"] == 0.5
    assert run["parameters"]["seed"] == 3


def test_parameters_may_be_words(tmp_path):
    done = solve(
        f"--game={GAME}",
        "--parameter=regulariser=tsallis",
        "--parameter=tsallis_order=1.5",
        "--iterations=2",
        f"--output_dir={tmp_path}",
    )
    assert done.returncode == 0, done.stderr
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["parameters"]["regulariser"] == "tsallis"


DEEP = [
    f"--game={GAME}",
    "--algorithm=deep_mirror_descent",
    "--parameter=dqn_updates=12",
    "--parameter=dqn_width=6",
]


def test_a_solver_that_learns_leaves_logs(tmp_path):
    arguments = [*DEEP, f"--output_dir={tmp_path}", "--tensorboard"]
    done = solve(*arguments, "--iterations=2")
    assert done.returncode == 0, done.stderr
    (row,) = [line for line in done.stdout.splitlines() if line.split()[:1] == ["2"]]
    assert "  loss " in row
    assert "moves/s" in row
    assert solve(*arguments, "--iterations=4", "--resume").returncode == 0
    with open(tmp_path / "log.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["iteration"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert all(float(row["loss"]) > 0 for row in rows[1:])
    curves = EventAccumulator(str(tmp_path / "tensorboard"))
    curves.Reload()
    assert [point.step for point in curves.Scalars("loss")] == [1, 2, 3, 4]


def test_an_exact_solver_leaves_no_logs(finished):
    output, _ = finished
    assert not (output / "log.csv").exists()
    assert not (output / "tensorboard").exists()


def test_numbers_that_go_wrong_end_in_one_line(tmp_path):
    spoil = [f"--parameter=dqn_{it}" for it in ("learning_rate=1e12", "clip_norm=0")]
    arguments = [*DEEP, *spoil, "--parameter=dqn_optimizer=sgd", "--iterations=3"]
    done = solve(*arguments, f"--output_dir={tmp_path}")
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("FloatingPointError: DeepMirrorDescent: the loss is")
    assert "stopped after 0 iterations" in line
    assert "checkpoint.npz" in line


def test_list_shows_games_settings_and_solvers():
    done = solve("--list")
    assert done.returncode == 0, done.stderr
    for name in ("mfg_beach_bar", "mfg_garnet", "sis_2022", "mirror_descent"):
        assert name in done.stdout


def test_the_script_runs_by_itself(tmp_path):
    command = [sys.executable, str(EXAMPLES / "solve.py")]
    shown = subprocess.run([*command, "--help"], capture_output=True, text=True)
    assert "--algorithm" in shown.stdout
    assert "Solves a mean field game" in shown.stdout
    arguments = [f"--game={GAME}", "--iterations=2", f"--output_dir={tmp_path}"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # none of TensorFlow's start-up notices
    assert (tmp_path / "run.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--game=mfg_beach_baz"], "Did you mean 'mfg_beach_bar'?"),
        (["--game=chess"], "`chess` is no mean field game."),
        (["--game=mfg_beach_bar(size=0)"], "`size`"),
        (["--setting=beach_bar_2021"], "beach_bar_2020"),
        (["--algorithm=mirror_decent"], "Did you mean 'mirror_descent'?"),
        (["--temperature=0.5"], "no parameter of mirror_descent called 'temperature'"),
        (["--lr=-1.0"], "`lr` must be"),
        (["--parameter=lr"], "`parameter` must be NAME=VALUE"),
        (["--parameter=lr=high"], "`lr` must be a number. Received: 'high'"),
        (["--parameter=regulariser=l2"], "`regulariser` must be one of entropy, eucl"),
        (["--policy=nowhere.npz"], "nowhere.npz"),
        (["game"], "Unexpected arguments"),
        (["--lr=1", "--parameter=lr=2"], "`lr` must be given once, not as '1.0' too"),
        (["--parameter=lr=1", "--parameter=lr=2"], "`lr` must be given once"),
        (["--setting=sis_2022", "--game=mfg_sis"], "`setting` must be left out beside"),
        (["--resume"], "holds no run to resume: leave out --resume."),
    ],
)
def test_mistakes_end_in_one_line(tmp_path, arguments, message):
    done = solve(*arguments, f"--output_dir={tmp_path / 'run'}")
    assert done.returncode != 0
    (line,) = done.stderr.strip().splitlines()
    assert message in line
    assert not (tmp_path / "run").exists()
