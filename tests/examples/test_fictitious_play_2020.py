"""The reproduction of Perrin et al. 2020 on tiny games."""

import csv
import pathlib
import subprocess
import sys

import matplotlib.image
import numpy as np
import pyspiel
import pytest

import mfg_games  # noqa: F401  registers

ROOT = pathlib.Path(__file__).parents[2]
REPRODUCE = ROOT / "examples" / "reproduce"
sys.path.insert(0, str(REPRODUCE))

import fp2020_experiments as experiments  # noqa: E402 (examples are no package)
import fp2020_report as report  # noqa: E402
import reproduction  # noqa: E402

TINY_LQ = "half_width=12,max_action=5,modes=-6 6,mode_std=1.5"
TINY = experiments.Scale(
    linear_quadratic=f"mfg_linear_quadratic({TINY_LQ},horizon=8,dt=0.25)",
    beach_bar="mfg_beach_bar(size=12,horizon=4)",
    closing_bar="mfg_beach_bar(size=12,horizon=6,closing_time=2)",
    tree=f"mfg_linear_quadratic({TINY_LQ},horizon=2,dt=0.5,common_noise=0.5)",
    lq_iterations=14,
    bar_iterations=14,
    tree_iterations=14,
    lq_episodes=200,
    bar_episodes=200,
    batch_size=100,
    refinements=(1, 2),
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    output = tmp_path_factory.mktemp("results")
    study = reproduction.reproduce(report.study, TINY, 3, output, "a command")
    return output, study.claims


def linear_quadratic(settings: str):
    return pyspiel.load_game(f"mfg_linear_quadratic({settings})").dynamics


def test_every_claim_is_checked(finished):
    """On tiny games some fail; what holds on all symmetric ones must not."""
    _, found = finished
    assert len(found) == 31
    assert all(np.isfinite(claim.measured) or claim.low == 1 for claim in found)
    verdicts = {claim.text: claim.verdict for claim in found}
    exact = "Linear-quadratic: exploitability at k is that at 0 over k + 1, exactly."
    assert verdicts[exact] == "PASS"
    merged = "Linear-quadratic: the two modes merge into one."
    assert verdicts[merged] == "PASS"


def test_figures_tables_and_page_are_written(finished):
    output, found = finished
    text = (output / "README.md").read_text("utf-8")
    pictures = sorted(path.name for path in output.glob("*.png"))
    assert len(pictures) == 5
    for picture in pictures:
        assert matplotlib.image.imread(output / picture).std() > 0.05
        assert f"]({picture})" in text
    assert "`a command`" in text
    with open(output / "exploitability.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8 * 15
    assert {row["algorithm"] for row in rows} == {"model-based", "model-free"}
    with open(output / "refinement.csv") as file:
        assert [row["dt"] for row in csv.DictReader(file)] == ["0.25", "0.125"]
    with open(output / "claims.csv") as file:
        assert len(list(csv.DictReader(file))) == len(found)


def test_closed_form_flow_has_the_moments_of_the_closed_form():
    d = linear_quadratic("half_width=60,modes=-20 25,horizon=6,dt=0.5")
    flow, form = experiments.closed_form_flow(d), d.closed_form()
    times = np.arange(7) * 0.5
    mean = flow @ d.positions
    np.testing.assert_allclose(flow.sum(axis=1), 1, atol=1e-8)
    np.testing.assert_allclose(mean, 2.5, atol=1e-6)
    variance = flow @ d.positions**2 - mean**2
    expected = form.variance(times) + 1 / 12  # a cell is one wide
    np.testing.assert_allclose(variance, expected, rtol=1e-4)


def test_closed_form_flow_starts_as_the_game():
    d = linear_quadratic("")
    start = experiments.closed_form_flow(d)[0]
    assert experiments.total_variation(start, d.initial_distribution[0]) < 0.01


def test_common_noise_shifts_the_closed_form():
    d = linear_quadratic("common_noise=0.5,horizon=4,dt=0.25,shock_every=2")
    # Shocks down, then up: 0.5 * 3 * sqrt(0.25) = 0.75 each.
    assert experiments.ancestors(d, 1) == [0, 0, 0, 1, 1]
    shifts = experiments.shifts(d, 1)
    np.testing.assert_allclose(shifts, [0, -0.75, -0.75, 0, 0])
    mean = experiments.closed_form_flow(d, shifts) @ d.positions
    np.testing.assert_allclose(mean, shifts, atol=1e-6)


def test_refined_game_is_the_same_in_smaller_units():
    name, changed = experiments.refined("mfg_linear_quadratic(modes=-25 20.5)", 2)
    coarse = linear_quadratic("modes=-25 20.5").closed_form()
    fine = pyspiel.load_game(name, changed).dynamics
    form = fine.closed_form()
    assert (fine.num_states, fine.num_actions, fine.horizon) == (201, 73, 60)
    assert form.horizon == pytest.approx(coarse.horizon)
    assert form.volatility == 2 * coarse.volatility
    assert form.initial_mean == pytest.approx(2 * coarse.initial_mean)
    assert form.initial_variance == pytest.approx(4 * coarse.initial_variance, rel=1e-3)
    np.testing.assert_allclose(form.eta([0, 1, 3]), coarse.eta([0, 1, 3]))


def test_without_aversion_only_that_changes():
    game = experiments.without_aversion("mfg_beach_bar(size=12,horizon=4)")
    changed = game.get_parameters()
    assert (changed["size"], changed["horizon"]) == (12, 4)
    assert changed["crowd_aversion"] == 0.0


def test_slope_of_a_power():
    k = np.arange(50)
    assert report.slope(3.0 / (k + 1) ** 1.5, 10) == pytest.approx(-1.5)


def test_reaches():
    curve = np.array([5.0, 6.0, 0.5, 0.4])
    assert report.reaches(curve, 0.1) == 2
    assert report.reaches(curve, 0.01) == np.inf


def test_num_modes():
    assert report.num_modes(np.array([0, 1, 2, 2, 1, 0, 1, 3])) == 2
    assert report.num_modes(np.array([0.0, 1000.0, 0.0, 1.0, 0.0])) == 1


def test_perplexity_and_distance():
    assert report.perplexity(np.array([0.25, 0.25, 0.5, 0])) == pytest.approx(8**0.5)
    distance = experiments.total_variation(np.eye(2)[0], np.array([0.25, 0.75]))
    assert distance == pytest.approx(0.75)
    assert experiments.near_bar(np.full(100, 0.01)) == pytest.approx(0.21)


def run_script(*arguments):
    script = [sys.executable, str(REPRODUCE / "fictitious_play_2020.py")]
    return subprocess.run([*script, *arguments], capture_output=True, text=True)


def test_script_explains_its_flags():
    shown = run_script("--help").stdout
    assert "fictitious_play_2020.py --fast" in shown
    for flag in ("--[no]fast", "--output_dir", "--seed"):
        assert flag in shown


def test_unknown_arguments_are_refused():
    done = run_script("fast")
    assert done.returncode == 1
    assert "Unexpected arguments: ['fast']" in done.stderr
