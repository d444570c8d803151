"""The benchmark of growing games, on tiny ones."""

import csv
import functools
import math
import multiprocessing
import pathlib
import sys

from absl import flags
import pytest
import tensorflow as tf

from algorithms.model.array_model import ArrayModel

BENCHMARK = pathlib.Path(__file__).parents[2] / "examples" / "benchmark"
sys.path.insert(0, str(BENCHMARK))

import growth  # noqa: E402 (examples are scripts, not a package)
import growth_contenders  # noqa: E402
import timing  # noqa: E402

FAST = ("stationary_fictitious_play_ergodic", "admm_room", "simulate", "epsilon_nash")
SOME = "stationary_fictitious_play"


def timed(median: float) -> timing.Timing:
    return timing.Timing(0.5, 3, median / 2, median, 0.0, 700.0, 1.0)


class Recorder(list):
    """What is sent."""

    send = list.append


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in FAST else pytest.mark.slow)
        for name in growth_contenders.CONTENDERS
    ],
)
def test_every_contender_runs(name, monkeypatch):
    plain = functools.partial(tf.function, autograph=False)
    monkeypatch.setattr(ArrayModel, "compile", lambda self, function: plain(function))
    monkeypatch.setattr(growth_contenders, "PLAYERS", 50)
    assert math.isfinite(growth_contenders.started(name, 9)())


def test_a_process_tells_when_it_is_set_up_and_what_each_size_took():
    messages = Recorder()
    growth_contenders.walk(messages, SOME, (4, 9), 0.0)
    assert messages[::2][0] == "imported"
    assert messages[1::2] == ["set up", "set up"]
    for found in messages[2::2]:
        assert 0 < found.least <= found.median


def test_the_end_of_memory_ends_a_contender(monkeypatch):
    def greedy(states):
        raise MemoryError

    monkeypatch.setattr(growth_contenders, "CONTENDERS", {"greedy": greedy})
    messages = Recorder()
    growth_contenders.walk(messages, "greedy", (4, 9), 0.0)
    assert messages == ["imported", growth_contenders.OUT_OF_MEMORY]


def test_who_does_not_answer_is_over_the_limit():
    mine, theirs = multiprocessing.Pipe(duplex=False)
    answer = functools.partial(growth._next_timing, mine, 0.0)
    theirs.send("imported")
    assert answer(imported=False) == "set-up over 0 s"
    theirs.send("set up")
    assert answer(imported=True) == "iteration over 0 s"
    theirs.send("set up")
    theirs.send(timed(2.0))
    assert answer(imported=True) == timed(2.0)
    theirs.send(growth_contenders.OUT_OF_MEMORY)
    assert answer(imported=True) == growth_contenders.OUT_OF_MEMORY


def test_tables_of_figures_and_of_reasons(tmp_path):
    rows = {
        "fast": {100: timed(1.0), 1000: timed(2.0), 10_000: timed(200.0)},
        "slow": {100: timed(1e3), 1000: "set-up over 9 s", 10_000: growth.NOT_TRIED},
    }
    text = growth.markdown(rows, 9.0)
    assert "| fast | 0.001 | 0.002 | 0.2 | 2.00 |" in text
    assert "| slow | 1 | set-up over 9 s | not tried |  |" in text
    assert "| slow | 0.5 | set-up over 9 s | not tried |" in text
    growth.save_csv(rows, tmp_path / "growth.csv")
    with open(tmp_path / "growth.csv", newline="") as file:
        first, *_, last = csv.DictReader(file)
    assert (first["outcome"], first["median s"]) == ("timed", "0.001")
    assert (last["states"], last["outcome"]) == ("10000", growth.NOT_TRIED)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "outcomes"),
    [("60", ["timed", "timed"]), ("0", ["set-up over 0 s", growth.NOT_TRIED])],
)
def test_the_command(limit, outcomes, tmp_path):
    given = flags.FlagValues()
    growth.define_flags(given)
    options = ["--largest=1000", f"--solvers={SOME}", f"--seconds={limit}"]
    given(["growth.py", *options, f"--output_dir={tmp_path}"])
    growth.main(["growth.py"], given)
    with open(tmp_path / "growth.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["outcome"] for row in rows] == outcomes
    assert [row["solver"] for row in rows] == [SOME, SOME]
    assert outcomes[-1] in (tmp_path / "growth.csv").read_text()
    assert SOME in (tmp_path / "growth.md").read_text()
