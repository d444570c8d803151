"""A job and its directory: names, what is finished, going on, failing."""

import csv
import dataclasses
import json
import math
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys

import pytest

from algorithms import directory, run
from algorithms.job import DAMAGED, FAILED, FINISHED, STOP, UNFINISHED, Job, prepare_all
from algorithms.mirror_descent import MirrorDescent
from algorithms.record import INTERRUPTED

GAME = "mfg_beach_bar(size=6,horizon=4)"
STOPPING = dataclasses.asdict(run.Stopping())


def job(
    game=GAME, algorithm="mirror_descent", iterations=3, stopping=STOPPING, **given
):
    return Job(game, algorithm, given, iterations, stopping)


def history(root, done):
    with open(root / done.name / "exploitability.csv") as file:
        return [
            (int(row["iteration"]), float(row["exploitability"]), row["seconds"])
            for row in csv.DictReader(file)
        ]


def do(root, it):
    it.prepare(root)
    return it.do(root, threads=1)


def test_names_are_legible_and_those_of_files():
    name = job(lr=0.5, damping=0.1).name
    assert name.startswith(
        "mfg_beach_bar_size=6_horizon=4_mirror_descent_damping=0.1_lr=0.5-"
    )
    assert job(damping=0.1, lr=0.5).name == name
    assert name == pickle.loads(pickle.dumps(job(lr=0.5, damping=0.1))).name


def test_settings_are_those_of_the_preset():
    it = job(algorithm="deep_mirror_descent", preset="released", tau=3.0)
    found = it.settings["parameters"]
    assert found["dqn_learning_rate"] == 0.01
    assert found["tau"] == 3.0


def test_names_differ_as_runs_do():
    different = [
        job(),
        job(lr=0.5),
        job(lr=0.25),
        job(game="mfg_beach_bar(size=6_horizon=4)"),  # legible as the same
        job(game="x" * 300),
        job(game="x" * 301),
    ]
    names = {it.name for it in different}
    assert len(names) == len(different)
    assert max(map(len, names)) < 200
    assert job(device="/CPU:0", iterations=9).name == job().name


def test_a_directory_says_what_was_found(tmp_path):
    it = job(lr=0.5)
    assert it.record(tmp_path) == {"status": UNFINISHED}
    found = do(tmp_path, it)
    solver = MirrorDescent(GAME, lr=0.5)
    expected = [record.exploitability for record in run.run(solver, 3).history]
    values = [value for _, value, _ in history(tmp_path, it)]
    assert values == pytest.approx(expected, rel=1e-12)
    assert found == json.loads((tmp_path / it.name / "run.json").read_text())
    assert found["status"] == FINISHED
    assert found["exploitability"] == values[-1]
    assert found["best_exploitability"] == min(values)
    assert found["settings"]["parameters"]["lr"] == 0.5
    assert found["settings"]["parameters"]["damping"] == 0.0
    assert found["versions"]["tensorflow"].startswith("2.")


def test_it_is_finished_with_the_same_settings_only(tmp_path):
    do(tmp_path, job(lr=0.5))
    assert job(lr=0.5).is_finished(tmp_path)
    assert job(lr=0.5, device="/CPU:0").is_finished(tmp_path)
    assert not job(lr=0.25).is_finished(tmp_path)
    assert not job(lr=0.5, iterations=4).is_finished(tmp_path)
    other = STOPPING | {"patience": 2}
    assert not job(lr=0.5, stopping=other).is_finished(tmp_path)


def test_more_iterations_go_on_from_the_checkpoint(tmp_path):
    do(tmp_path, job(lr=0.5))
    first = history(tmp_path, job(lr=0.5))
    do(tmp_path, job(lr=0.5, iterations=6))
    more = history(tmp_path, job(lr=0.5))
    assert more[:4] == first  # the seconds too: they were not run again
    solver = MirrorDescent(GAME, lr=0.5)
    expected = [record.exploitability for record in run.run(solver, 6).history]
    assert [value for _, value, _ in more] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"iterations": 2}, "holds a run of iterations=3, this one has iterations=2"),
        (
            {"stopping": STOPPING | {"absolute_tolerance": 1e-9}},
            "a run of absolute_tolerance=0.0, this one has absolute_tolerance=1e-09",
        ),
    ],
)
def test_a_run_with_another_end_is_not_overwritten(tmp_path, changes, difference):
    do(tmp_path, job())
    checkpoint = tmp_path / job().name / "checkpoint.npz"
    before = checkpoint.read_bytes()
    with pytest.raises(ValueError, match=f"{difference}: use --force"):
        prepare_all([job(lr=0.5), job(**changes)], tmp_path)
    assert checkpoint.read_bytes() == before
    assert job().is_finished(tmp_path)
    assert not (tmp_path / job(lr=0.5).name).exists()
    prepare_all([job(**changes)], tmp_path, anew=True)
    assert not checkpoint.exists()
    assert not job().is_finished(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"status": "fini',
        "[]",
        '{"status": "finished"}',
        '{"status": "finished", "settings": {"iterations": 3}}',
        '{"status": "done", "settings": {"iterations": 3}}',
        '{"status": "unfinished", "settings": 3}',
        "\x00\xff",
    ],
)
def test_a_damaged_record_is_named_and_its_run_done_anew(tmp_path, capsys, text):
    it = job()
    own = tmp_path / it.name
    own.mkdir()
    (own / "run.json").write_text(text)
    (own / "checkpoint.npz").write_text("of whatever the record was of")
    assert it.record(tmp_path)["status"] == DAMAGED
    assert not it.is_finished(tmp_path)
    prepare_all([it], tmp_path)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"`{own / 'run.json'}` is no record of a")
    assert line.endswith("This run is done anew.")
    assert it.record(tmp_path)["status"] == UNFINISHED
    assert not (own / "checkpoint.npz").exists()


