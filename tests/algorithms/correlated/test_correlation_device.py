"""Gaps of devices by hand, by OpenSpiel's functions and by brute force."""

import itertools

import correlation_games  # noqa: F401 (registers)
import numpy as np
from numpy_reference import NumpyReference
from open_spiel.python.mfg.algorithms import correlated_equilibrium as upstream
from open_spiel.python.mfg.algorithms import distribution, utils
from open_spiel.python.mfg.games import normal_form_game  # noqa: F401 (registers)
import pyspiel
import pytest
from scipy import sparse
import toy_dynamics  # noqa: F401 (registers)

from algorithms.correlated.device import CorrelationDevice
from algorithms.correlated.linear_game import load_linear_game
from algorithms.exploitability import exploitability
from algorithms.mirror_descent import MirrorDescent
from algorithms.model import load_model
from algorithms.model.array_model import ArrayModel
from algorithms.policy import ArrayPolicy

DOMINATED = "mean_field_nfg(reward_function=dom)"
SIDES = "mfg_test_two_sides"


@pytest.fixture(autouse=True)
def no_graphs(monkeypatch):
    """To make one takes longer than the few sweeps of a test."""
    monkeypatch.setattr(ArrayModel, "compile", lambda model, function: function)


def always(game, action: int) -> ArrayPolicy:
    model = load_model(game)
    rows = np.zeros(model.legal_actions.shape)
    rows[:, action] = 1.0
    return ArrayPolicy(model, rows)


def mixed(game, rng) -> ArrayPolicy:
    """A policy with random probabilities."""
    model = load_model(game)
    legal = model.legal_actions.numpy()
    weights = rng.exponential(size=legal.shape) * legal
    return ArrayPolicy(model, weights / weights.sum(axis=1, keepdims=True))


def random_device(game, rng, policies) -> CorrelationDevice:
    nus = rng.dirichlet(np.ones(len(policies)), 2)
    return CorrelationDevice.of(game, policies, nus, rng.dirichlet(np.ones(2)))


def test_a_dominated_action_in_a_coarse_equilibrium_by_hand():
    """Everybody at c or everybody at b: no single action is as good as to follow.

    c pays 3/4 where all are at c and b pays 1 where all are at b: 7/8 on average.
    Always a or always b pays 1/2; but who hears c gains 1/4 by playing a.
    """
    game = pyspiel.load_game(DOMINATED)
    policies = [always(game, 1), always(game, 2)]
    device = CorrelationDevice.of(game, policies, np.eye(2), [0.5, 0.5])
    assert device.welfare == pytest.approx(7 / 8, abs=1e-12)
    assert device.cce_gap == pytest.approx(1 / 2 - 7 / 8, abs=1e-12)
    assert device.ce_gap == pytest.approx(1 / 2 * 1 / 4, abs=1e-12)
    found = [(p.gain, p.measure[0].item()) for p in device.deviations]
    assert found == [(0.0, 0.0), (pytest.approx(1 / 8), 1.0)]
    # Of their average, with 1/2 for a and b and 1/4 for c, it is no Nash equilibrium.
    assert exploitability(game, device.policy) == pytest.approx(1 / 2 - 3 / 8)


def test_a_correlated_equilibrium_better_than_every_nash_equilibrium_by_hand():
    """With x = 1/4 or 3/4, E[x d] = 1/16 and E[(1 - x) d] = -1/16: nobody gains."""
    policies = [always(SIDES, 0), always(SIDES, 1)]
    nus = np.array([[3 / 4, 1 / 4], [1 / 4, 3 / 4]])
    device = CorrelationDevice.of(SIDES, policies, nus, [0.5, 0.5])
    assert device.welfare == pytest.approx(1 + 1 / 16, abs=1e-12)
    assert device.cce_gap == pytest.approx(-1 / 16, abs=1e-12)
    assert device.ce_gap == pytest.approx(0.0, abs=1e-12)
    assert device.values == pytest.approx([15 / 16, 19 / 16])
    assert device.flow(1).mass.numpy()[3:] == pytest.approx([0, 1 / 4, 3 / 4])
    assert device.probabilities.tolist() == [0.5, 0.5]
    for x, nash in [(0.0, 0.0), (0.5, 0.0), (1.0, 0.5)]:
        given = (device.linear_game, device.measures)
        alone = CorrelationDevice(*given, np.array([[1 - x, x]]), np.ones(1))
        assert alone.cce_gap == pytest.approx(0.0, abs=1e-12)
        assert alone.welfare == pytest.approx(nash, abs=1e-12)


def test_a_device_that_always_draws_the_same_is_its_mixture():
    game = pyspiel.load_game("mfg_beach_bar(size=4,horizon=3)")
    rng = np.random.default_rng(0)
    policies = [mixed(game, rng) for _ in range(2)]
    device = CorrelationDevice.of(game, policies, [[0.3, 0.7]], [1.0])
    expected = exploitability(game, device.policy)
    assert device.cce_gap == pytest.approx(expected, abs=1e-12)
    assert device.ce_gap >= device.cce_gap
    solver = MirrorDescent(game, lr=1.0)
    for _ in range(10):
        solver.iteration()
    played = sparse.csr_array(
        device.linear_game.measure(solver.get_policy().probabilities)[None]
    )
    device = CorrelationDevice(device.linear_game, played, np.eye(1), np.ones(1))
    assert 0 < solver.exploitability < 0.5 * expected
    for gap in (device.cce_gap, device.ce_gap):
        assert gap == pytest.approx(solver.exploitability, abs=1e-12)


