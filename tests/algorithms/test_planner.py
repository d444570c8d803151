"""Derivative rewards against finite differences of the welfare, and by hand."""

import math

import numpy as np
from numpy_reference import NumpyReference
import pytest
from toy_dynamics import RANDOM_GAMES

from algorithms.model import load_model
from algorithms.planner import load_planner, price_of_anarchy
from mfg_games.settings import SETTINGS

SLOW = pytest.mark.slow  # without a compiler, histories of common noise take long
# Transitions that depend on the crowd, common noise, several populations, joint laws.
GAMES = (
    pytest.param(RANDOM_GAMES[1], marks=SLOW),
    RANDOM_GAMES[4],
    pytest.param(RANDOM_GAMES[6], marks=SLOW),
    RANDOM_GAMES[7],
    "linear_quadratic_testing",
    pytest.param("linear_quadratic_common_noise_testing", marks=SLOW),
    "predator_prey_testing",
    "random_linear_testing",
    "sis_testing",
)


def planner_of(game):
    return load_planner(SETTINGS[game].load() if game in SETTINGS else game)


def random_policy(planner, rng) -> np.ndarray:
    draws = planner.legal_actions.numpy() * rng.uniform(
        0.1, 1.0, planner_shape(planner)
    )
    return draws / draws.sum(axis=1, keepdims=True)


def planner_shape(planner) -> tuple[int, int]:
    return planner.num_nodes, planner.num_actions


def welfare(reference: NumpyReference, policy: np.ndarray) -> float:
    """Of a policy, in plain loops."""
    flow = reference.distribution(policy)
    return float(reference.action_values(flow, policy)[1].sum())


@pytest.mark.parametrize("game", GAMES)
def test_action_values_are_the_derivative_of_the_welfare(game):
    planner, rng = planner_of(game), np.random.default_rng(1)
    reference = NumpyReference(planner.game.dynamics)
    policy = random_policy(planner, rng)
    # Towards another policy, by as little as central differences take.
    change = random_policy(planner, rng) - policy
    step = 1e-5
    ends = (welfare(reference, policy + sign * step * change) for sign in (1, -1))
    expected = np.subtract(*ends) / (2 * step)

    flow = planner.distribution(planner.as_tensor(policy))
    values = planner.evaluate(planner.as_tensor(policy), flow)
    found = np.sum(flow.mass.numpy()[:, None] * change * values.q.numpy())
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-7)
    selfish = load_model(planner.game).evaluate(planner.as_tensor(policy), flow)
    single = np.sum(flow.mass.numpy()[:, None] * change * selfish.q.numpy())
    assert abs(single - expected) > 1e-5  # what a single player gains is another thing


def test_no_interaction_leaves_nothing_to_plan():
    planner = planner_of("move_forward_testing")
    policy = planner.uniform_policy()
    flow = planner.distribution(policy)
    planned = planner.evaluate(policy, flow)
    selfish = load_model(planner.game).evaluate(policy, flow)
    np.testing.assert_allclose(planned.best_q, selfish.best_q, rtol=1e-14)


@pytest.mark.parametrize("game", ["beach_bar_testing", "exploration_testing"])
def test_aversion_by_the_logarithm_needs_no_planner(game):
    """The derivative of -mu log mu is -log mu - 1: equilibria are social optima."""
    planner = planner_of(game)
    policy = planner.as_tensor(random_policy(planner, np.random.default_rng(2)))
    flow = planner.distribution(policy)
    planned = planner.evaluate(policy, flow)
    selfish = load_model(planner.game).evaluate(policy, flow)
    assert float(selfish.totals.exploitability) > 0.1
    assert float(planned.totals.exploitability) == pytest.approx(
        float(selfish.totals.exploitability)
    )


@pytest.mark.parametrize(
    ("game", "crowd_moves"),
    [
        ("sis_testing", True),
        ("linear_quadratic_testing", True),  # only the successors
        ("random_linear_testing", True),
        ("beach_bar_closing_testing", False),
        ("price_impact_testing", False),
    ],
)
def test_whether_the_crowd_moves_its_players(game, crowd_moves):
    assert planner_of(game).crowd_moves == crowd_moves


def test_games_of_others_are_refused():
    with pytest.raises(ValueError, match="`game` must be one registered by mfg_games"):
        load_planner("mfg_crowd_modelling(size=4,horizon=3)")
    with pytest.raises(ValueError, match="is no mean field game"):
        load_planner("kuhn_poker")
    with pytest.raises(ValueError, match="`dtype` must be one of"):
        load_planner("mfg_test_two_roads", dtype="float16")


@pytest.mark.parametrize(
    ("optimum", "equilibrium", "ratio"),
    [
        (6.0, 4.0, 1.5),
        (-4.0, -6.0, 1.5),
        (0.0, 0.0, 1.0),
        (-2.0, -2.0, 1.0),
        (0.0, -1.0, math.inf),
        (1.0, 0.0, math.inf),
        (1.0, -1.0, math.nan),
        (3.0, 4.0, 0.75),  # the optimum was not found
    ],
)
def test_price_of_anarchy_of_rewards_and_costs(optimum, equilibrium, ratio):
    found = price_of_anarchy(optimum, equilibrium)
    assert found == pytest.approx(ratio, nan_ok=True)
