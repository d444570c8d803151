import math

import numpy as np
from numpy_reference import NumpyReference
from open_spiel.python.mfg.algorithms import mirror_descent as openspiel
from open_spiel.python.mfg.algorithms.boltzmann_policy_iteration import (
    BoltzmannPolicyIteration,
)
from open_spiel.python.mfg.algorithms.munchausen_mirror_descent import (
    MunchausenMirrorDescent,
)
from open_spiel.python.mfg.algorithms.nash_conv import NashConv
import pyspiel
import pytest
import scipy.optimize
from toy_dynamics import RANDOM_GAMES, share_exploitability

from algorithms.mirror_descent import MirrorDescent
from mfg_games.settings import SETTINGS

CLEAN = "2.8135 2.791 0.0722 0.0397 0.0203"
EXPLORATION = SETTINGS["exploration_testing"].game_string


def test_two_roads(exploitabilities):
    # The logits of the roads differ by the sum of the differences of their rewards.
    solver = MirrorDescent("mfg_test_two_roads", lr=0.8)
    difference, expected = 0.0, []
    for _ in range(60):
        share = 1 / (1 + math.exp(-difference))
        expected.append(share_exploitability(share))
        difference += 0.8 * (0.5 - share - (0.0 - (1 - share)))
    found = exploitabilities(solver, 59)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)
    assert solver.get_policy().probabilities[0] == pytest.approx([0.75, 0.25])


@pytest.mark.parametrize("game", [RANDOM_GAMES[0], RANDOM_GAMES[3], RANDOM_GAMES[7]])
def test_trajectory_equals_plain_loops(game):
    solver = MirrorDescent(game, lr=0.3)
    reference = NumpyReference(solver.game.dynamics)
    for expected in reference.mirror_descent(0.3, 5):
        solver.iteration()
        found = solver.get_policy().probabilities
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
        gap = reference.exploitability(expected)
        assert solver.exploitability == pytest.approx(gap, abs=1e-12)


@pytest.mark.parametrize("string", [RANDOM_GAMES[0], EXPLORATION])
def test_trajectory_equals_openspiels_munchausen(string):
    # Munchausen mirror descent is mirror descent in exact arithmetic.
    game = pyspiel.load_game(string)
    ours, theirs = MirrorDescent(game, lr=0.5), MunchausenMirrorDescent(game, lr=0.5)
    for _ in range(4):
        ours.iteration()
        theirs.iteration()
        expected = NashConv(game, theirs.get_policy()).nash_conv()
        assert ours.exploitability == pytest.approx(expected, abs=1e-9)


def euclidean_share(difference: float) -> float:
    return min(1.0, max(0.0, 0.5 + difference / 2))


def tsallis_share(difference: float) -> float:
    """Of order 3/2: the roots of the shares are c and c - |difference| / 2."""
    d = min(abs(difference), 2.0)
    share = (d / 4 + math.sqrt(0.5 - d**2 / 16)) ** 2
    return share if difference >= 0 else 1 - share


@pytest.mark.parametrize(
    ("regulariser", "share_of"),
    [("euclidean", euclidean_share), ("tsallis", tsallis_share)],
)
def test_other_regularisers_on_two_roads(exploitabilities, regulariser, share_of):
    solver = MirrorDescent(
        "mfg_test_two_roads", lr=0.3, regulariser=regulariser, tsallis_order=1.5
    )
    difference, expected = 0.0, []
    for _ in range(80):
        share = share_of(difference)
        expected.append(share_exploitability(share))
        difference += 0.3 * (1.5 - 2 * share)
    found = exploitabilities(solver, 79)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
    assert solver.get_policy().probabilities[0] == pytest.approx([0.75, 0.25])


@pytest.mark.parametrize("game", [RANDOM_GAMES[3], RANDOM_GAMES[4]])
def test_euclidean_trajectory_equals_plain_loops(game):
    solver = MirrorDescent(game, lr=0.2, regulariser="euclidean")
    reference = NumpyReference(solver.game.dynamics)
    legal = solver.model.legal_actions.numpy()

    def project(scores, allowed):
        y = scores[allowed]
        threshold = scipy.optimize.brentq(
            lambda c: np.maximum(y - c, 0.0).sum() - 1, y.min() - 1, y.max(), xtol=1e-14
        )
        return np.where(allowed, np.maximum(scores - threshold, 0.0), 0.0)

    scores, policy = np.zeros(legal.shape), reference.uniform_policy()
    for _ in range(4):
        scores += (
            0.2 * reference.action_values(reference.distribution(policy), policy)[0]
        )
        policy = np.array(list(map(project, scores, legal)))
        solver.iteration()
        found = solver.get_policy().probabilities
        np.testing.assert_allclose(found, policy, rtol=0, atol=1e-12)


def test_damped_trajectory_equals_plain_loops():
    solver = MirrorDescent(RANDOM_GAMES[3], lr=0.3, damping=0.4)
    reference = NumpyReference(solver.game.dynamics)
    scores, policy = 0.0, reference.uniform_policy()
    for _ in range(4):
        q, _ = reference.action_values(reference.distribution(policy), policy)
        scores = 0.6 * scores + 0.3 * q
        policy = reference.softmax(scores)
        solver.iteration()
        found = solver.get_policy().probabilities
        np.testing.assert_allclose(found, policy, rtol=0, atol=1e-12)