def test_a_damaged_checkpoint_is_named_and_its_run_done_anew(tmp_path, capsys):
    do(tmp_path, job())
    checkpoint = tmp_path / job().name / "checkpoint.npz"
    torn = checkpoint.read_bytes()[:-100]
    more = job(iterations=5)
    for content in (torn, b"", b"no archive"):
        checkpoint.write_bytes(content)
        prepare_all([more], tmp_path)
        (line,) = capsys.readouterr().out.splitlines()
        assert line.startswith(f"`{checkpoint}` is damaged")
        assert line.endswith("This run is done anew.")
    assert more.do(tmp_path, threads=1)["status"] == FINISHED
    assert len(history(tmp_path, more)) == 6


def test_a_run_without_its_history_is_not_finished(tmp_path):
    do(tmp_path, job())
    (tmp_path / job().name / "exploitability.csv").unlink()
    assert not job().is_finished(tmp_path)


def test_a_file_ends_the_jobs_beside_it(tmp_path, monkeypatch):
    """With their checkpoints, from which they go on; those to come do not begin."""
    step = MirrorDescent.iteration

    def stop(solver, *arguments):
        (tmp_path / STOP).write_text(str(int(signal.SIGTERM)))
        step(solver, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(MirrorDescent, "iteration", stop)
        found = do(tmp_path, job())
    assert found == job().record(tmp_path)
    assert (found["status"], found["iterations"]) == (INTERRUPTED, 1)
    assert found["reason"] == "SIGTERM interrupted it"
    assert [iteration for iteration, *_ in history(tmp_path, job())] == [0, 1]
    assert do(tmp_path, job(lr=0.5))["status"] == UNFINISHED
    (tmp_path / STOP).unlink()
    before = history(tmp_path, job())
    assert do(tmp_path, job())["status"] == FINISHED
    assert history(tmp_path, job())[:2] == before


def test_two_processes_do_not_do_one_job(tmp_path):
    it = job()
    it.prepare(tmp_path)
    with directory.locked(tmp_path / it.name):
        found = it.do(tmp_path, threads=1)
    assert found["status"] == FAILED
    assert f"is in use by process {os.getpid()}" in found["error"]
    assert it.record(tmp_path)["status"] == UNFINISHED  # that is the other one's


def test_errors_are_an_outcome(tmp_path, monkeypatch):
    it = job(lr=-1.0)
    found = do(tmp_path, it)
    assert found["status"] == it.record(tmp_path)["status"] == FAILED
    assert found["error"].startswith("ValueError: `lr` must be")
    assert "mirror_descent.py" in found["traceback"]
    assert not it.is_finished(tmp_path)
    diverging = property(lambda self: math.nan)
    with monkeypatch.context() as patch:
        patch.setattr(MirrorDescent, "exploitability", diverging)
        found = do(tmp_path, job())
    assert found["error"].startswith("FloatingPointError: ")
    assert do(tmp_path, job())["status"] == FINISHED


def test_an_orphan_leaves_its_job_unfinished(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getppid", lambda: 1)
    assert do(tmp_path, job())["status"] == FINISHED  # no orphan, but the main process
    monkeypatch.setattr(multiprocessing, "parent_process", object)
    monkeypatch.setattr(os, "_exit", sys.exit)
    with pytest.raises(SystemExit):
        do(tmp_path, job(lr=0.5))
    assert job(lr=0.5).record(tmp_path)["status"] == UNFINISHED


def test_a_process_of_its_own_has_so_many_threads(tmp_path):
    it = job(iterations=1)
    it.prepare(tmp_path)
    code = (
        "import pathlib, pickle, sys\n"
        "job = pickle.loads(bytes.fromhex(sys.argv[1]))\n"
        "assert 'tensorflow' not in sys.modules\n"
        "job.do(pathlib.Path(sys.argv[2]), threads=7)\n"
        "threads = pathlib.Path('/proc/self/task').glob('*/comm')\n"
        "print([path.read_text().strip() for path in threads].count('tf_Compute'))\n"
    )
    arguments = [pickle.dumps(it).hex(), str(tmp_path)]
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert it.is_finished(tmp_path)
    assert done.stdout.split() == ["7" if sys.platform == "linux" else "0"]
