"""The README's generated tables name what the code has."""

import pathlib
import sys

import pytest

from algorithms import catalogue

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples"))

import tables  # noqa: E402 (examples are scripts, not a package)


def test_readme_lists_every_game_and_solver_once():
    text = (ROOT / "README.md").read_text("utf-8")
    for name in [*tables.our_games(), *catalogue.SOLVERS]:
        assert text.count(f"| `{name}` |") == 1, name


def test_tables_are_put_between_their_markers():
    text = "a\n<!-- games: examples/tables.py -->\nold\n<!-- games end -->\nb"
    new = tables.with_table(text, "games", "new")
    assert "old" not in new
    assert tables.with_table(new, "games", "new") == new
    with pytest.raises(ValueError, match="no markers"):
        tables.with_table("no table", "games", "new")


def test_one_row_anew():
    text = "# mfg\n| `adam` | x |\n| `admm` | old | 2 |\n| `frank_wolfe` | kept | 1 |"
    table = "| solver |\n| --- |\n| `admm` | new | 3 |"
    assert tables.with_rows(table, text) == (
        "| solver |\n| --- |\n| `admm` | new | 3 |\n| `frank_wolfe` | kept | 1 |"
    )
