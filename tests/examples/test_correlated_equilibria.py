"""The script that compares correlated equilibria."""

import csv
import pathlib
import sys

from absl import flags
import matplotlib.image
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "examples"))

import correlated_equilibria as script

from algorithms.model.array_model import ArrayModel

GAME = "mfg_rock_paper_scissors"


def parsed(*arguments):
    given = flags.FlagValues()
    script.define_flags(given)
    given(["correlated_equilibria.py", *arguments])
    return given


def rows_of(path) -> list[dict]:
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_tables_a_picture_and_a_page(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ArrayModel, "compile", lambda model, function: function)
    short = ["--steps=1", "--regret_steps=2", "--iterations=1"]
    script.main(
        ["script"], parsed(f"--game={GAME}", *short, f"--output_dir={tmp_path}")
    )
    rows = rows_of(tmp_path / "correlated_equilibria.csv")
    labels = [*script.CURVES, *script.WELFARE, script.NASH, script.OPTIMUM]
    assert [row["found"] for row in rows] == labels
    for row in rows:
        assert float(row["ce_gap"]) >= float(row["cce_gap"]) - 1e-12
        assert -3 <= float(row["welfare"]) <= 6  # of a single choice
    gaps = rows_of(tmp_path / "gaps.csv")
    last = {gap["curve"]: float(gap["gap"]) for gap in gaps if gap["step"] == "1"}
    for row in rows[: len(script.CURVES)]:
        name = "ce_gap" if "equilibrium" in script.CURVES[row["found"]] else "cce_gap"
        assert last[row["found"]] == max(float(row[name]), 0.0)
    assert max(last.values()) > 1.0  # of two policies that do not suffice
    text = (tmp_path / "README.md").read_text("utf-8")
    assert all(label in text for label in labels)
    assert "](correlated_equilibria.png)" in text
    assert matplotlib.image.imread(tmp_path / "correlated_equilibria.png").size > 1e5
    assert "social optimum" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--game=mfg_sis(horizon=3)"], "do not depend on the crowd"),
        (["--game=mfg_beach_baz"], "Did you mean 'mfg_beach_bar'"),
    ],
)
def test_mistakes_end_in_one_line(tmp_path, arguments, message):
    with pytest.raises(SystemExit, match=message):
        script.main(["script"], parsed(f"--output_dir={tmp_path}", *arguments))
