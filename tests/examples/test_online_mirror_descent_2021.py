"""The reproduction of Perolat et al. 2021: rates, claims, figures and speed."""

import dataclasses
import pathlib
import subprocess
import sys

import matplotlib.image
import numpy as np
import pytest
from reproduce_data import drifting

ROOT = pathlib.Path(__file__).parents[2]
REPRODUCE = ROOT / "examples" / "reproduce"
sys.path.insert(0, str(REPRODUCE))

import omd2021_experiments as experiments  # noqa: E402 (examples are no package)
import omd2021_figures as figures  # noqa: E402
import omd2021_report as report  # noqa: E402
import reproduction  # noqa: E402

FP = experiments.FP
CHASING = experiments.chasing(3, "torus")
RATES = (0.01, 0.1, 1.0)
TINY = experiments.Scale(
    environments=(
        experiments.Environment("garnet", "mfg_random_garnet(num_states=5)", RATES),
        experiments.Environment(
            "building", "mfg_building(floors=2,size=3,horizon=4)", RATES
        ),
        experiments.Environment(
            "moving target", "mfg_moving_target(size=4,horizon=5,move_every=2)", RATES
        ),
        experiments.Environment(CHASING, "mfg_predator_prey(size=3,horizon=3)", RATES),
    ),
    weights=(0.01, 0.05),
    iterations=200,
    sizes={"garnet": ()},
)
SPEEDS = [
    experiments.Speed("garnet", "a game", 10, 1, nodes, seconds, 1.0)
    for nodes, seconds in ((10**5, 0.1), (10**6, 1.0))
]


def paper_curves(label, k):
    """Curves of the shape that the paper tells of."""
    shapes = {
        experiments.FP: 100 / (k + 1),
        experiments.damped(0.01): 3 + 97 * 0.9**k,
        experiments.damped(0.05): 2 + 98 * 0.9**k,
        experiments.at_rate(0.01): 100 * 0.99**k,
        experiments.at_rate(0.1): 100 * 0.95**k,
        experiments.at_rate(1.0): 100.0 + 50 * (-1) ** k,
    }
    return shapes[label]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    output = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiments, "solve", drifting(paper_curves))
        patch.setattr(experiments, "measure_all", lambda scale: SPEEDS)
        found = reproduction.reproduce(report.study, TINY, 0, output, "a command")
    return output, found


def outcomes(monkeypatch, curve_of):
    monkeypatch.setattr(experiments, "solve", drifting(curve_of))
    runs = experiments.solve_all(TINY)
    return [experiments.outcome(TINY, each, runs) for each in TINY.environments]


def test_outcome_names_the_best_rate_and_weight(monkeypatch):
    found = outcomes(monkeypatch, paper_curves)[0]
    assert (found.rate, found.weight) == (0.1, 0.05)
    assert found.start == 100
    assert found.fp == pytest.approx(100 / 201)
    assert found.omd == pytest.approx(100 * 0.95**200)
    assert found.slow == pytest.approx(100 * 0.99**200)
    assert found.large == 150
    assert found.damped == pytest.approx(2, abs=1e-6)
    assert found.overtakes == np.ceil(np.log(1 / 201) / np.log(0.95))
    assert found.omd_seconds == pytest.approx(0.1)


def test_claims_pass_on_curves_of_the_right_shape(finished):
    _, found = finished
    assert [claim.verdict for claim in found.claims] == ["PASS"] * 21 + ["FAIL"]
    assert found.claims[-1].text == "A run on 10^11 nodes completes."
    assert found.claims[-1].measured == 10**6


def test_claims_fail_if_the_rate_does_not_matter(monkeypatch):
    found = outcomes(monkeypatch, lambda label, k: 100 / (k + 1))
    claims = report.all_claims(found, SPEEDS, TINY.iterations)
    passed = [claim.text for claim in claims if claim.passed]
    assert all("converges" in text or "linear" in text for text in passed)
    assert len(passed) == 5


def test_never_overtaking_is_infinite(monkeypatch):
    found = outcomes(monkeypatch, lambda label, k: 0.5 if label == FP else 1.0)
    assert found[0].overtakes == np.inf


def test_figures_and_page_are_written(finished):
    output, _ = finished
    pictures = sorted(path.name for path in output.glob("*.png"))
    assert pictures == [
        "building.png",
        "chasing_3_populations_5x5_torus.png",
        "exploitability.png",
        "moving_target.png",
        "rates.png",
        "speed.png",
    ]
    for picture in pictures:
        assert matplotlib.image.imread(output / picture).std() > 0.02
    text = (output / "README.md").read_text("utf-8")
    assert "| garnet | 100 | 0.498 | 2 (0.05) | 0.00351 (0.1) | 104 |" in text
    assert (output / "speed.csv").read_text().count("\n") == 3
    assert (output / "rates.csv").read_text().count("\n") == 5


def test_rows_of_crowds(finished):
    """Floors from the top down, three histories with the target, all populations."""
    _, found = finished
    shown = {
        name: [
            ax for ax in figures.crowd(name, found.runs[name, FP])[0].axes if ax.images
        ]
        for name in ("building", "moving target", CHASING)
    }
    assert [len(axes) for axes in shown.values()] == [2 * 5, 3 * 6, 3 * 4]
    assert figures.crowd("garnet", found.runs["garnet", FP]) is None
    top, ground = (shown["building"][place].images[0].get_array() for place in (0, 5))
    np.testing.assert_allclose(top, 1 / 9)
    np.testing.assert_allclose(ground, 0)
    # The target starts at (2, 2); up and left at t = 2 and t = 4.
    crosses = [ax.get_lines()[0].get_xydata()[0] for ax in shown["moving target"][:6]]
    expected = [[2, 2], [2, 2], [1, 1], [1, 1], [0, 0], [0, 0]]
    np.testing.assert_array_equal(crosses, expected)


def test_measured_speed_counts_the_nodes_of_the_game():
    game = "mfg_moving_target(size=3,horizon=4,move_every=2)"
    found = experiments.measure("target", game, 2)
    # One history at t = 0, 1 and four at t = 2, 3.
    assert (found.states, found.histories, found.nodes) == (9, 4, 9 * 2 + 36 * 2)
    assert found.nodes_per_second == pytest.approx(90 / found.seconds)
    assert found.exploitability > 0


def test_a_million_cells_are_measured_on_demand(monkeypatch):
    asked = []
    monkeypatch.setattr(experiments, "measure", lambda *job: asked.append(job))
    experiments.measure_all(dataclasses.replace(TINY, iterations_of_million=7))
    ((family, game, iterations),) = asked
    assert (family, iterations) == ("building", 7)
    assert "size=450" in game


def test_all_environments_load_and_have_rates_in_order():
    import pyspiel

    for scale in (experiments.FULL, experiments.FAST):
        for each in scale.environments:
            assert list(each.rates) == sorted(set(each.rates))
            assert len(each.rates) >= 3
            pyspiel.load_game(each.game)


def test_script_explains_its_flags():
    script = [sys.executable, str(REPRODUCE / "online_mirror_descent_2021.py")]
    shown = subprocess.run([*script, "--help"], capture_output=True, text=True).stdout
    for flag in ("--[no]fast", "--[no]million", "--output_dir", "--seed"):
        assert flag in shown