@pytest.mark.parametrize(
    "game",
    [
        DOMINATED,
        "mfg_crowd_modelling(size=5,horizon=4)",
        "mfg_beach_bar(size=3,horizon=2)",
        "mfg_crowd_chain(num_states=3,horizon=2,discount=0.9)",
    ],
)
def test_gaps_and_welfare_are_openspiels(game):
    game = pyspiel.load_game(game)
    rng = np.random.default_rng(1)
    policies = [mixed(game, rng) for _ in range(2)]
    device = random_device(game, rng, policies)
    flows = [distribution.DistributionPolicy(game, policy) for policy in policies]
    mus = [utils.MixedDistribution(flows, nu) for nu in device.nus]
    given = (game, policies, device.weights, mus, device.nus)
    expected = upstream.cce_gap(*given, compute_true_rewards=True)
    assert device.cce_gap == pytest.approx(expected, abs=1e-9)
    expected = upstream.ce_gap(*given, compute_true_rewards=True)
    assert device.ce_gap == pytest.approx(expected, abs=1e-9)
    assert device.ce_gap >= device.cce_gap - 1e-12
    assert device.ce_gap > 1e-3
    welfare = upstream.compute_average_welfare(
        game, policies, mus, device.weights, device.nus
    )
    assert device.welfare == pytest.approx(welfare, abs=1e-9)


class BruteForce:
    """All payoffs of a tiny game in plain loops."""

    def __init__(self, game):
        self.reference = NumpyReference(game.dynamics)
        rows = self.reference.rows
        legal = [self.reference.legal(x) for _, _, _, x in rows]
        self.pure = [
            np.eye(game.dynamics.num_actions)[list(actions)]
            for actions in itertools.product(*legal)
        ]

    def crowd(self, policies, nu) -> dict:
        flows = [self.reference.distribution(policy) for policy in policies]
        return {
            layer: sum(
                share * flow[layer] for share, flow in zip(nu, flows, strict=True)
            )
            for layer in flows[0]
        }

    def payoffs(self, policies, crowd) -> np.ndarray:
        value = self.reference.action_values
        return np.array([value(crowd, policy)[1].sum() for policy in policies])


@pytest.mark.parametrize(
    "game",
    [
        "mfg_test_random(states=2,actions=2,horizon=2,common_noise=true,"
        "terminal=true,discount=0.8)",
        "mfg_test_random(seed=1,states=2,horizon=2,populations=2,restricted=true,"
        "factored=true)",
        "mfg_test_joint(seed=2,states=2,actions=2,horizon=2)",
    ],
)
def test_gaps_by_brute_force(game):
    game = pyspiel.load_game(game)
    rng = np.random.default_rng(2)
    policies = [mixed(game, rng) for _ in range(3)]
    device = random_device(game, rng, policies)
    brute = BruteForce(game)
    rows = [policy.probabilities for policy in policies]
    crowds = [brute.crowd(rows, nu) for nu in device.nus]
    own = np.array([brute.payoffs(rows, crowd) for crowd in crowds])
    pure = np.array([brute.payoffs(brute.pure, crowd) for crowd in crowds])
    welfare = device.weights @ (device.nus * own).sum(axis=1)
    assert device.welfare == pytest.approx(welfare, abs=1e-12)
    gap = (device.weights @ pure).max() - welfare
    assert device.cce_gap == pytest.approx(gap, abs=1e-12)
    joint = device.weights[:, None] * device.nus
    gap = ((joint.T @ pure).max(axis=1) - (joint * own).sum(axis=0)).sum()
    assert device.ce_gap == pytest.approx(gap, abs=1e-12)


def test_policies_are_given_back():
    game = pyspiel.load_game("mfg_beach_bar(size=4,horizon=3)")
    rng = np.random.default_rng(3)
    policies = [mixed(game, rng) for _ in range(2)]
    device = random_device(game, rng, policies)
    for found, policy in zip(device.policies, policies, strict=True):
        np.testing.assert_allclose(
            found.probabilities, policy.probabilities, atol=1e-12
        )


@pytest.mark.parametrize(
    ("nus", "weights", "message"),
    [
        ([[1.0]], [1.0], r"`nus` must have the shape \(1, 2\). Received: \(1, 1\)"),
        ([[0.5, 0.6]], [1.0], "`nus` must hold probabilities that sum to one"),
        ([[1.5, -0.5]], [1.0], "`nus` must hold probabilities"),
        ([[0.5, 0.5]], [0.9], "`weights` must hold probabilities that sum to one"),
    ],
)
def test_what_is_no_device_is_refused(nus, weights, message):
    policies = [always(SIDES, 0), always(SIDES, 1)]
    with pytest.raises(ValueError, match=message):
        CorrelationDevice.of(SIDES, policies, nus, weights)


@pytest.mark.parametrize(
    "game",
    [
        "mfg_sis(horizon=3)",
        "mfg_test_random(moving=true)",
        "mfg_test_random(leaning=true,factored=true)",
        "python_mfg_dynamic_routing(max_num_time_step=3)",
    ],
)
def test_games_whose_crowd_moves_its_players_are_refused(game):
    message = (
        r"transitions that do not depend on the crowd.*Received: game=`" + game[:7]
    )
    with pytest.raises(ValueError, match=message):
        load_linear_game(game)
