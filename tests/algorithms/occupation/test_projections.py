"""The polytope of flows, and projections onto it, against general optimisers."""

import numpy as np
from numpy_reference import NumpyReference
import pytest
from scipy import optimize

from algorithms.model import load_model
from algorithms.occupation import projections, simplex
from algorithms.occupation.flow_polytope import FlowPolytope
from algorithms.occupation.kernel import fixed_kernel

# Illegal actions, two populations, common noise, discounting; transitions stay.
RICH = (
    "mfg_test_random(seed=3,states=3,populations=2,horizon=3,restricted=true,"
    "common_noise=true,terminal=true,discount=0.8)"
)
PLAIN = "mfg_test_random(seed=1,states=4,actions=2,horizon=3)"
RING = "mfg_beach_bar(size=4,horizon=3,stay_probability=0.5)"
FACTORED = "mfg_test_random(seed=9,states=3,horizon=3,factored=true,actions=2)"


def polytope_of(game: str, capacity: float | None = None) -> FlowPolytope:
    kernel = fixed_kernel(load_model(game))
    limits = None
    if capacity is not None:
        limits = np.where(kernel.start > 0, np.inf, capacity)
    return FlowPolytope(kernel, limits)


def random_policy(legal: np.ndarray, seed: int = 0) -> np.ndarray:
    draws = np.where(
        legal, np.random.default_rng(seed).exponential(size=legal.shape), 0
    )
    return draws / draws.sum(axis=1, keepdims=True)


def occupation(game: str, policy: np.ndarray) -> np.ndarray:
    reference = NumpyReference(load_model(game).game.dynamics)
    return reference.mass(reference.distribution(policy))[:, None] * policy


@pytest.mark.parametrize("game", [RICH, FACTORED])
def test_flows_are_points_of_the_polytope(game):
    polytope = polytope_of(game)
    policy = random_policy(polytope.legal)
    x = occupation(game, policy)
    np.testing.assert_allclose(polytope.imbalance(x), 0, atol=1e-14)
    some = x.sum(axis=1) > 0
    np.testing.assert_allclose(polytope.policy(x)[some], policy[some], atol=1e-14)
    # No other occupation measure with these sums over actions balances.
    moved = x.copy()
    moved[np.flatnonzero(some)[0]] *= 1.1
    assert abs(polytope.imbalance(moved)).max() > 1e-3


def test_projection_onto_the_balanced_points():
    polytope = polytope_of(RICH)
    x = np.random.default_rng(0).normal(size=polytope.legal.shape)
    near = polytope.nearest_balanced(x)
    np.testing.assert_allclose(polytope.imbalance(near), 0, atol=1e-13)
    dense = polytope.balance.toarray()
    expected = x.ravel() + np.linalg.pinv(dense) @ polytope.imbalance(x)
    np.testing.assert_allclose(near.ravel(), expected, atol=1e-12)
    tangent = polytope.tangent(np.where(polytope.legal, x, 0))
    np.testing.assert_allclose(dense @ tangent.ravel(), 0, atol=1e-12)


@pytest.mark.parametrize("game", [RICH, PLAIN])
def test_best_value_is_that_of_the_linear_program(game):
    polytope = polytope_of(game)
    rewards = np.random.default_rng(1).normal(size=polytope.legal.shape)
    highest = np.where(polytope.legal, np.inf, 0.0).ravel()
    found = optimize.linprog(
        -rewards.ravel(),
        A_eq=polytope.balance,
        b_eq=polytope.start,
        bounds=np.stack([np.zeros_like(highest), highest], axis=1),
    )
    assert polytope.best_value(rewards) == pytest.approx(-found.fun, abs=1e-10)


