import functools

import numpy as np
from numpy_reference import NumpyReference
from open_spiel.python.mfg.algorithms.nash_conv import NashConv
import pyspiel
import pytest
import tensorflow as tf
from toy_dynamics import RANDOM_GAMES

from algorithms.model import load_model
from algorithms.model.push import Push, push_moving
from algorithms.policy import ArrayPolicy
from mfg_games.settings import SETTINGS, TESTING

pytestmark = pytest.mark.xla  # that every game compiles

GAMES = RANDOM_GAMES + tuple(
    entry.game_string for entry in SETTINGS.values() if TESTING in entry.tags
)


@pytest.fixture(scope="module", params=GAMES)
def model(request):
    return load_model(request.param)


@pytest.fixture(scope="module", params=["uniform", "random", "deterministic"])
def policy(request, model) -> np.ndarray:
    """A policy, [D, A]."""
    legal = model.legal_actions.numpy()
    draws = legal * np.random.default_rng(len(legal)).random(legal.shape)
    weights = {
        "uniform": legal,
        "random": draws**3,
        "deterministic": draws == draws.max(axis=1, keepdims=True),
    }[request.param]
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def ours(model, policy):
    """The policy's flow and evaluation."""
    return compiled(model)(model.as_tensor(policy))


@pytest.fixture(scope="module")
def openspiel(model, policy) -> NashConv:
    return NashConv(model.game, ArrayPolicy(model, policy))


@functools.cache
def compiled(model):
    def both(policy):
        flow = model.distribution(policy)
        return flow, model.evaluate(policy, flow)

    return model.compile(both)


def test_values_equal_those_of_openspiel(ours, openspiel):
    _, evaluation = ours
    expected = openspiel.nash_conv()
    assert float(evaluation.totals.exploitability) == pytest.approx(expected, abs=1e-9)
    best = openspiel.br_values()
    assert evaluation.totals.best_value.numpy().tolist() == pytest.approx(
        best, abs=1e-9
    )
    assert expected > 0


def test_distribution_equals_that_of_openspiel(model, ours, openspiel):
    flow, _ = ours
    theirs = openspiel.distribution.distribution
    found = model.masses(flow)
    for name, mass in found.items():
        assert mass == pytest.approx(theirs.get(name, 0.0), abs=1e-12), name
    # All mass of T decision and T mean field layers is where the model has nodes, and
    # that of T mean field layers over states and actions.
    d = model.game.dynamics
    layers = (3 if d.joint_law else 2) * d.horizon * d.num_populations
    assert sum(theirs.get(name, 0.0) for name in found) == pytest.approx(layers)


def test_sweeps_equal_plain_loops(model, policy, ours):
    reference = NumpyReference(model.game.dynamics)
    expected = reference.distribution(policy)
    flow, evaluation = ours
    close = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(flow.mass, reference.mass(expected), **close)
    legal = model.legal_actions.numpy()
    for followed, q, value in (
        (policy, evaluation.q, evaluation.totals.value),
        (None, evaluation.best_q, evaluation.totals.best_value),
    ):
        expected_q, expected_value = reference.action_values(expected, followed)
        q = model.absolute(q, evaluation)
        np.testing.assert_allclose(q.numpy()[legal], expected_q[legal], **close)
        np.testing.assert_allclose(value, expected_value, **close)


@pytest.mark.parametrize("game", [RANDOM_GAMES[4], GAMES[-2]])
def test_single_precision_is_close(game):
    # Sums of fewer than a hundred terms of one sign lose some hundred roundings of
    # 6e-8 at most, relative to their size.
    double, single = load_model(game), load_model(game, "float32")
    _, expected = compiled(double)(double.uniform_policy())
    _, found = compiled(single)(single.uniform_policy())
    close = {"rtol": 0, "atol": 1e-5 * (1 + np.abs(expected.q).max())}
    for name in ("q", "best_q"):
        ours, theirs = getattr(found, name), getattr(expected, name)
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, **close)
    for name in ("value", "gain"):
        ours, theirs = getattr(found.totals, name), getattr(expected.totals, name)
        np.testing.assert_allclose(ours, theirs, **close)


def test_rows_are_the_decision_states(model):
    states = list(model.decision_states())
    assert len(states) == model.num_nodes
    assert [model.node_index(state) for state in states] == list(range(len(states)))
    for state, legal in zip(states, model.legal_actions.numpy(), strict=True):
        assert state.legal_actions() == np.flatnonzero(legal).tolist()
    assert len({str(state) for state in states}) == len(states)
    root = model.game.new_initial_state()
    with pytest.raises(KeyError, match="No decision is taken"):
        model.node_index(root)


def test_rewards_are_computed_in_double_precision():
    # The offset of 1e8 swallows the rewards in single precision.
    model = load_model("mfg_test_two_roads(offset=100000000.0)", "float32")
    _, evaluation = compiled(model)(model.uniform_policy())
    assert float(evaluation.totals.exploitability) == pytest.approx(0.25, abs=1e-6)


def test_states_that_are_played_have_rows():
    game = pyspiel.load_game(RANDOM_GAMES[1])
    model = load_model(game)
    rng = np.random.default_rng(0)
    states = list(model.decision_states())
    for population in range(game.num_players()):
        state = game.new_initial_state_for_population(population)
        while not state.is_terminal():
            if state.current_player() == pyspiel.PlayerId.MEAN_FIELD:
                support = state.distribution_support()
                state.update_distribution([2 / len(support)] * len(support))
                continue
            if (
                state.current_player() == population
                and len(str(state))
                and ("action" not in str(state))
            ):
                assert str(states[model.node_index(state)]) == str(state)
            state.apply_action(int(rng.choice(state.legal_actions())))


@pytest.mark.parametrize("spread", [1, 12], ids=["scatter", "gather"])
def test_push_sums_at_the_targets(spread):
    rng = np.random.default_rng(0)
    targets = rng.integers(spread, size=(12, 3), dtype=np.int32)
    flow = rng.random((2, 5, 12, 3))
    expected = np.zeros((2, 5, 12))
    for h, n, x, a in np.ndindex(flow.shape):
        expected[h, n, targets[x, a]] += flow[h, n, x, a]
    found = Push(targets, 12)(tf.constant(flow))
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize("sources", [(4, 3, 2), (4, 2)], ids=["general", "factored"])
def test_push_along_moving_edges(sources):
    rng = np.random.default_rng(0)
    successors = rng.integers(4, size=(5, *sources), dtype=np.int32)
    flow = rng.random((5, 2, *sources))
    expected = np.zeros((5, 2, 4))
    for h, n, *place in np.ndindex(flow.shape):
        expected[h, n, successors[(h, *place)]] += flow[(h, n, *place)]
    found = push_moving(tf.constant(flow), tf.constant(successors), 4)
    np.testing.assert_allclose(found, expected, rtol=1e-14)
