"""The run loop: history, stopping, best iterate, checkpoints, kill -9."""

import itertools
import math
import os
import re
import signal
import subprocess
import sys
import time

from measuring_solver import MeasuringSolver
import numpy as np
import pytest

from algorithms import array_file
from algorithms.exploitability import exploitability
from algorithms.fictitious_play import FictitiousPlay
from algorithms.mirror_descent import MirrorDescent
from algorithms.run import Stopping, run

GAME = "mfg_beach_bar(size=10,horizon=5)"

# A run that is slow enough to be killed in the middle, and writes at every iteration.
ENDLESS = f"""
import time
import mfg_games
from algorithms.mirror_descent import MirrorDescent
from algorithms.run import run
import sys
run(
    MirrorDescent({GAME!r}, lr=0.1), 10**6, checkpoint_path=sys.argv[1],
    checkpoint_every=0.0, callbacks=[lambda *_: time.sleep(0.01)], progress=False,
)
"""


def values(result):
    return [record.exploitability for record in result.history]


def test_the_history_has_a_record_before_the_first_and_after_each_iteration():
    result = run(FictitiousPlay(GAME), 7, progress=False)
    assert [record.iteration for record in result.history] == list(range(8))
    assert result.reason == "all 7 iterations are done"
    seconds = [record.seconds for record in result.history]
    assert seconds == sorted(seconds)
    by_hand = FictitiousPlay(GAME)
    for value in values(result):
        assert value == by_hand.exploitability
        by_hand.iteration()


def test_zero_iterations_evaluate_the_first_policy():
    result = run(FictitiousPlay(GAME), 0, progress=False)
    assert len(result.history) == 1
    assert result.best == result.history[0]


def test_the_best_iterate_is_returned_beside_the_last():
    # This rate overshoots, so that the last iterate is not the best.
    result = run(MirrorDescent(GAME, lr=20.0), 10, progress=False)
    assert result.best.exploitability == min(values(result))
    assert result.best.exploitability < result.history[-1].exploitability
    game = result.policy.game
    assert exploitability(game, result.best_policy) == pytest.approx(
        result.best.exploitability, abs=1e-12
    )
    assert exploitability(game, result.policy) == pytest.approx(
        values(result)[-1], abs=1e-12
    )


@pytest.mark.parametrize(
    ("stopping", "reason"),
    [
        (Stopping(absolute_tolerance=0.3), "exploitability reached 0.3"),
        (Stopping(relative_tolerance=0.5), "exploitability reached 0.52"),
        (Stopping(seconds=0.0), "0 seconds are over"),
    ],
)
def test_stopping_rules(stopping, reason):
    result = run(MirrorDescent(GAME, lr=0.1), 10_000, stopping, progress=False)
    assert result.reason.startswith(reason)
    assert len(result.history) < 10_000


def test_stagnation_stops_after_patience_iterations_without_a_new_best():
    stopping = Stopping(patience=4)
    result = run(MirrorDescent(GAME, lr=20.0), 10_000, stopping, progress=False)
    assert result.reason == "no new best in 4 iterations"
    assert result.history[-1].iteration - result.best.iteration == 4


def test_callbacks_see_the_solver_and_every_record():
    seen = []
    run(
        FictitiousPlay(GAME),
        3,
        callbacks=[lambda solver, record: seen.append((solver.num_iterations, record))],
        progress=False,
    )
    assert [iteration for iteration, _ in seen] == [0, 1, 2, 3]
    assert all(record.iteration == iteration for iteration, record in seen)


def test_negative_iterations_are_refused():
    with pytest.raises(ValueError, match=r"`iterations` must not be negative.*-1"):
        run(FictitiousPlay(GAME), -1, progress=False)


def test_progress_shows_rate_and_exploitability(capsys):
    run(FictitiousPlay(GAME), 3)
    shown = capsys.readouterr().err
    assert "it/s" in shown
    assert "exploitability" in shown
    assert "best" in shown
    assert "moves/s" not in shown


def test_progress_shows_losses_and_rates_of_solvers_that_measure(capsys):
    run(MeasuringSolver(GAME), 4)
    shown = capsys.readouterr().err
    assert "loss 0.25, " in shown
    assert "moves/s, " in shown
    assert "updates/s" in shown


