"""Games too large for a policy of all nodes: layers are chosen in the sweeps."""

import collections

import numpy as np
import pytest
import tensorflow as tf

from algorithms import model
from algorithms.mirror_descent import MirrorDescent
from algorithms.model import ScorePolicy, array_model, push
from algorithms.regularisers import softmax
from mfg_games.settings import SETTINGS

# Walls, staircases, common noise, several populations.
GAMES = (
    "exploration_testing",
    "building_testing",
    "moving_target_common_noise_testing",
)


@pytest.fixture
def large(monkeypatch):
    """Makes every game count as large, and models anew."""
    monkeypatch.setattr(model, "_recent", collections.OrderedDict())
    monkeypatch.setattr(array_model, "_LARGE_POLICY", 0)
    monkeypatch.setattr(push, "_MAX_CONSTANT", 0)


@pytest.mark.parametrize("name", GAMES)
def test_scores_of_states_take_the_place_of_a_policy(large, name):
    arrays = array_model.ArrayModel(SETTINGS[name].load())
    assert arrays.zero_scores().shape == (arrays.num_nodes,)


@pytest.mark.parametrize("name", GAMES)
def test_sweeps_equal_those_of_the_whole_policy(large, name):
    arrays = array_model.ArrayModel(SETTINGS[name].load())
    scores = np.random.default_rng(0).normal(size=arrays.zero_scores().shape)
    policy = ScorePolicy(tf.constant(scores), softmax)
    whole = arrays.expand(policy)
    assert whole.shape == (arrays.num_nodes, arrays.num_actions)
    flow, expected = arrays.distribution(policy), arrays.distribution(whole)
    np.testing.assert_allclose(flow.mass, expected.mass, rtol=0, atol=1e-14)
    found, expected = arrays.evaluate(policy, flow), arrays.evaluate(whole, flow)
    for values, exact in ((found, expected), (found.totals, expected.totals)):
        for name in set(values._fields) - {"totals", "scores"}:
            ours, theirs = getattr(values, name), getattr(exact, name)
            np.testing.assert_allclose(ours, theirs, 1e-12, 1e-12, err_msg=name)


@pytest.mark.parametrize("name", GAMES)
def test_mirror_descent_has_the_numbers_of_the_usual_path(request, name):
    game = SETTINGS[name].load()
    usual = MirrorDescent(game, lr=0.2)
    request.getfixturevalue("large")
    compact = MirrorDescent(game, lr=0.2)
    assert compact.state["scores"].shape != usual.state["scores"].shape
    for _ in range(5):
        assert compact.exploitability == pytest.approx(usual.exploitability, rel=1e-11)
        usual.iteration()
        compact.iteration()


def test_action_rewards_keep_a_score_for_each_action(large):
    arrays = array_model.ArrayModel(SETTINGS["beach_bar_testing"].load())
    assert arrays.zero_scores().shape == (arrays.num_nodes, arrays.num_actions)
