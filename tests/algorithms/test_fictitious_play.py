import math

import numpy as np
from numpy_reference import NumpyReference
from open_spiel.python.mfg.algorithms import fictitious_play as openspiel
from open_spiel.python.mfg.algorithms.nash_conv import NashConv
import pyspiel
import pytest
import tensorflow as tf
from toy_dynamics import RANDOM_GAMES, share_exploitability

from algorithms.fictitious_play import FictitiousPlay, average_policy
from mfg_games.settings import SETTINGS, TESTING

# One of each kind: walls, two bars, transitions that see the crowd and a
# joint law. The trajectories below cover common noise.
CHOSEN = ("exploration", "two_beach_bars", "sis", "concave_utility_imitation")
TESTING_GAMES = [
    pytest.param(
        entry.game_string,
        marks=() if name.removesuffix("_testing") in CHOSEN else pytest.mark.slow,
    )
    for name, entry in SETTINGS.items()
    if TESTING in entry.tags
]


def shares(solver, iterations: int) -> list[float]:
    """How many take road 0 before and after each iteration."""
    found = [solver.get_policy().probabilities[0, 0]]
    for _ in range(iterations):
        solver.iteration()
        found.append(solver.get_policy().probabilities[0, 0])
    return found


def test_two_roads(exploitabilities):
    # Road 0 is best below the share 3/4, road 1 above it, and the tie goes to road 0.
    expected = [1 / 2, 3 / 4, 5 / 6, 5 / 8, 7 / 10, 3 / 4, 11 / 14, 11 / 16]
    solver = FictitiousPlay("mfg_test_two_roads")
    found = shares(solver, 7)
    assert found == pytest.approx(expected, abs=1e-14)
    solver.restore({"policy": solver.model.uniform_policy()}, 0)
    found = exploitabilities(solver, 7)
    expected = [share_exploitability(share) for share in expected]
    assert found == pytest.approx(expected, abs=1e-14)


def test_constant_weight():
    share, expected = 0.5, [0.5]
    for _ in range(6):
        share = 0.7 * share + 0.3 * (share <= 0.75)
        expected.append(share)
    found = shares(FictitiousPlay("mfg_test_two_roads", lr=0.3), 6)
    assert found == pytest.approx(expected, abs=1e-14)


def test_softmax_response():
    share, expected = 0.5, [0.5]
    for k in range(6):
        response = 1 / (1 + math.exp(-(1.5 - 2 * share) / 0.2))
        share += (response - share) / (k + 2)
        expected.append(share)
    found = shares(FictitiousPlay("mfg_test_two_roads", temperature=0.2), 6)
    assert found == pytest.approx(expected, abs=1e-14)


def test_weight_of_one_iteration():
    solver = FictitiousPlay("mfg_test_two_roads")
    solver.iteration(learning_rate=0.2)
    assert solver.get_policy().probabilities[0, 0] == pytest.approx(0.6)
    solver.iteration()
    assert solver.get_policy().probabilities[0, 0] == pytest.approx(2.2 / 3)


@pytest.mark.parametrize("game", [RANDOM_GAMES[0], RANDOM_GAMES[2], RANDOM_GAMES[7]])
def test_trajectory_equals_plain_loops(game):
    solver = FictitiousPlay(game)
    reference = NumpyReference(solver.game.dynamics)
    for expected in reference.fictitious_play(5):
        solver.iteration()
        found = solver.get_policy().probabilities
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
        gap = reference.exploitability(expected)
        assert solver.exploitability == pytest.approx(gap, abs=1e-12)


def test_trajectory_equals_openspiels_without_ties():
    game = pyspiel.load_game(RANDOM_GAMES[0])
    ours, theirs = FictitiousPlay(game), openspiel.FictitiousPlay(game)
    for _ in range(5):
        ours.iteration()
        theirs.iteration()
        expected = NashConv(game, theirs.get_policy()).nash_conv()
        assert ours.exploitability == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("string", TESTING_GAMES)
def test_iterates_evaluated_by_openspiel(string):
    game = pyspiel.load_game(string)
    solver = FictitiousPlay(game)
    for _ in range(5):
        solver.iteration()
        expected = NashConv(game, solver.get_policy()).nash_conv()
        assert solver.exploitability == pytest.approx(expected, abs=1e-9)