def nearest_flow(polytope: FlowPolytope, target: np.ndarray) -> np.ndarray:
    """The projection, by sequential quadratic programming."""
    legal = np.flatnonzero(polytope.legal)
    balance = polytope.balance.toarray()[:, legal]
    constraints = [
        {
            "type": "eq",
            "fun": lambda x: balance @ x - polytope.start,
            "jac": lambda x: balance,
        }
    ]
    if polytope.capacity is not None:
        full = np.isfinite(polytope.capacity)
        mass = np.zeros(balance.shape)
        mass[legal // polytope.legal.shape[1], np.arange(len(legal))] = 1
        constraints.append(
            {
                "type": "ineq",
                "fun": lambda x: (polytope.capacity - mass @ x)[full],
                "jac": lambda x: -mass[full],
            }
        )
    wanted = target.ravel()[legal]
    found = optimize.minimize(
        lambda x: ((x - wanted) ** 2).sum() / 2,
        np.full(len(legal), 0.1),
        jac=lambda x: x - wanted,
        method="SLSQP",
        bounds=[(0, None)] * len(legal),
        constraints=constraints,
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert found.success
    point = np.zeros(polytope.legal.size)
    point[legal] = found.x
    return point.reshape(polytope.legal.shape)


@pytest.mark.parametrize("method", projections.METHODS)
@pytest.mark.parametrize(
    ("game", "capacity"), [(RICH, None), (PLAIN, 0.55), (RING, 0.27)]
)
def test_projections_equal_a_quadratic_programs_solution(game, capacity, method):
    polytope = polytope_of(game, capacity)
    target = np.random.default_rng(5).normal(scale=0.5, size=polytope.legal.shape)
    expected = nearest_flow(polytope, target)
    found = projections.project(polytope, target, method, tolerance=1e-10)
    assert found.imbalance <= 1e-10
    np.testing.assert_allclose(found.point, expected, atol=2e-7)
    if capacity is not None:
        assert (found.taken > 0).any()
        full = found.taken > 0
        np.testing.assert_allclose(found.point.sum(axis=1)[full], capacity, atol=1e-12)


@pytest.mark.parametrize("method", projections.METHODS)
def test_a_projection_goes_on_where_another_ended(method):
    polytope = polytope_of(PLAIN)
    target = np.random.default_rng(6).normal(size=polytope.legal.shape)
    first = projections.project(polytope, target, method)
    again = projections.project(polytope, target, method, first.shift)
    assert again.steps == 0 < first.steps
    flow = occupation(PLAIN, random_policy(polytope.legal))
    assert projections.project(polytope, flow, method).steps == 0


def test_a_projection_ends_at_the_largest_number_of_steps():
    polytope = polytope_of(PLAIN)
    target = np.random.default_rng(6).normal(size=polytope.legal.shape)
    found = projections.project(polytope, target, "dykstra", max_steps=3)
    assert found.steps == 3
    assert found.imbalance > 1e-6


@pytest.mark.parametrize(
    "game",
    [
        "mfg_test_random(seed=2,leaning=true)",
        "mfg_test_random(seed=2,moving=true)",
        "mfg_sis(horizon=3)",
        "python_mfg_dynamic_routing(max_num_time_step=4,time_step_length=0.5)",
    ],
)
def test_transitions_that_depend_on_the_crowd_are_refused(game):
    with pytest.raises(ValueError, match="`game` must have transitions that do not"):
        fixed_kernel(load_model(game))


def test_a_capacity_without_room_is_refused():
    with pytest.raises(ValueError, match=r"`capacity` must leave room.*0\.2"):
        polytope_of(PLAIN, 0.2)


def test_projections_onto_simplices():
    points = np.array([[0.5, 0.5, 0.5], [2.0, 0.0, -np.inf], [0.1, 0.0, -3.0]])
    found = simplex.project(points, np.array([1.5, 1.0, 0.3]))
    expected = [[0.5, 0.5, 0.5], [1.0, 0.0, 0.0], [0.2, 0.1, 0.0]]
    np.testing.assert_allclose(found, expected, atol=1e-15)


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="`projection` must be one of admm, coord"):
        projections.project(polytope_of(PLAIN), np.zeros((12, 2)), "newton")
