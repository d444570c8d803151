"""Distances between crowds: single places, circles, walls and lines by hand."""

import numpy as np
import pytest
from scipy import stats

from algorithms.equilibrium_distance import (
    COORDINATES,
    MOVES,
    MoveDistance,
    total_variation,
    wasserstein,
)
from algorithms.model import load_model
from algorithms.policy import ArrayPolicy
from mfg_games import grid

# A wall separates the two columns but in the last row.
WALLED = "mfg_exploration(layout=.#.|.#.|...,start=1|0,noise=0.0,horizon=5)"


def always(game: str, *plan: int) -> ArrayPolicy:
    """The policy that takes the t-th action of the plan at time t, if it is legal."""
    model = load_model(game)
    legal = model.legal_actions.numpy()
    times = np.arange(len(legal)) * len(plan) // len(legal)
    wanted = np.eye(model.num_actions)[np.array(plan)[times]]
    allowed = (wanted * legal).any(axis=1, keepdims=True)
    return ArrayPolicy(model, np.where(allowed, wanted, model.uniform_policy()))


def test_two_roads():
    """Shares 0.3 and 0.8 take the first road, one unit from the other one."""
    game = "mfg_test_two_roads"
    model = load_model(game)
    policies = [ArrayPolicy(model, [[p, 1 - p]] * 4) for p in (0.3, 0.8)]
    expected = [[0.0], [0.5], [0.0]]  # at last all take the roads back or stay
    found = total_variation(game, *policies)
    np.testing.assert_allclose(found[:2], expected[:2], atol=1e-15)
    np.testing.assert_allclose(wasserstein(game, *policies), found, atol=1e-15)
    assert not total_variation(game, *policies[:1] * 2).any()


def test_around_a_wall():
    """From the middle of the left column one crowd stays, one walks to the right."""
    down, right, up, stay = 4, 3, 0, 2
    there = always(WALLED, down, right, right, up, stay)
    stays = always(WALLED, *[stay] * 5)
    steps = np.array([0, 1, 2, 3, 4, 4])
    found = wasserstein(WALLED, stays, there, MOVES)[:, 0]
    np.testing.assert_allclose(found, steps, atol=1e-9)
    straight = [0, 1, np.sqrt(2), np.sqrt(5), 2, 2]
    found = wasserstein(WALLED, stays, there, COORDINATES)[:, 0]
    np.testing.assert_allclose(found, straight, atol=1e-9)
    found = total_variation(WALLED, stays, there)[:, 0]
    np.testing.assert_allclose(found, [0, 1, 1, 1, 1, 1])


def test_populations_on_a_torus():
    """Both crowds start in corners; going left three times is one step to the right."""
    game = "mfg_predator_prey(populations=2,size=4,horizon=3,noise=0.0,geometry=torus)"
    left, stay = always(game, 1, 1, 1), always(game, 2, 2, 2)
    found = wasserstein(game, left, stay, MOVES)
    np.testing.assert_allclose(found, [[0, 0], [1, 1], [2, 2], [1, 1]], atol=1e-9)
    # Without the way round: columns 0 -> 3, 2, 1 and 3 -> 2, 1, 0.
    found = wasserstein(game, left, stay)
    np.testing.assert_allclose(found, [[0, 0], [3, 1], [2, 2], [1, 3]], atol=1e-9)


def test_common_noise_is_averaged():
    game = "mfg_beach_bar(size=6,horizon=3,stay_probability=1.0,closing_time=1)"
    model = load_model(game)
    d = model.game.dynamics
    # Everybody goes to the right; where the bar has closed, the places 0 and 1 stay.
    first = np.tile([0.0, 0.0, 1.0], (model.num_nodes, 1))
    second = first.copy()
    closed = slice(6 + 6, 6 + 8)  # t = 1, second history
    second[closed] = [0.0, 1.0, 0.0]
    found = total_variation(game, *(ArrayPolicy(model, p) for p in (first, second)))
    # Two of six places stay: 1 has twice its share, 2 nothing less than that, half of
    # the time.
    assert d.num_histories(1) == 2
    np.testing.assert_allclose(found[:, 0], [0, 0, 1 / 12, 1 / 12], atol=1e-12)


def test_moves_on_a_line_are_scipys_distance():
    d = load_model("mfg_exploration(layout=empty_1x9)").game.dynamics
    distance, rng = MoveDistance(d), np.random.default_rng(0)
    for _ in range(5):
        mu, nu = rng.dirichlet(np.ones(9), 2)
        expected = stats.wasserstein_distance(range(9), range(9), mu, nu)
        assert distance(mu, nu) == pytest.approx(expected, abs=1e-9)


def test_moves_on_a_grid_by_transport_between_all_pairs():
    world = grid.from_layout("...|.#.|...")
    d = load_model("mfg_exploration(layout=...|.#.|...)").game.dynamics
    mu, nu = np.random.default_rng(1).dirichlet(np.ones(8), 2)
    # The free cells are a ring of 8: a circle's distance has a closed form, the median
    # of the differences of the cumulated masses along it.
    ring = [0, 1, 2, 4, 7, 6, 5, 3]
    assert world.num_states == len(ring)
    excess = np.cumsum((mu - nu)[ring])
    expected = np.abs(excess - np.median(excess)).sum()
    assert MoveDistance(d)(mu, nu) == pytest.approx(expected, abs=1e-9)


def test_crowds_that_no_moves_join_are_refused():
    d = load_model("mfg_exploration(layout=.#.)").game.dynamics
    with pytest.raises(ValueError, match="No moves of the game lead"):
        MoveDistance(d)(np.array([1.0, 0.0]), np.array([0.0, 1.0]))


def test_wrong_arguments_are_refused():
    policy = always("mfg_test_two_roads", 0, 0)
    with pytest.raises(ValueError, match="`ground` must be one of coordinates, moves"):
        wasserstein("mfg_test_two_roads", policy, policy, "miles")
    theirs = "mfg_crowd_modelling(size=4,horizon=3)"
    policy = ArrayPolicy(load_model(theirs), load_model(theirs).uniform_policy())
    with pytest.raises(ValueError, match="`game` must be one registered by mfg_games"):
        total_variation(theirs, policy, policy)
