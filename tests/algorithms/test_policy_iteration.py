import math

import numpy as np
from numpy_reference import NumpyReference
from open_spiel.python.mfg.algorithms import boltzmann_policy_iteration as openspiel
from open_spiel.python.mfg.algorithms.nash_conv import NashConv
import pyspiel
import pytest
from toy_dynamics import RANDOM_GAMES

from algorithms.boltzmann_policy_iteration import BoltzmannPolicyIteration
from algorithms.policy_iteration import PolicyIteration


def test_two_roads_cycle(exploitabilities):
    # The road taken at t = 0 is all that counts, so that one improvement is greedy.
    found = exploitabilities(PolicyIteration("mfg_test_two_roads"), 6)
    assert found == pytest.approx([0.25, 0.5, 1.5, 0.5, 1.5, 0.5, 1.5], abs=1e-14)


def test_softmax_improvement():
    solver = PolicyIteration("mfg_test_two_roads", temperature=0.4)
    share = 0.5
    for _ in range(6):
        share = 1 / (1 + math.exp(-(1.5 - 2 * share) / 0.4))
        solver.iteration()
        found = solver.get_policy().probabilities[0, 0]
        assert found == pytest.approx(share, abs=1e-13)


def test_greedy_trajectory_equals_plain_loops():
    solver = PolicyIteration(RANDOM_GAMES[3])
    reference = NumpyReference(solver.game.dynamics)
    policy = reference.uniform_policy()
    for _ in range(4):
        q, _ = reference.action_values(reference.distribution(policy), policy)
        policy = reference.greedy(q)
        solver.iteration()
        np.testing.assert_array_equal(solver.get_policy().probabilities, policy)
        gap = reference.exploitability(policy)
        assert solver.exploitability == pytest.approx(gap, abs=1e-12)


def test_trajectory_equals_openspiels():
    game = pyspiel.load_game(RANDOM_GAMES[0])
    ours = BoltzmannPolicyIteration(game, lr=2.0)
    theirs = openspiel.BoltzmannPolicyIteration(game, lr=2.0)
    for _ in range(4):
        ours.iteration()
        theirs.iteration()
        expected = NashConv(game, theirs.get_policy()).nash_conv()
        assert ours.exploitability == pytest.approx(expected, abs=1e-9)


def test_reference_table(meets):
    # Computed by an independent program.
    solver = BoltzmannPolicyIteration("mfg_exploration(horizon=41,noise=0.1)", lr=0.1)
    meets(solver, [0, 1, 5, 10, 20, 50], "336.1 36.6 45.3 344 330 353")


@pytest.mark.parametrize("temperature", [0.0, -0.5, math.nan, math.inf])
def test_wrong_temperature_is_refused(temperature):
    with pytest.raises(ValueError, match="`temperature` must be above 0"):
        PolicyIteration("mfg_test_two_roads", temperature=temperature)


@pytest.mark.parametrize("lr", [0.0, -0.5, math.nan, math.inf])
def test_wrong_learning_rate_is_refused(lr):
    with pytest.raises(ValueError, match="`lr` must be above 0"):
        BoltzmannPolicyIteration("mfg_test_two_roads", lr=lr)
