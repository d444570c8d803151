"""The generated page of the games says what the code says, and is complete."""

import inspect
import pathlib
import sys

import matplotlib.image
import numpy as np
import pyspiel
import pytest

import mfg_games
from mfg_games.beach_bar import BeachBar
from mfg_games.settings import SETTINGS

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples"))

import games_page  # noqa: E402 (examples are scripts, not a package)
import tables  # noqa: E402

GAMES = tables.our_games()


@pytest.mark.parametrize("name", GAMES)
def test_every_docstring_explains_every_parameter(name):
    dynamics_class = mfg_games.registered_games()[name]
    texts = games_page.argument_texts(dynamics_class)
    assert list(texts) == list(inspect.signature(dynamics_class).parameters)
    assert all(texts.values())


def test_texts_of_arguments_run_over_several_lines():
    texts = games_page.argument_texts(BeachBar)
    assert texts["size"] == "number of places."
    assert texts["closing_time"] == (
        "time at which the bar may close, at least 1 since it opens at 0; -1 for never."
    )
    assert texts["closing_probability"].endswith("are 0 for the rest of the game.")


def test_section_has_definition_parameters_settings_and_picture():
    run = {"iteration": 7, "exploitability": 0.25, "first_exploitability": 2.0}
    text = games_page.section("mfg_beach_bar", run)
    assert text.startswith("## mfg_beach_bar\n\n**Beach bar process**\n")
    assert "(Perrin et al. 2020, sections 4.2 and 5)" in text
    assert "\n    r(x, a, mu) = 1 - |x - b| / b - |a| / size" in text
    assert "| `horizon` | `15` | Number of decision times. |" in text
    assert r"1 - \|x - b\| / b, are 0" in text
    assert text.count("`beach_bar_2020`") == 1
    assert "](mfg_beach_bar.png)" in text
    assert "0.25 after 7 iterations, 2 before" in text
    assert "Args:" not in text


def test_strings_have_quotes():
    table = games_page.parameter_table(mfg_games.registered_games()["mfg_exploration"])
    assert '| `layout` | `"four_rooms"` |' in table
    assert '| `start` | `""` |' in table
    assert r"row\|column" in table


def test_draws_a_picture_and_says_how_far_it_came(tmp_path):
    """Half of the players go left before the first iteration: 1/4 to gain."""
    path = tmp_path / "left_right.png"
    run = games_page.draw("mfg_left_right", path, iterations=4)
    assert run["first_exploitability"] == pytest.approx(0.25)
    assert 0 <= run["exploitability"] < 0.1
    assert 1 <= run["iteration"] <= 4
    assert matplotlib.image.imread(path).shape[0] > 100


def test_floors_stand_side_by_side():
    d = pyspiel.load_game("mfg_building(floors=2,size=3)").dynamics
    geometry = games_page.plane(d)
    image = geometry.image(np.arange(1.0, 19.0))
    nan = np.nan
    np.testing.assert_array_equal(
        image,
        [
            [1, 2, 3, nan, 10, 11, 12],
            [4, 5, 6, nan, 13, 14, 15],
            [7, 8, 9, nan, 16, 17, 18],
        ],
    )


def test_runs_are_read_back(tmp_path):
    assert games_page.read_runs(tmp_path) == {}
    runs = {"mfg_sis": {"iteration": 1}}
    games_page.write_runs(tmp_path, runs)
    assert games_page.read_runs(tmp_path) == runs


def test_committed_page_has_every_game_setting_and_picture():
    folder = ROOT / "examples" / "results" / "games"
    text = (folder / "README.md").read_text("utf-8")
    runs = games_page.read_runs(folder)
    for name in GAMES:
        assert text.count(f"\n## {name}\n") == 1, name
        assert (folder / f"{name}.png").exists(), name
        assert games_page.picture(name, runs[name]) in text, name
    for name in SETTINGS:
        assert text.count(f"\n- `{name}`: ") == 1, name
