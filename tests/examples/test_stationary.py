"""The stationary solver's script as a user runs it, on tiny games."""

import contextlib
import csv
import io
import json
import os
import pathlib
import signal
import sys
import types

from absl import flags
import matplotlib.image
import numpy as np
import pytest
import scripts

from algorithms import quiet
from algorithms.stationary import FictitiousPlay, StationaryModel

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))

import stationary as script  # noqa: E402 (examples are scripts, not a package)


def solve(*arguments):
    """Runs the script in this process, which has TensorFlow loaded already."""
    given = flags.FlagValues()
    script.define_flags(given)
    given(["stationary.py", *arguments])
    out, message = io.StringIO(), ""
    with contextlib.redirect_stdout(out):
        try:
            script.main(["stationary.py"], given)
        except SystemExit as end:
            message = end.code
    return types.SimpleNamespace(stdout=out.getvalue(), message=message)


@pytest.mark.parametrize(
    ("game", "arguments"),
    [
        ("crowd_chain_testing", []),
        ("predator_prey_testing", ["--criterion=ergodic", "--method=iterate"]),
    ],
)
def test_it_prints_a_table_and_leaves_results(tmp_path, game, arguments):
    common = ["--iterations=5", f"--output_dir={tmp_path}", f"--game={game}"]
    done = solve(*common, *arguments)
    assert done.message == ""
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[0] for row in rows if row and row[0].isdigit()] == ["0", "1", "2", "5"]
    with open(tmp_path / "exploitability.csv") as file:
        history = [float(row["exploitability"]) for row in csv.DictReader(file)]
    assert len(history) == 6
    made = json.loads((tmp_path / "run.json").read_text())
    assert made["best_exploitability"] == min(history)
    with np.load(tmp_path / "policy.npz") as file:
        saved = dict(file)
    given = {name: made["parameters"][name] for name in ("criterion", "method")}
    model = StationaryModel(made["game"], **given)
    assert model.exploitability(saved["policy"]) == pytest.approx(min(history))
    with open(tmp_path / "law.csv") as file:
        shares = [float(row["share"]) for row in csv.DictReader(file)]
    np.testing.assert_array_equal(shares, saved["law"].ravel())
    for picture in ("exploitability.png", "law.png"):
        assert matplotlib.image.imread(tmp_path / picture).size > 0
    page = (tmp_path / "README.md").read_text("utf-8")
    assert made["game"] in page
    assert f"| 5 | {history[5]:.6g} |" in page


def history(output):
    with open(output / "exploitability.csv") as file:
        return [float(row["exploitability"]) for row in csv.DictReader(file)]


def test_an_interrupted_run_goes_on_with_the_same_numbers(
    tmp_path, monkeypatch, capsys
):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    arguments = ["--game=crowd_chain_testing", "--iterations=6"]
    assert solve(*arguments, f"--output_dir={whole}").message == ""
    arguments.append(f"--output_dir={broken}")
    step = scripts.interrupted(FictitiousPlay.iteration, 3, signal.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(FictitiousPlay, "iteration", step)
        assert solve(*arguments).message == 143
    said = "Interrupted by SIGTERM. The same command with --resume goes on from here."
    assert capsys.readouterr().err.strip() == said
    made = json.loads((broken / "run.json").read_text())
    assert (made["status"], made["iterations"]) == ("interrupted", 3)
    assert history(broken) == history(whole)[:4]
    assert "holds this run already: use --resume" in solve(*arguments).message
    other = solve(*arguments, "--resume", "--lr=0.5")
    assert "holds a run of lr=None, this one has lr=0.5" in other.message
    assert solve(*arguments, "--resume").message == ""
    assert history(broken) == history(whole)
    np.testing.assert_equal(
        *(dict(np.load(path / "policy.npz")) for path in (whole, broken))
    )


def test_a_signal_before_the_first_iteration_leaves_nothing(
    tmp_path, monkeypatch, capsys
):
    def interrupted():
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()

    monkeypatch.setattr(quiet, "import_tensorflow", interrupted)
    output = tmp_path / "run"
    done = solve("--game=crowd_chain_testing", f"--output_dir={output}")
    assert (done.message, output.exists()) == (143, False)
    assert capsys.readouterr().err == "Interrupted by SIGTERM.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resume"], "holds no run to resume"),
        (["--game=sis_testing"], "`discount` must be above 0 and below 1"),
        (["--game=crowd_chain_tasting"], "Did you mean 'crowd_chain_testing'?"),
        (["--damping=0.5"], "no parameter of fictitious_play called 'damping'"),
        (["--game=beach_bar_closing_testing", "--discount=0.5"], "no common noise"),
    ],
)
def test_mistakes_end_in_one_line(arguments, message, tmp_path):
    done = solve(*arguments, f"--output_dir={tmp_path}")
    assert message in done.message
    assert not any(tmp_path.iterdir())