def test_records_hold_what_the_solver_measured():
    history = run(MeasuringSolver(GAME), 3, progress=False).history
    assert history[0].metrics == {}
    for before, record in itertools.pairwise(history):
        seconds = record.seconds - before.seconds
        assert record.metrics == {
            "loss": 1 / record.iteration,
            "moves": 64.0,
            "updates": 8.0,
            "moves_per_second": 64 / seconds,
            "updates_per_second": 8 / seconds,
        }


def test_a_resumed_run_remembers_what_was_measured(tmp_path):
    path = tmp_path / "checkpoint.npz"
    first = run(MeasuringSolver(GAME), 3, checkpoint_path=path, progress=False)
    resumed = run(MeasuringSolver(GAME), 5, checkpoint_path=path, progress=False)
    assert resumed.history[:4] == first.history
    assert resumed.history[5].metrics["loss"] == 1 / 5
    assert int(resumed.state["moves"]) == 5 * 64


@pytest.mark.parametrize("solver_class", [FictitiousPlay, MirrorDescent])
def test_a_resumed_run_has_the_numbers_of_an_unbroken_one(tmp_path, solver_class):
    path = tmp_path / "checkpoint.npz"
    unbroken = run(solver_class(GAME), 20, progress=False)
    run(solver_class(GAME), 8, checkpoint_path=path, progress=False)
    resumed = run(solver_class(GAME), 20, checkpoint_path=path, progress=False)
    assert values(resumed) == values(unbroken)
    np.testing.assert_array_equal(
        resumed.policy.probabilities, unbroken.policy.probabilities
    )
    np.testing.assert_array_equal(
        resumed.best_policy.probabilities, unbroken.best_policy.probabilities
    )


@pytest.mark.xla  # as the run that is killed
def test_a_killed_run_goes_on_with_the_same_numbers(tmp_path):
    path = tmp_path / "checkpoint.npz"
    process = subprocess.Popen([sys.executable, "-c", ENDLESS, str(path)])
    try:
        deadline = time.monotonic() + 120
        while not path.exists() or _iterations(path) < 5:
            assert time.monotonic() < deadline, "the run wrote no checkpoint"
            assert process.poll() is None, "the run ended by itself"
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = _iterations(path)
    resumed = run(
        MirrorDescent(GAME, lr=0.1), done + 5, checkpoint_path=path, progress=False
    )
    unbroken = run(MirrorDescent(GAME, lr=0.1), done + 5, progress=False)
    assert values(resumed) == values(unbroken)
    assert not [name for name in os.listdir(tmp_path) if "partial" in name]


def _iterations(path):
    return int(array_file.read(path)["num_iterations"])


@pytest.mark.parametrize(
    "other",
    [
        lambda: MirrorDescent(GAME),
        lambda: FictitiousPlay(GAME, lr=0.5),
        lambda: FictitiousPlay("mfg_beach_bar(size=10,horizon=6)"),
    ],
    ids=["solver", "parameter", "game"],
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path, other):
    path = tmp_path / "checkpoint.npz"
    run(FictitiousPlay(GAME), 2, checkpoint_path=path, progress=False)
    with pytest.raises(ValueError, match="is a checkpoint of"):
        run(other(), 2, checkpoint_path=path, progress=False)


def test_a_checkpoint_with_nan_in_its_state_is_refused(tmp_path):
    path = tmp_path / "checkpoint.npz"
    solver = MirrorDescent("mfg_sis(horizon=3)", lr=0.5)
    run(solver, 2, checkpoint_path=path, progress=False)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files if name != "contents"}
    arrays["state/scores"].flat[3] = np.nan
    array_file.write(path, **arrays)
    solver = MirrorDescent("mfg_sis(horizon=3)", lr=0.5)
    with pytest.raises(ValueError, match=r"checkpoint\.npz.*`state/scores` holds NaN"):
        run(solver, 4, checkpoint_path=path, progress=False)


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "checkpoint.npz"
    path.write_text("not an archive")
    with pytest.raises(ValueError, match=r"damaged or no \.npz file"):
        run(FictitiousPlay(GAME), 2, checkpoint_path=path, progress=False)


