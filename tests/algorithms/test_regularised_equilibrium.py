import math

import numpy as np
from numpy_reference import NumpyReference
import pytest
import scipy.optimize
import scipy.special
from toy_dynamics import RANDOM_GAMES

from algorithms.fixed_point import FixedPoint
from algorithms.model import load_model
from algorithms.regularised_equilibrium import RegularisedEquilibrium
from algorithms.regularisers import Entropy, Tsallis

TINY = "mfg_test_random(seed=9,states=2,actions=2,horizon=2,leaning=true,terminal=true)"
MANIFOLD = (
    "mfg_test_random(seed=2,states=3,horizon=2,populations=2,common_noise=true,"
    "leaning=true,restricted=true,terminal=true,discount=0.8)"
)


def soft_gap(share: float, temperature: float) -> float:
    """Regularised exploitability of the two roads when this share takes road 0."""
    rewards = np.array([0.5 - share, share - 1])
    p = np.array([share, 1 - share])
    value = p @ rewards - temperature * scipy.special.xlogy(p, p).sum()
    return temperature * scipy.special.logsumexp(rewards / temperature) - value


def test_trajectory_equals_plain_loops():
    temperature = 0.6
    solver = RegularisedEquilibrium(MANIFOLD, temperature)
    reference = NumpyReference(solver.game.dynamics)

    def soft_maximum(q, row):
        return temperature * np.log(np.exp(q / temperature).sum())

    def gap(policy, flow, best_value):
        def node_value(q, row):
            p = policy[row, policy[row] > 0]
            return p @ (q - temperature * np.log(p))

        _, value = reference.action_values(flow, node_value=node_value)
        return (best_value - value).sum()

    policy = reference.uniform_policy()
    for _ in range(4):
        flow = reference.distribution(policy)
        q, best_value = reference.action_values(flow, node_value=soft_maximum)
        found = solver.regularised_exploitability
        assert found == pytest.approx(gap(policy, flow, best_value), abs=1e-11)
        exploitability = reference.exploitability(policy)
        assert solver.exploitability == pytest.approx(exploitability, abs=1e-11)
        policy = reference.softmax(q / temperature)
        solver.iteration()
        found = solver.get_policy().probabilities
        np.testing.assert_allclose(found, policy, rtol=0, atol=1e-12)


def some_policy(model) -> np.ndarray:
    draws = np.random.default_rng(3).random((model.num_nodes, model.num_actions))
    return draws / draws.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("regulariser", [Entropy(0.4), Tsallis(0.4, 2.0)], ids=repr)
def test_best_value_is_the_maximum_over_policies(regulariser):
    model = load_model(TINY)
    flow = model.distribution(model.as_tensor(some_policy(model)))
    evaluate = model.compile(lambda p, f: model.evaluate(p, f, regulariser))

    def loss(shares):
        policy = model.as_tensor(np.stack([shares, 1 - shares], axis=1))
        return -float(evaluate(policy, flow).totals.value[0])

    found = scipy.optimize.minimize(
        loss,
        np.full(model.num_nodes, 0.5),
        bounds=[(1e-9, 1 - 1e-9)] * model.num_nodes,
        options={"ftol": 1e-14, "gtol": 1e-9},
    )
    values = evaluate(model.uniform_policy(), flow)
    assert float(values.totals.best_value[0]) == pytest.approx(-found.fun, abs=1e-8)
    best = regulariser.policy(values.best_q, model.legal_actions)
    reached = model.distribution(best).mass.numpy() > 1e-3
    np.testing.assert_allclose(best[:, 0][reached], found.x[reached], atol=1e-3)
    assert loss(best[:, 0].numpy()) == pytest.approx(found.fun, abs=1e-8)


def test_values_by_finite_differences():
    # A player's own change of a row counts as often as the row is reached.
    temperature, step = 0.4, 1e-5
    model = load_model(TINY)
    policy = some_policy(model)
    flow = model.distribution(model.as_tensor(policy))

    def values(p):
        return model.evaluate(model.as_tensor(p), flow, Entropy(temperature))

    slopes = values(policy).q.numpy() - temperature * np.log(policy)
    expected = flow.mass.numpy() * (slopes[:, 0] - slopes[:, 1])
    for row in range(model.num_nodes):
        change = np.zeros_like(policy)
        change[row] = step, -step
        up, down = (float(values(policy + s * change).totals.value[0]) for s in (1, -1))
        assert (up - down) / (2 * step) == pytest.approx(expected[row], abs=1e-8)


def test_two_roads():
    solver = RegularisedEquilibrium("mfg_test_two_roads", temperature=2.0)
    share = 0.5
    for _ in range(40):
        expected = soft_gap(share, 2.0)
        assert solver.regularised_exploitability == pytest.approx(expected, abs=1e-14)
        share = 1 / (1 + math.exp(-(1.5 - 2 * share) / 2.0))
        solver.iteration()
        found = solver.get_policy().probabilities[0, 0]
        assert found == pytest.approx(share, abs=1e-14)
    assert solver.regularised_exploitability < 1e-14
    assert solver.exploitability > 0.1  # which a regularised equilibrium has


def test_euclidean_equilibrium():
    # Projected, (r_0, r_1) / T gives road 0 the share 1/2 + (3/2 - 2 share) / 2T.
    solver = RegularisedEquilibrium(
        "mfg_test_two_roads", temperature=2.5, regulariser="euclidean"
    )
    for _ in range(60):
        solver.iteration()
    share = (0.5 + 0.75 / 2.5) / (1 + 1 / 2.5)
    expected = [share, 1 - share]
    np.testing.assert_allclose(
        solver.get_policy().probabilities[0], expected, rtol=0, atol=1e-14
    )
    assert abs(solver.regularised_exploitability) < 1e-14


def test_low_temperatures_cycle_unless_damped():
    # The map's slope at the fixed point is -2 share (1 - share) / T = -3.7.
    solver = RegularisedEquilibrium("mfg_test_two_roads", temperature=0.1)
    damped = RegularisedEquilibrium("mfg_test_two_roads", 0.1, damping=0.8)
    gaps = []
    for _ in range(100):
        solver.iteration()
        damped.iteration()
        gaps.append(solver.regularised_exploitability)
    assert min(gaps) > 0.2
    assert np.ptp(gaps[-2::-2][:20]) < 1e-9  # a cycle of two
    share = damped.get_policy().probabilities[0, 0]
    assert math.log(share / (1 - share)) == pytest.approx((1.5 - 2 * share) / 0.1)
    assert damped.regularised_exploitability < 1e-12


def test_regularisation_counts_in_later_values():
    # FixedPoint takes the softmax of values without it, which is another fixed point.
    soft = RegularisedEquilibrium(RANDOM_GAMES[0], temperature=3.0)
    plain = FixedPoint(RANDOM_GAMES[0], temperature=3.0)
    for _ in range(60):
        soft.iteration()
        plain.iteration()
    assert soft.regularised_exploitability < 1e-12
    policies = [s.get_policy().probabilities for s in (soft, plain)]
    assert abs(policies[0] - policies[1]).max() > 0.005


def test_games_that_discover_nodes():
    solver = RegularisedEquilibrium("mfg_dynamic_routing", temperature=5.0, damping=0.5)
    first = solver.regularised_exploitability
    for _ in range(25):
        solver.iteration()
    assert 0 <= solver.regularised_exploitability < 1e-6 * first


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_wrong_temperature_is_refused(temperature):
    with pytest.raises(ValueError, match="`temperature` must be above 0"):
        RegularisedEquilibrium("mfg_test_two_roads", temperature=temperature)