def test_where_nobody_comes_the_policy_is_uniform():
    solver = FictitiousPlay(RANDOM_GAMES[0])
    solver.iteration()
    empty = solver.flow.mass.numpy() == 0
    assert empty.any()
    policy = solver.get_policy().probabilities
    uniform = solver.model.uniform_policy().numpy()
    np.testing.assert_array_equal(policy[empty], uniform[empty])
    assert (policy != uniform).any()


def test_averages_of_the_smallest_masses_are_distributions():
    least = 3e-38  # of single precision, where compiled code flushes to zero
    average = tf.function(average_policy, jit_compile=True)(
        tf.constant([least, 0.0, least, 0.0]),
        tf.constant([[0.25, 0.75]] * 4),
        tf.constant([0.0, least, least, 0.0]),
        tf.constant([[1.0, 0.0]] * 4),
        tf.constant([[0.5, 0.5]] * 4),
    )
    expected = [[0.25, 0.75], [1.0, 0.0], [0.625, 0.375], [0.5, 0.5]]
    np.testing.assert_allclose(average, expected, rtol=1e-6)


def test_averages_keep_the_smallest_shares():
    average = average_policy(
        tf.constant([1e-20], tf.float64),
        tf.constant([[0.25, 0.75]], tf.float64),
        tf.constant([1.0], tf.float64),
        tf.constant([[1.0, 0.0]], tf.float64),
        tf.constant([[0.5, 0.5]], tf.float64),
    )
    np.testing.assert_allclose(average, [[1.0, 0.75e-20]], rtol=1e-14)


def test_linear_quadratic_game_decays_exactly(exploitabilities):
    # From a symmetric start the mean never moves, so that the best response stays the
    # same, and exploitability is phi_0 / (k + 1).
    solver = FictitiousPlay(SETTINGS["linear_quadratic_2020"].load())
    found = exploitabilities(solver, 10)
    expected = [found[0] / (k + 1) for k in range(11)]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


# Exploitability by iteration, computed by an independent program that breaks the
# near-ties of these symmetric games by its own rounding.
REFERENCE = {
    "mfg_beach_bar(size=100,horizon=15)": "0: 1.823, 1: 3.065, 10: 1.233, 20: 0.470, "
    "50: 0.150, 100: 0.0613, 200: 0.0240, 500: 0.0099, 1000: 0.0048",
    "mfg_beach_bar(size=100,horizon=15,closing_time=7)": "0: 1.125, 1: 2.822, "
    "10: 1.215, 20: 0.483, 50: 0.184, 100: 0.0541, 200: 0.0246, 500: 0.0091, "
    "1000: 0.0047",
    "mfg_exploration(horizon=41,noise=0.1)": "0: 336.1, 1: 325.4, 5: 230.6, "
    "10: 158.9, 20: 93.2, 50: 34.5, 100: 8.24, 200: 3.68, 300: 2.40",
}


@pytest.mark.parametrize("last", [50, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("game", REFERENCE)
def test_reference_table_up_to_near_ties(exploitabilities, game, last):
    row = [entry.split(":") for entry in REFERENCE[game].split(",")]
    expected = {int(k): float(value) for k, value in row if int(k) <= last}
    found = exploitabilities(FictitiousPlay(game), max(expected))
    assert found[0] == pytest.approx(expected[0], rel=5e-4)
    for k, value in expected.items():
        assert found[k] == pytest.approx(value, rel=0.3), k


def test_reference_table_of_the_softmax_response(exploitabilities):
    # At this temperature a softmax amplifies differences: summed in another order, the
    # independent program's own later entries move by up to 45 %.
    solver = FictitiousPlay("mfg_exploration(horizon=41,noise=0.1)", temperature=0.1)
    found = exploitabilities(solver, 50)
    assert found[:6:5] == pytest.approx([336.1, 137.5], abs=0.05)
    assert found[1] == pytest.approx(264.5, abs=0.05)
    later = [found[10], found[20], found[50]]
    np.testing.assert_allclose(later, [85.0, 45.8, 10.1], rtol=0.5)


@pytest.mark.parametrize("lr", [0.0, -0.5, 1.5, math.nan])
def test_wrong_weight_is_refused(lr):
    with pytest.raises(ValueError, match="`lr` must be above 0 and at most 1"):
        FictitiousPlay("mfg_test_two_roads", lr=lr)


@pytest.mark.parametrize("temperature", [0.0, -0.5, math.nan, math.inf])
def test_wrong_temperature_is_refused(temperature):
    with pytest.raises(ValueError, match="`temperature` must be above 0"):
        FictitiousPlay("mfg_test_two_roads", temperature=temperature)
