"""The reproduction of Geist et al. 2021 on tiny games."""

import csv
import pathlib
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples" / "reproduce"))

import cu2021_experiments as experiments  # noqa: E402 (examples are no package)
import cu2021_report as report  # noqa: E402
import reproduction  # noqa: E402

from mfg_games.concave_utility import (  # noqa: E402
    GOALS,
    IMITATION,
    UTILITIES,
    ConcaveUtility,
)

TINY = experiments.Scale(
    games=tuple(
        f"mfg_concave_utility(layout=empty_4x5,horizon=12,utility={utility})"
        for utility in (GOALS, IMITATION)
    ),
    iterations=15,
    rates=(0.1,),
    atoms=8,
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    output = tmp_path_factory.mktemp("results")
    found = reproduction.reproduce(report.study, TINY, 0, output, "a command")
    return output, found


def test_what_holds_in_any_game_holds_here(finished):
    _, found = finished
    verdicts = {claim.text: claim.verdict for claim in found.claims}
    assert len(verdicts) == 13
    for utility in (GOALS, IMITATION):
        assert verdicts[f"FP is FW, iterate for iterate, {utility}."] == "PASS"
        assert verdicts[f"Exploitability is at least F* - F, {utility}."] == "PASS"
    text = "Beyond the paper: FW with line search never lowers utility."
    assert verdicts[text] == "PASS"


def test_figures_tables_and_page_are_written(finished):
    output, found = finished
    page = (output / "README.md").read_text("utf-8")
    assert set(found.figures) == {"curves.png", "occupancy.png", "frames.png"}
    for name in found.figures:
        assert (output / name).stat().st_size > 10_000
        assert f"]({name})" in page
    assert f"| {GOALS} | -" in page
    with open(output / "utility.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(TINY.algorithms) * (TINY.iterations + 1)
    averages = [row for row in rows if row["algorithm"] == experiments.FP]
    searched = [row for row in rows if row["algorithm"] == experiments.SEARCH]
    assert float(averages[0]["F"]) == float(searched[0]["F"])
    assert float(searched[15]["F"]) > float(averages[15]["F"])


def test_paper_settings_are_run():
    for utility, game in zip(UTILITIES, experiments.FULL.games, strict=True):
        assert f"utility={utility}" in game
        assert "layout=four_rooms_open,horizon=100" in game


def task(name: str, **changes) -> experiments.Task:
    """A task of two algorithms and two iterations."""
    curves = {"one": [5.0, 3.0, 1.0], "other": [5.0, 4.0, 0.5]}
    utilities = {"one": [-4.0, -2.5, -1.2], "other": [-4.0, -3.0, -1.1]}
    solved = {
        label: experiments.Solved(None, np.array(gaps), np.arange(3.0), [])
        for label, gaps in curves.items()
    }
    utilities = {label: np.array(values) for label, values in utilities.items()}
    dynamics = ConcaveUtility(utility=name, **changes)
    dynamics.parameters = {"layout": "four_rooms_open", "utility": name}
    return experiments.Task(name, dynamics, solved, utilities, 0.0)


def test_bounds_on_the_optimum():
    found = task(GOALS)
    assert found.optimum == -1.1
    assert found.highest_optimum == pytest.approx(-0.6)
    assert found.best == "other"
    np.testing.assert_allclose(found.suboptimality("one"), [2.9, 1.4, 0.1])
    assert found.slack() == pytest.approx(0.5)
    imitating = task(IMITATION)
    assert imitating.optimum == 0.0
    assert imitating.slack() == pytest.approx(-0.6)


def test_shares_of_the_goals_equalise_what_they_pay():
    # 14, 14 and 20 steps away: 26, 26 and 20 times of 40 are paid for.
    shares = report.goal_shares(task(GOALS, horizon=40))
    assert shares.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(26 * (1 - shares[:2]), 20 * (1 - shares[2]))
    assert shares[2] == pytest.approx(1 - 2 / (2 / 26 + 1 / 20) / 20)
