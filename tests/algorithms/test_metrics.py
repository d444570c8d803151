"""NashConv, distributions and values against OpenSpiel's own evaluators."""

import numpy as np
from open_spiel.python import policy as openspiel_policy
from open_spiel.python.mfg.algorithms import best_response_value, nash_conv
from open_spiel.python.mfg.algorithms import distribution as openspiel_distribution
from open_spiel.python.mfg.algorithms import policy_value as openspiel_policy_value
import pyspiel
import pytest

from algorithms.best_response_value import BestResponse
from algorithms.distribution import DistributionPolicy
from algorithms.exploitability import exploitability
from algorithms.fictitious_play import FictitiousPlay
from algorithms.nash_conv import NashConv
from algorithms.policy_value import PolicyValue
import mfg_games  # noqa: F401 (registers)

GAMES = [
    "mfg_beach_bar(size=6,horizon=4)",
    "mfg_beach_bar(size=6,horizon=4,closing_time=2)",
    "mfg_crowd_modelling(size=6,horizon=4)",
]


@pytest.fixture(params=GAMES)
def game(request):
    return pyspiel.load_game(request.param)


@pytest.fixture
def policy(game):
    solver = FictitiousPlay(game)
    for _ in range(3):
        solver.iteration()
    return solver.get_policy()


def decision_states(game):
    state = game.new_initial_state()
    while not state.is_terminal():
        if state.is_chance_node():
            state.apply_action(state.chance_outcomes()[0][0])
        elif state.current_player() == pyspiel.PlayerId.MEAN_FIELD:
            size = len(state.distribution_support())
            state.update_distribution([1 / size] * size)
        else:
            if len(state.legal_actions()) > 1:
                yield state.clone()
            state.apply_action(state.legal_actions()[0])


def test_nash_conv_equals_openspiels(game, policy):
    ours, theirs = NashConv(game, policy), nash_conv.NashConv(game, policy)
    assert ours.nash_conv() == pytest.approx(theirs.nash_conv(), abs=1e-9)
    assert ours.br_values() == pytest.approx(theirs.br_values(), abs=1e-9)
    assert exploitability(game, policy) == ours.nash_conv()
    gaps = np.subtract(ours.br_values(), ours.policy_values())
    assert gaps.sum() == pytest.approx(ours.nash_conv(), abs=1e-12)


def test_distributions_equal_openspiels(game, policy):
    ours = DistributionPolicy(game, policy)
    theirs = openspiel_distribution.DistributionPolicy(game, policy)
    for name, mass in ours.distribution.items():
        assert mass == pytest.approx(theirs.value_str(name, 0.0), abs=1e-12), name
    for state in decision_states(game):
        assert ours(state) == pytest.approx(theirs(state), abs=1e-12)
    with pytest.raises(ValueError, match="is called 'nowhere'"):
        ours.value_str("nowhere")
    assert ours.value_str("nowhere", 0.5) == 0.5


def test_openspiels_evaluators_take_our_distribution(game, policy):
    ours = DistributionPolicy(game, policy)
    value = openspiel_policy_value.PolicyValue(game, ours, policy)
    root = game.new_initial_state()
    expected = NashConv(game, policy).policy_values()[0]
    assert value(root) == pytest.approx(expected, abs=1e-9)


def test_values_against_another_populations_flow(game, policy):
    """The player's policy need not be the population's."""
    uniform = openspiel_policy.UniformRandomPolicy(game)
    theirs_flow = openspiel_distribution.DistributionPolicy(game, uniform)
    theirs = openspiel_policy_value.PolicyValue(game, theirs_flow, policy)
    theirs_best = best_response_value.BestResponse(game, theirs_flow)
    flow = DistributionPolicy(game, uniform)
    ours, ours_best = PolicyValue(game, flow, policy), BestResponse(game, flow)
    root = game.new_initial_state()
    assert ours(root) == pytest.approx(theirs(root), abs=1e-9)
    assert ours_best(root) == pytest.approx(theirs_best(root), abs=1e-9)
    for state in decision_states(game):
        # OpenSpiel's value(state, action) adds the reward that the state shows under
        # the distribution registered in *this* state; ours is the value in the flow.
        assert ours.eval_state(state) == pytest.approx(theirs(state), abs=1e-9)
        assert ours_best(state) == pytest.approx(theirs_best(state), abs=1e-9)
        best = ours_best.get_policy().action_probabilities(state)
        action = max(best, key=best.get)
        assert ours_best(state, action) == pytest.approx(ours_best(state), abs=1e-9)


def test_a_policy_of_another_game_is_refused(policy):
    other = pyspiel.load_game("mfg_beach_bar(size=7,horizon=4)")
    with pytest.raises(ValueError, match="was made for"):
        NashConv(other, policy)


def test_a_solver_shows_its_distribution(game):
    solver = FictitiousPlay(game)
    solver.iteration()
    theirs = openspiel_distribution.DistributionPolicy(game, solver.get_policy())
    for name, mass in solver.distribution.distribution.items():
        assert mass == pytest.approx(theirs.value_str(name, 0.0), abs=1e-12), name
