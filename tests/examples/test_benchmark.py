"""The benchmark on small games: that all compute the same, and no timing."""

import csv
import pathlib
import sys

import pytest
import scripts

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "benchmark" / "exact.py"


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    directory = tmp_path_factory.mktemp("benchmark")
    with pytest.MonkeyPatch.context() as patch, scripts.loaded(SCRIPT) as script:
        arguments = ["--quick", f"--output_dir={directory}"]
        patch.setattr(sys, "argv", ["exact.py", *arguments])
        scripts.call(script, *arguments)
    return directory


@pytest.fixture(scope="module")
def rows(output):
    with open(output / "exact.csv", newline="") as file:
        return list(csv.DictReader(file))


def exploitabilities(rows, task, game):
    """By engine, of the rows whose game has this in its name."""
    return {
        row["engine"]: float(row["exploitability"])
        for row in rows
        if row["task"].startswith(task) and game in row["game"]
    }


@pytest.mark.parametrize("task", ["mirror_descent", "fictitious_play", "NashConv"])
def test_four_rooms_is_one_game_for_both_models(rows, task):
    (ours,) = exploitabilities(rows[:9], task, "exploration").values()
    theirs = exploitabilities(rows[:9], task, "crowd_modelling_2d")
    del theirs["OpenSpiel"]
    assert list(theirs.values()) == pytest.approx([ours], abs=1e-9)


@pytest.mark.parametrize("task", ["fictitious_play", "NashConv"])
def test_openspiel_computes_the_same(rows, task):
    ours, theirs = exploitabilities(rows[:9], task, "crowd_modelling_2d").values()
    assert ours == pytest.approx(theirs, abs=1e-9)


def test_array_model_computes_what_plain_numpy_does(rows):
    ours = exploitabilities(rows, "mirror_descent", "mfg_beach_bar")["array model"]
    floor = exploitabilities(rows, "mirror_descent", "-")["NumPy + SciPy sweep"]
    assert ours == pytest.approx(floor, abs=1e-9)


def test_every_row_has_its_figures(rows):
    assert len(rows) == 14
    for row in rows:
        assert float(row["min ms"]) > 0
        assert float(row["median ms"]) >= float(row["min ms"])
        assert row["cores"]
        assert row["tensorflow"]
    assert float(rows[-1]["peak MB"]) > 100  # TensorFlow alone needs more


def test_markdown_has_the_rows_and_the_command(output, rows):
    text = (output / "exact.md").read_text()
    assert "exact.py --quick" in text
    assert text.count("\n| ") == len(rows) + 1 + 1  # the heads, their rule
