"""The study of teacher hacking on a tiny game, and its measures on known curves."""

import csv
import pathlib
import sys

import matplotlib.image
import numpy as np
import pytest

from algorithms.exploitability import exploitability
from algorithms.model import load_model
from algorithms.policy import ArrayPolicy

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples" / "reproduce"))

import reproduction  # noqa: E402 (examples are no package)
import th2025_experiments as experiments  # noqa: E402
import th2025_report as report  # noqa: E402

BAR = "mfg_beach_bar(size=6,horizon=3)"
TINY = experiments.Scale(
    {"bar": BAR},
    oracle_iterations=30,
    responses=(2, 3),
    updates=20,
    reservoirs=(2, 30),
    fresh=30,
    steps=300,
    every=10,
    betas=(),
    anchor=0.0,
)
STEPS = np.geomspace(10, 1000, 13)


def lesson(golden, exploitability, seen=STEPS**-1.0):
    return experiments.Lesson(STEPS, seen, seen, seen, golden, exploitability)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, seed):
    output = tmp_path_factory.mktemp("results")
    found = reproduction.reproduce(report.study, TINY, seed, output, "a command")
    return output, found


def rows_of(path):
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_claims_tables_and_figures_are_written(finished):
    output, found = finished
    assert len(found.claims) == 12
    assert all(np.isfinite(claim.measured) for claim in found.claims)
    text = (output / "README.md").read_text("utf-8")
    for picture in found.figures:
        assert matplotlib.image.imread(output / picture).std() > 0.05
        assert f"]({picture})" in text
    students = {row["student"] for row in rows_of(output / "curves.csv")}
    assert students == set(TINY.students())
    assert len(rows_of(output / "detector.csv")) == len(students) + 2
    assert {row["algorithm"] for row in rows_of(output / "exploitability.csv")} == {
        "oracle",
        "teacher",
    }


@pytest.mark.slow
def test_who_learns_online_ends_as_the_teacher(finished):
    output, _ = finished
    rows = rows_of(output / "curves.csv")
    online = [
        row
        for row in rows
        if (row["student"], row["responses"]) == ("online, soft", "3")
    ]
    assert float(online[-1]["proxy"]) < float(online[0]["proxy"]) / 5
    school = rows_of(output / "schools.csv")[-1]
    own = float(school["KL(oracle || teacher)"])
    assert float(online[-1]["golden"]) == pytest.approx(own, rel=0.25)


def test_measures_of_policies_by_hand():
    model = load_model(BAR)
    uniform = np.asarray(model.uniform_policy())
    law = experiments.mass(model, uniform)
    assert experiments.divergence(law, uniform, uniform) == 0
    tilted = uniform * [0.5, 1.0, 1.5]
    expected = -np.log([0.5, 1.0, 1.5]).mean()
    assert experiments.divergence(law, uniform, tilted) == pytest.approx(expected)
    found = experiments.exploitability(model, uniform)
    assert found == pytest.approx(exploitability(BAR, ArrayPolicy(model, uniform)))


def test_claims_tell_turning_from_falling():
    """An offline student that turns at the middle, an online one that never does."""
    turned = np.maximum(STEPS / 100, 100 / STEPS)
    falling = 1 / STEPS
    lessons = {
        experiments.offline(2, "hard"): lesson(4 * turned, 4 * turned),
        experiments.offline(2, "soft"): lesson(turned, turned, np.exp(-STEPS / 30)),
        experiments.offline(30, "hard"): lesson(falling, falling),
        experiments.offline(30, "soft"): lesson(falling, falling),
        experiments.online("soft"): lesson(falling, falling),
    }
    school = experiments.School(0.001, 0.0, 0.001, lessons)
    claims = list(report.all_claims({("bar", 3): school}, TINY))
    assert [claim.verdict for claim in claims] == ["PASS"] * 12
    swapped = lessons | {
        experiments.online("soft"): lessons[experiments.offline(2, "soft")],
        experiments.offline(2, "soft"): lessons[experiments.online("soft")],
    }
    school = experiments.School(0.001, 0.0, 0.001, swapped)
    claims = list(report.all_claims({("bar", 3): school}, TINY))
    failed = [number for number, claim in enumerate(claims) if not claim.passed]
    assert failed == [2, 3, 4, 5, 6, 7, 9, 11]
