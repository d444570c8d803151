"""The comparison of deep solvers as far as it goes without OpenSpiel's JAX solver."""

import csv
import pathlib
import stat
import sys

import pytest
import scripts

BENCHMARK = pathlib.Path(__file__).parents[2] / "examples" / "benchmark"
sys.path.insert(0, str(BENCHMARK))

import deep_contests  # noqa: E402 (examples are scripts, not a package)
import remote  # noqa: E402

# An interpreter that answers as OpenSpiel's worker does: rounds take 2 s, learning
# alone takes 1 s, and acting alone is faster than the loop.
PEER = f"""#!{sys.executable}
import json, sys
if sys.argv[1] == "-c":
    print("1.2.3")
    sys.exit()
case = json.loads(sys.argv[2])
assert sys.argv[1].endswith("peers/openspiel_deep_worker.py")
assert case["agent"]["hidden_layers_sizes"] == [128, 128]
assert case["agent"]["batch_size"] == 128
assert case["agent"]["learn_every"] == 64
least = {{"acting": 1600.0, "learning": 1000.0, "loop": 2000.0}}[case["task"]]
found = dict(setup=0.5, iterations=3, least=least, median=least, exploitability=1.0,
             peak_memory=2.0, load=4.0)
for line in sys.stdin:
    print(json.dumps(found), flush=True)
"""


@pytest.fixture
def peer(tmp_path):
    path = tmp_path / "python"
    path.write_text(PEER)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_rates_of_ours_undo_what_they_are_made_of():
    fixed, update, move = 0.25, 0.002, 0.0005
    seconds = {
        "fixed": fixed + update + move,
        "loop": fixed + 100 * (update + move),
        "acting": fixed + 100 * (update + (1 + 16) * move),
    }
    rates = deep_contests.our_rates(100, 16, 64, seconds)
    assert rates.acting == pytest.approx(64 / 0.0005)
    assert rates.learning == pytest.approx(1 / 0.002)
    assert rates.moves == pytest.approx(6400 / 0.5)
    assert rates.updates == pytest.approx(100 / 0.5)


def test_rates_of_openspiel(peer):
    engine = deep_contests.Match(False, 0.0, None).upstream(peer, 60.0)
    rates = engine.found(remote.play(engine.tasks.values()))
    # 64 episodes of 40 moves, of which the agent counts 41 steps each, and 200 updates.
    assert rates.acting == pytest.approx(64 * 40 / 1.6)
    assert rates.learning == pytest.approx(200 / 1.0)
    assert rates.moves == pytest.approx(64 * 40 / 2.0)
    assert rates.updates == pytest.approx(41 / 2.0)


def test_both_learn_as_often():
    match = deep_contests.Match(False, 0.0, None)
    released = deep_contests.DeepMirrorDescent.presets["released"]
    dqn = released.dqn
    assert dqn.players * dqn.moves_per_update == deep_contests.MOVES_PER_UPDATE
    options = deep_contests.upstream_options(released)
    assert options["learning_rate"] == 0.01
    assert options["tau"] == 10
    assert options["alpha"] == 0.99
    assert match.horizon == 40


def test_engine_that_was_given_up_says_why(peer):
    engine = deep_contests.Match(True, 0.0, None).upstream(peer, 60.0)
    timings = dict.fromkeys(engine.tasks.values(), "no iteration in 1 s")
    assert engine.found(timings) == "no iteration in 1 s"


def test_table(tmp_path, peer):
    options = [f"--openspiel_python={peer}", "--presets=released"]
    with scripts.loaded(BENCHMARK / "deep.py") as script:
        scripts.call(script, "--quick", f"--output_dir={tmp_path}", *options)
    with open(tmp_path / "deep.csv", newline="") as file:
        ours, theirs = csv.DictReader(file)
    assert theirs["engine"] == "OpenSpiel"
    assert theirs["updates/s, learning alone"] == "5"  # quick: five updates
    assert theirs["learning ratio"] == "1.0"
    moves, updates = (float(ours[f"{name}/s, loop"]) for name in ("moves", "updates"))
    assert moves == pytest.approx(64 * updates, abs=64)
    assert float(ours["moves ratio"]) == pytest.approx(moves / 8, rel=0.01)
    assert ours["jax"] == "1.2.3"
    assert "released" in (tmp_path / "deep.md").read_text()
