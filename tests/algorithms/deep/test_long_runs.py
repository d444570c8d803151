"""Long runs of a deep solver: kill -9, another device, numbers that go wrong."""

import csv
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from algorithms import array_file
from algorithms.logs import CsvLog, TensorBoardLog
from algorithms.munchausen_deep_mirror_descent import DeepMirrorDescent
from algorithms.run import run

GAME = "mfg_beach_bar(size=6,horizon=4)"
TINY = {"dqn_updates": 12, "dqn_players": 5, "dqn_batch_size": 8, "dqn_width": 6}

# Writes a checkpoint at every iteration, and hardly does anything else.
ENDLESS = f"""
import pathlib, sys
from algorithms.munchausen_deep_mirror_descent import DeepMirrorDescent
from algorithms.logs import CsvLog, TensorBoardLog
from algorithms.run import run
import mfg_games
directory = pathlib.Path(sys.argv[1])
run(
    DeepMirrorDescent.make({GAME!r}, **{TINY!r}), 10**6, progress=False,
    callbacks=[CsvLog(directory / "log.csv"), TensorBoardLog(directory / "curves")],
    checkpoint_path=directory / "checkpoint.npz", checkpoint_every=0.0,
)
"""


def solver(**changes):
    return DeepMirrorDescent.make(GAME, **(TINY | changes))


def iterations(path):
    return int(array_file.read(path)["num_iterations"])


def computed(result):
    """What does not depend on the time that a run takes."""
    return [
        (
            record.iteration,
            record.exploitability,
            record.metrics.get("loss"),
            record.metrics.get("updates"),
        )
        for record in result.history
    ]


def assert_same(found, expected):
    assert computed(found) == computed(expected)
    for name in ("state", "best_state"):
        ours, theirs = getattr(found, name), getattr(expected, name)
        assert ours.keys() == theirs.keys()
        for array in ours:
            np.testing.assert_array_equal(ours[array], theirs[array], array)


def kill_in_the_middle(directory):
    """Runs a process, and kills it when it has written a few checkpoints."""
    path = directory / "checkpoint.npz"
    process = subprocess.Popen([sys.executable, "-c", ENDLESS, str(directory)])
    try:
        deadline = time.monotonic() + 120
        while not path.exists() or iterations(path) < 5:
            assert time.monotonic() < deadline, "the run wrote no checkpoint"
            assert process.poll() is None, "the run ended by itself"
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return iterations(path)


@pytest.mark.xla
def test_a_killed_run_goes_on_with_the_same_numbers_and_logs(tmp_path):
    done = kill_in_the_middle(tmp_path)
    result = run(
        solver(),
        done + 3,
        callbacks=[CsvLog(tmp_path / "log.csv"), TensorBoardLog(tmp_path / "curves")],
        checkpoint_path=tmp_path / "checkpoint.npz",
        progress=False,
    )
    assert_same(result, run(solver(), done + 3, progress=False))
    assert not list(tmp_path.glob("*.partial"))
    with open(tmp_path / "log.csv", encoding="utf-8") as file:
        rows = [(int(row["iteration"]), row["loss"]) for row in csv.DictReader(file)]
    losses = [record.metrics.get("loss", "") for record in result.history]
    assert rows == [(k, str(loss)) for k, loss in enumerate(losses)]
    curves = EventAccumulator(str(tmp_path / "curves"), {"scalars": 0})
    curves.Reload()
    points = [(point.step, point.value) for point in curves.Scalars("loss")]
    assert points == [(k, pytest.approx(losses[k])) for k in range(1, done + 4)]


def test_a_checkpoint_is_read_on_another_device(tmp_path):
    path = tmp_path / "checkpoint.npz"
    saved = run(solver(), 1, checkpoint_path=path, progress=False)
    elsewhere = solver(device="/CPU:0")
    assert "device" not in elsewhere.parameters
    loaded = run(elsewhere, 1, checkpoint_path=path, progress=False)
    assert_same(loaded, saved)
    assert elsewhere.exploitability == saved.history[-1].exploitability


def test_a_loss_that_is_no_number_names_the_checkpoint(tmp_path):
    path = tmp_path / "checkpoint.npz"
    diverging = solver(dqn_learning_rate=1e12, dqn_clip_norm=0.0, dqn_optimizer="sgd")
    message = (
        r"loss is .* at update \d+ of iteration 0.*"
        rf"checkpoint, of iteration 0, in `{path}`"
    )
    with pytest.raises(FloatingPointError, match=message):
        run(diverging, 5, checkpoint_path=path, checkpoint_every=0.0, progress=False)
    assert iterations(path) == 0
