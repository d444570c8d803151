"""The script that compares equilibria with social optima."""

import csv
import pathlib
import sys

from absl import flags
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "examples"))

import price_of_anarchy as script

# Two roads with a toll, so to say: the crowd is to be spread more than it wants to be.
GAME = "mfg_crowd_chain(num_states=5,horizon=4,crowd_cost=10.0)"


def parsed(*arguments):
    given = flags.FlagValues()
    script.define_flags(given)
    given(["price_of_anarchy.py", *arguments])
    return given


def test_a_table_and_a_picture(tmp_path, capsys):
    arguments = [f"--game={GAME}", "--iterations=40", f"--output_dir={tmp_path}"]
    script.main(["price_of_anarchy.py"], parsed(*arguments))
    assert GAME.split("(")[0] in capsys.readouterr().out
    with open(tmp_path / "price_of_anarchy.csv", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    values = {name: float(text) for name, text in row.items() if name != "game"}
    assert values["difference"] > 0.1
    assert values["exploitability"] < 0.02 * values["difference"]
    assert values["optimality_gap"] < 0.02 * values["difference"]
    assert values["difference"] == values["optimum"] - values["equilibrium"]
    ratio = values["equilibrium"] / values["optimum"]  # they are costs
    assert values["price_of_anarchy"] == pytest.approx(ratio)
    assert values["price_of_anarchy"] > 1.01
    # Who is elsewhere is at least a move away.
    assert 0 < values["total_variation"] <= values["wasserstein"] * (1 + 1e-9)
    (picture,) = tmp_path.glob("*.png")
    assert picture.stat().st_size > 5000
    page = (tmp_path / "README.md").read_text("utf-8")
    assert f"({picture.name})" in page
    assert f"| `{GAME}` | {values['equilibrium']:.6g} | " in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--game=mfg_crowd_modelling(size=4,horizon=3)"], "registered by mfg_games"),
        (["--optimum=social_optimun"], "Did you mean 'social_optimum'"),
    ],
)
def test_mistakes_end_in_one_line(tmp_path, arguments, message):
    short = ["--iterations=0", f"--output_dir={tmp_path}"]
    with pytest.raises(SystemExit, match=message):
        script.main(["price_of_anarchy.py"], parsed(*short, *arguments))
