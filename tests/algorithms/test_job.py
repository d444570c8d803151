"""A job and its directory: names, what is finished, going on, failing."""

import csv
import dataclasses
import json
import math
import multiprocessing
import os
import pickle
import subprocess
import sys

import pytest

from algorithms import run
from algorithms.job import FAILED, FINISHED, UNFINISHED, Job
from algorithms.mirror_descent import MirrorDescent

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
    ("changes", "anew"),
    [
        ({"iterations": 2}, False),
        ({"stopping": STOPPING | {"absolute_tolerance": 1e-9}}, False),
        ({}, True),
    ],
)
def test_it_starts_again_if_more_than_the_end_has_changed(tmp_path, changes, anew):
    do(tmp_path, job())
    checkpoint = tmp_path / job().name / "checkpoint.npz"
    job().prepare(tmp_path)
    assert checkpoint.exists()
    job(**changes).prepare(tmp_path, anew)
    assert not checkpoint.exists()


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