OF_NO_CHECKPOINT = {
    "other arrays": lambda arrays: {"state/average": np.zeros(3)},
    "a text for the state": lambda arrays: {"state/average": np.array("text")},
    "another best state": lambda arrays: {"best/average": np.zeros(3)},
    "columns without names": lambda arrays: {"metrics": np.array(["loss"])},
    "no number in the history": lambda arrays: {"history": arrays["history"] * np.nan},
    "an empty history": lambda arrays: {"history": np.zeros((0, 3))},
    "a number for the game": lambda arrays: {"identity": np.array("7")},
}


@pytest.mark.parametrize("changed", OF_NO_CHECKPOINT.values(), ids=OF_NO_CHECKPOINT)
def test_arrays_that_are_of_no_run_are_refused(tmp_path, changed):
    path = tmp_path / "checkpoint.npz"
    run(FictitiousPlay(GAME), 2, checkpoint_path=path, progress=False)
    arrays = array_file.read(path)
    array_file.write(path, **arrays | changed(arrays))
    with pytest.raises(ValueError, match=re.escape(f"`{path}` ")):
        run(FictitiousPlay(GAME), 2, checkpoint_path=path, progress=False)


def test_no_number_stops_the_run_and_names_the_iteration(tmp_path):
    path = tmp_path / "checkpoint.npz"
    solver = MirrorDescent(GAME, lr=0.1)

    def spoil(solver, record):
        if record.iteration == 3:
            state = solver.state["scores"].numpy()
            state[0, 0] = math.nan
            solver.restore({"scores": state}, 3)

    with pytest.raises(FloatingPointError, match=r"at iteration [34]"):
        run(
            solver,
            10,
            callbacks=[spoil],
            checkpoint_path=path,
            checkpoint_every=0.0,
            progress=False,
        )


def spoilt(iteration):
    """A solver whose loss is no number in an iteration."""
    solver = MeasuringSolver(GAME)
    solver.spoilt = {iteration: math.nan}
    return solver


def test_a_metric_that_is_no_number_stops_the_run_and_names_the_checkpoint(tmp_path):
    path = tmp_path / "checkpoint.npz"
    message = (
        r"the loss is nan at iteration 4\. The run stopped after 4 iterations and left "
        rf"its last good checkpoint, of iteration 3, in `{path}`\."
    )
    settings = {"checkpoint_path": path, "checkpoint_every": 0.0, "progress": False}
    with pytest.raises(FloatingPointError, match=message):
        run(spoilt(4), 10, **settings)
    assert _iterations(path) == 3
    # The checkpoint is good: the run goes on from it, and may stop again later.
    with pytest.raises(FloatingPointError, match=r"checkpoint, of iteration 5"):
        run(spoilt(6), 10, **settings)
    resumed = run(MeasuringSolver(GAME), 7, **settings)
    assert values(resumed) == values(run(MirrorDescent(GAME, lr=0.1), 7))


def test_a_run_that_stops_at_once_after_it_was_resumed_names_the_checkpoint(tmp_path):
    path = tmp_path / "checkpoint.npz"
    run(MeasuringSolver(GAME), 2, checkpoint_path=path, progress=False)
    with pytest.raises(FloatingPointError, match="checkpoint, of iteration 2"):
        run(spoilt(3), 4, checkpoint_path=path, progress=False)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (None, "after 2 iterations and had no checkpoint file"),
        ("new.npz", "after 2 iterations and had not written its checkpoint `.*new.npz"),
    ],
)
def test_a_run_that_stops_without_a_checkpoint_says_so(tmp_path, name, message):
    path = name and tmp_path / name
    with pytest.raises(FloatingPointError, match=message):
        run(spoilt(2), 4, checkpoint_path=path, progress=False)


def test_the_csv_has_one_row_for_each_record(tmp_path):
    result = run(FictitiousPlay(GAME), 3, progress=False)
    result.save_csv(tmp_path / "run.csv")
    lines = (tmp_path / "run.csv").read_text().splitlines()
    assert lines[0] == "iteration,exploitability,seconds"
    assert [float(line.split(",")[1]) for line in lines[1:]] == values(result)
