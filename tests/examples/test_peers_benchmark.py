"""The comparison with MFGLib as far as it goes without MFGLib."""

import csv
import pathlib
import sys

import pyspiel
import pytest
import scripts
import tensorflow as tf

BENCHMARK = pathlib.Path(__file__).parents[2] / "examples" / "benchmark"
sys.path.insert(0, str(BENCHMARK))

import peer_contests  # noqa: E402 (examples are scripts, not a package)
import remote  # noqa: E402

ANSWER = """
import dataclasses, json, sys, timing
case = json.loads(sys.argv[1])
for line in sys.stdin:
    found = timing.Timing(0.5, case["n"], 1.0, 2.0, float(line), 3.0, 4.0)
    print(json.dumps(dataclasses.asdict(found)), flush=True)
"""


@pytest.fixture
def start(tmp_path):
    started = []

    def start_worker(script, limit=60.0):
        path = tmp_path / "worker.py"
        path.write_text(script)
        started.append(remote.RemoteStopwatch(sys.executable, path, {"n": 7}, limit))
        return started[-1]

    yield start_worker
    for stopwatch in started:
        stopwatch.close()


def test_worker_answers_each_round(start):
    stopwatch = start(ANSWER)
    for seconds in (0.25, 1.5):
        timing = stopwatch.run(seconds)
        assert timing.iterations == 7
        assert timing.exploitability == seconds


def test_worker_that_takes_too_long_is_given_up(start):
    with pytest.raises(remote.Stopped, match=r"no iteration in 0\.1 s"):
        start("import time; time.sleep(60)", limit=0.1).run(1.0)


def test_worker_without_memory_is_given_up(start):
    with pytest.raises(remote.Stopped, match="out of memory"):
        start("bytearray(2**62)").run(1.0)


def test_worker_that_fails_says_why(start):
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        start("1 / 0").run(1.0)


SMALL = [match for match in peer_contests.matches(False) if match.size[0] <= 1000]


@pytest.mark.parametrize("match", SMALL, ids=lambda m: f"{m.game}-{m.size[0]}")
def test_sizes_in_the_table_are_the_games(match):
    dynamics = pyspiel.load_game(match.game, dict(match.parameters)).dynamics
    actions = match.size[1] + (match.game == "mfg_building")  # to stay is ours alone
    found = dynamics.num_states, dynamics.num_actions, dynamics.horizon
    assert found == (match.size[0], actions, match.size[2])


def test_table_of_ours_alone(tmp_path, monkeypatch):
    threads = []
    for kind in ("intra", "inter"):  # cannot be changed once TensorFlow has computed
        setter = f"set_{kind}_op_parallelism_threads"
        monkeypatch.setattr(tf.config.threading, setter, threads.append)
    with scripts.loaded(BENCHMARK / "peers.py") as script:
        scripts.call(script, "--quick", f"--output_dir={tmp_path}")
    assert threads == [2, 2]
    with open(tmp_path / "peers.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["game"] for row in rows][:2] == ["mfg_beach_bar", "mfg_building"]
    assert len(rows) == 9
    assert all(float(row["min ms"]) > 0 for row in rows)
    assert rows[0]["threads"] == "2"
