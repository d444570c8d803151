"""The comparison of solvers over occupation measures."""

import csv
import json
import pathlib
import sys

from absl import flags
import matplotlib.image
import pytest

from algorithms.fictitious_play import FictitiousPlay

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "examples"))

import occupation

GAME = "mfg_sis(horizon=2)"
LABELS = ("fictitious play", "ADMM")


@pytest.fixture
def command(monkeypatch):
    """Runs the script with flags and two of its contestants."""
    chosen = {label: occupation.CONTESTANTS[label] for label in LABELS}
    monkeypatch.setattr(occupation, "CONTESTANTS", chosen)

    def run(*arguments):
        values = flags.FlagValues()
        occupation.define_flags(values)
        monkeypatch.setattr(occupation, "FLAGS", values)
        occupation.main(values(["occupation.py", *arguments]))

    return run


def test_table_and_picture(command, tmp_path, capsys):
    command(f"--games={GAME}", "--iterations=2", f"--output_dir={tmp_path}")
    with open(tmp_path / "occupation.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    # Transitions depend on the crowd, so that ADMM is left out.
    assert [row["solver"] for row in rows] == ["fictitious play"] * 3
    assert [row["iteration"] for row in rows] == ["0", "1", "2"]
    solver = FictitiousPlay(GAME)
    assert float(rows[0]["exploitability"]) == pytest.approx(solver.exploitability)
    assert matplotlib.image.imread(tmp_path / "occupation.png").shape[0] > 500
    made = json.loads((tmp_path / "run.json").read_text("utf-8"))
    assert list(made["contestants"]) == list(LABELS)
    assert "occupation.csv" in capsys.readouterr().out
    page = (tmp_path / "README.md").read_text("utf-8")
    last = float(rows[-1]["exploitability"])
    assert f"| fictitious play | {last:.2g} (2) |" in page
    assert "| ADMM | - |" in page


def test_a_wrong_game_ends_in_one_line(command):
    with pytest.raises(SystemExit, match="Did you mean"):
        command("--games=mfg_sys")