def test_all_damping_is_boltzmann_policy_iteration():
    game = pyspiel.load_game(RANDOM_GAMES[3])
    ours = MirrorDescent(game, lr=2.0, damping=1.0)
    theirs = BoltzmannPolicyIteration(game, lr=2.0)
    for _ in range(3):
        ours.iteration()
        theirs.iteration()
        expected = NashConv(game, theirs.get_policy()).nash_conv()
        assert ours.exploitability == pytest.approx(expected, abs=1e-9)


def test_damping_leaves_a_bias():
    solver = MirrorDescent("mfg_test_two_roads", lr=0.5, damping=0.25)
    for step in 60 * [0.5, 1.5]:  # the temperature 0.25 / 0.5 stays
        solver.iteration(learning_rate=step)
    share = solver.get_policy().probabilities[0, 0]
    assert math.log(share / (1 - share)) == pytest.approx((1.5 - 2 * share) / 0.5)
    assert solver.exploitability > 0.04
    with pytest.raises(
        ValueError, match="`learning_rate` must be above 0 and at most 2"
    ):
        solver.iteration(learning_rate=2.5)


def test_openspiels_mirror_descent_is_another_algorithm(meets):
    # It evaluates a policy that changes under the evaluation wherever several actions
    # lead to the same chance node. Both rows were computed by independent programs.
    game = pyspiel.load_game("mfg_crowd_modelling")
    meets(MirrorDescent(game, lr=1.0), [0, 1, 10, 20, 50], CLEAN)
    theirs = openspiel.MirrorDescent(game, lr=1.0)
    for _ in range(10):
        theirs.iteration()
    found = NashConv(game, theirs.get_policy()).nash_conv()
    assert found == pytest.approx(1.394, abs=5e-4)


def test_learning_rate_of_one_iteration():
    steps = (0.5, 0.02, 1.7)
    solver = MirrorDescent("mfg_test_two_roads", lr=0.1)
    difference = 0.0
    for step in steps:
        share = 1 / (1 + math.exp(-difference))
        difference += step * (1.5 - 2 * share)
        gap = share_exploitability(share)
        assert solver.exploitability == pytest.approx(gap, abs=1e-14)
        solver.iteration(learning_rate=step)
    share = 1 / (1 + math.exp(-difference))
    assert solver.get_policy().probabilities[0, 0] == pytest.approx(share, abs=1e-14)


# Iterations and exploitability, computed by an independent program.
BEACH_BAR = ([0, 1, 10, 20, 50, 100, 200, 500], "mfg_beach_bar(size=100,horizon=15)")
FOUR_ROOMS = ([0, 1, 5, 10, 20, 50], "mfg_exploration(horizon=41,noise=0.1)")


@pytest.mark.parametrize(
    "table, lr, row",
    [
        (BEACH_BAR, 0.1, "1.823 1.725 1.164 0.816 0.340 0.135 0.092 0.071"),
        (BEACH_BAR, 1.0, "1.823 1.180 10.84 7.84 4.28 1.46 0.0265 0.0022"),
        (FOUR_ROOMS, 0.05, "336.1 98.8 14.2 8.56 5.30 1.83"),
        (FOUR_ROOMS, 0.01, "336.1 273.4 106.8 38.4 17.3 7.94"),
        # Too large a learning rate diverges.
        (FOUR_ROOMS, 0.1, "336.1 36.6 44.4 170.9 163 160"),
    ],
)
def test_reference_table(meets, table, lr, row):
    iterations, game = table
    meets(MirrorDescent(game, lr=lr), iterations, row)


def test_the_largest_stable_rate_depends_on_the_regulariser(exploitabilities):
    # At 0.05 the entropy gets below 6 in 20 iterations, as the table shows.
    rates = {
        lr: exploitabilities(
            MirrorDescent(FOUR_ROOMS[1], lr=lr, regulariser="euclidean"), 20
        )
        for lr in (0.01, 0.05)
    }
    assert rates[0.01][20] < 7
    assert min(rates[0.05]) > 100


@pytest.mark.slow
@pytest.mark.parametrize(
    "lr, row",
    [(0.05, "0.593 0.240 0.136"), (0.01, "4.60 2.25 1.29"), (0.1, "204 208 207")],
)
def test_reference_table_to_the_end(meets, lr, row):
    meets(MirrorDescent(FOUR_ROOMS[1], lr=lr), [100, 200, 300], row)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"regulariser": "l2"}, "`regulariser` must be one of entropy, eucl"),
        ({"regulariser": "tsallis", "tsallis_order": 1.0}, "`order` must be above 0"),
        ({"damping": 1.5}, "`damping` must be a probability"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MirrorDescent("mfg_test_two_roads", **arguments)


@pytest.mark.parametrize("lr", [0.0, -1.0, math.nan, math.inf])
def test_wrong_learning_rate_is_refused(lr):
    with pytest.raises(ValueError, match="`lr` must be above 0"):
        MirrorDescent("mfg_test_two_roads", lr=lr)
