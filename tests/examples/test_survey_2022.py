"""The reproduction of the survey: what it compares with, its claims and figures."""

import pathlib
import subprocess
import sys

import matplotlib.image
import numpy as np
import pyspiel
import pytest
from reproduce_data import drifting

import mfg_games  # noqa: F401  registers

ROOT = pathlib.Path(__file__).parents[2]
REPRODUCE = ROOT / "examples" / "reproduce"
sys.path.insert(0, str(REPRODUCE))

import reproduction  # noqa: E402 (examples are no package)
import survey2022_experiments as experiments  # noqa: E402
import survey2022_report as report  # noqa: E402

TINY = experiments.Scale(
    four_rooms="mfg_exploration(layout=....|.##.|....,horizon=12,noise=0.1)",
    chain="mfg_crowd_chain(num_states=6,horizon=9,discount=0.9)",
    bar="mfg_beach_bar(size=8,horizon=4)",
    iterations=300,
    long_iterations=1000,
    noises=(0.5,),
)


def survey_curves(label, k):
    """Curves of the shape that the survey tells of."""
    wave = 100.0 + 80.0 * (-1.0) ** k
    shapes = {
        experiments.FP: 100 / (k + 1),
        experiments.longer_fp(): 100 / (k + 1),
        experiments.OMD: 100 * 0.98**k,
        experiments.FIXED: 100 + k,
        experiments.DAMPED: 1 + 99 * 0.9**k,
        experiments.SOFT_FIXED: 100 + k,
        experiments.SOFT_FP: 0.5 + 99.5 * 0.9**k,
        experiments.BPI: wave,
    }
    for temperature in (0.01, 0.1, 1.0):
        name = experiments.at_temperature(temperature)
        shapes[name] = 5 * temperature + 50 * 0.9**k
    return shapes.get(label, 100.0)


def choices(game, seven, iterations):
    """Choices that stay at the equilibria."""
    left = "left" in game
    name = experiments.SIDES if left else experiments.SCISSORS
    shares = experiments.STATIC_EQUILIBRIA[name]
    return {label: np.tile(shares, (iterations + 1, 1)) for label in seven}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    output = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiments, "solve", drifting(survey_curves))
        patch.setattr(experiments, "choices", choices)
        found = reproduction.reproduce(report.study, TINY, 0, output, "a command")
    return output, found


def verdicts(claims):
    """Verdicts on the survey's own claims, in their order."""
    return [
        claim.verdict
        for claim in claims
        if claim.text.startswith("Four rooms") and "reference" not in claim.text
    ]


def test_claims_pass_on_curves_of_the_right_shape(finished):
    _, found = finished
    assert verdicts(found.claims) == ["PASS"] * 14


def test_claims_fail_on_curves_of_the_wrong_shape(monkeypatch):
    """All algorithms converge alike, but mirror descent swings."""

    def curves(label, k):
        return 1 + (-0.9) ** k if "OMD" in label else 0.9**k

    monkeypatch.setattr(experiments, "solve", drifting(curves))
    runs = experiments.solve_all(TINY)
    shares = {
        name: choices(game, experiments.algorithms(1.0), 1)
        for name, game in ((experiments.SIDES, "left"), (experiments.SCISSORS, "rock"))
    }
    found = verdicts(report.all_claims(runs, shares, (np.full(6, 1 / 6), 0.0)))
    # Fictitious play, damped and softmax, converges; it has no plateau.
    assert [k for k, verdict in enumerate(found) if verdict == "PASS"] == [2, 3, 4, 8]


def test_figures_and_page_are_written(finished):
    output, _ = finished
    pictures = sorted(path.name for path in output.glob("*.png"))
    assert pictures == [
        "crowds.png",
        "examples.png",
        "exploitability.png",
        "kinds.png",
        "noise.png",
        "static.png",
    ]
    for picture in pictures:
        assert matplotlib.image.imread(output / picture).std() > 0.03
    assert (output / "reference.csv").exists()


def test_reference_rows_compare_equal_iterations(finished):
    _, found = finished
    rows = report.reference_rows(found.runs)
    (row,) = (
        r for r in rows if r["algorithm"] == experiments.FP if r["iteration"] == 1
    )
    assert (row["exploitability"], row["reference"]) == (50, 325.4)
    assert row["deviation"] == pytest.approx(50 / 325.4 - 1)
    assert len(rows) == 9 * len(report.REFERENCE_ITERATIONS)


def test_logit_equilibrium_is_a_softmax_of_its_rewards():
    for temperature in (0.1, 10.0):
        m = experiments.logit_equilibrium(temperature)
        weights = np.exp(np.array([-m, -2 * (1 - m)]) / temperature)
        assert weights[0] / weights.sum() == pytest.approx(m)
    assert experiments.logit_equilibrium(1e-3) == pytest.approx(2 / 3, abs=1e-3)


def test_static_equilibria_make_all_options_equally_good():
    games = {
        experiments.SCISSORS: "mfg_rock_paper_scissors",
        experiments.SIDES: "mfg_left_right",
    }
    for name, game in games.items():
        d = pyspiel.load_game(game).dynamics
        mu = np.append(0.0, experiments.STATIC_EQUILIBRIA[name])[None]
        rewards = d.reward(np, 1, mu, None)[0, 1:, 0]
        np.testing.assert_allclose(rewards, rewards[0])


def test_stationary_equilibrium_without_a_crowd_walks_to_the_middle():
    """Five cells, no crowd cost: everybody is where the noise leaves those who walk."""
    game = "mfg_crowd_chain(num_states=5,discount=0.9,crowd_cost=0.0)"
    d = pyspiel.load_game(game).dynamics
    mu, gap = experiments.stationary_equilibrium(d)
    np.testing.assert_allclose(mu, [0, 1 / 3, 1 / 3, 1 / 3, 0], atol=1e-3)
    assert gap == pytest.approx(0, abs=1e-2)


def test_stationary_equilibrium_of_a_strong_crowd_is_even():
    game = "mfg_crowd_chain(num_states=4,discount=0.5,crowd_cost=5.0,"
    d = pyspiel.load_game(game + "center_attraction=0.0)").dynamics
    mu, gap = experiments.stationary_equilibrium(d, rate=0.1)
    np.testing.assert_allclose(mu, 0.25, atol=1e-6)
    assert gap == pytest.approx(0, abs=1e-6)


def test_choices_begin_evenly_and_follow_the_best_response():
    seven = {"fixed": ("fixed_point", {})}
    path = experiments.choices("mfg_left_right", seven, 2)["fixed"]
    np.testing.assert_allclose(path, [[0.5, 0.5], [1, 0], [0, 1]])


def test_turns():
    assert report.turns(np.array([1.0, 2, 3, 2, 1, 2])) == 2


def test_noise_is_all_that_changes():
    game = experiments.with_noise("mfg_exploration(horizon=7)", 0.25)
    changed = game.get_parameters()
    assert (changed["horizon"], changed["noise"]) == (7, 0.25)


@pytest.mark.slow
def test_the_fast_reproduction_passes(tmp_path):
    script = [sys.executable, str(REPRODUCE / "survey_2022.py"), "--fast"]
    done = subprocess.run([*script, f"--output_dir={tmp_path}"], capture_output=True)
    assert done.returncode == 0, done.stdout.decode()
