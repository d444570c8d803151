"""The concave utility game against finite differences and hand-computed numbers."""

import math

import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from mfg_games import grid
from mfg_games.concave_utility import (
    UTILITIES,
    ConcaveUtility,
    expert_policy,
    far_corners,
    ring_target,
)
from mfg_games.settings import SETTINGS

FOUR_ROOMS = grid.from_layout("four_rooms_open")
LOG_EMPTY = -math.log(1e-25)


def game(utility: str, **changes) -> ConcaveUtility:
    settings = {"layout": "empty_3x4", "horizon": 3, "weight": 0.7, **changes}
    return ConcaveUtility(utility=utility, **settings)


def random_law(d: ConcaveUtility, seed: int = 0) -> np.ndarray:
    size = (d.num_states, d.num_actions) if d.joint_law else (d.num_states,)
    law = np.random.default_rng(seed).dirichlet(np.full(np.prod(size), 0.5))
    return law.reshape(1, *size)


def crowded_corner(d: ConcaveUtility) -> np.ndarray:
    """A crowd that breaks the bound of the constrained game."""
    law = random_law(d)
    law[0, -1] += 2.0
    return law / law.sum()


@pytest.mark.parametrize("start", [random_law, crowded_corner])
@pytest.mark.parametrize("utility", UTILITIES)
def test_gradient_by_finite_differences(utility, start):
    d, t, step = game(utility), 1, 1e-6
    mu = 0.5 * start(d) + 0.5 / start(d).size  # away from the edge of the simplex
    for entry in np.ndindex(mu.shape):
        change = np.zeros_like(mu)
        change[entry] = step
        rise = d.utility(mu + change, t) - d.utility(mu - change, t)
        expected = rise / (2 * step)
        assert d.gradient(mu, t)[entry] == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("utility", UTILITIES)
def test_utility_is_concave(utility):
    d = game(utility)
    for seed in range(5):
        mu, nu = random_law(d, seed), random_law(d, seed + 10)
        middle = d.utility((mu + nu) / 2, 2)
        assert middle >= (d.utility(mu, 2) + d.utility(nu, 2)) / 2 - 1e-12
        linear = d.utility(mu, 2) + (d.gradient(mu, 2) * (nu - mu)).sum()
        assert d.utility(nu, 2) <= linear + 1e-12


@pytest.mark.parametrize("utility", UTILITIES)
def test_reward_is_the_gradient_in_numpy_and_compiled(utility):
    d = game(utility)
    mu = random_law(d)

    @tf.function(jit_compile=True)
    def compiled(mu, t):
        return d.reward(tnp, t, mu, None)

    reward = d.reward(np, 2, mu, None)
    gradient = d.gradient(mu, 2)
    np.testing.assert_array_equal(reward.reshape(gradient.shape), gradient)
    found = compiled(tf.constant(mu), tf.constant(2)).numpy()
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, reward, rtol=1e-13)


def test_entropy_by_hand():
    d = game("entropy", layout="empty_1x3", weight=2.0)
    mu = np.array([[0.25, 0.75, 0.0]])
    entropy = 0.25 * math.log(4) + 0.75 * math.log(4 / 3)
    assert d.utility(mu) == pytest.approx(2 * entropy)
    expected = [2 * (math.log(4) - 1), 2 * (math.log(4 / 3) - 1), 2 * (LOG_EMPTY - 1)]
    np.testing.assert_allclose(d.reward(np, 0, mu, None)[0, :, 0], expected)


def test_target_is_a_ring_in_each_room():
    target = np.zeros(FOUR_ROOMS.shape)
    target[tuple(FOUR_ROOMS.coordinates.T)] = ring_target(FOUR_ROOMS, "")
    total = 32 / 32 + (104 - 32) * 1e-3
    room = np.full((5, 5), 1e-3)
    room[1:4, 1:4] = 1 / 32
    room[2, 2] = 1e-3
    for row, column in ((0, 0), (0, 6), (6, 0), (6, 6)):
        found = target[row : row + 5, column : column + 5]
        np.testing.assert_allclose(found, room / total)
    np.testing.assert_allclose(target[2, 5], 1e-3 / total)
    assert target[5, 5] == 0  # a wall


def test_a_border_of_walls_does_not_move_the_ring():
    bordered = grid.from_layout("four_rooms")
    expected = ring_target(FOUR_ROOMS, "")
    np.testing.assert_array_equal(ring_target(bordered, ""), expected)


def test_marginal_matching_by_hand():
    # The ring of 3 x 3 cells is its centre.
    d = game("marginal_matching", layout="empty_3x3", weight=1.0)
    target = np.array([[0.001] * 4 + [1.0] + [0.001] * 4]) / 1.008
    assert d.utility(target) == pytest.approx(0.0, abs=1e-15)
    uniform = np.full((1, 9), 1 / 9)
    divergence = -(8 * math.log(0.001) - 9 * math.log(1.008) + 9 * math.log(9)) / 9
    assert d.utility(uniform) == pytest.approx(-divergence)
    reward = d.reward(np, 0, uniform, None)[0, :, 0]
    assert reward[4] == pytest.approx(math.log(9 / 1.008) - 1)
    assert reward[0] == pytest.approx(math.log(0.009 / 1.008) - 1)


def test_goals_are_the_corners_but_the_start():
    goals = far_corners(FOUR_ROOMS, "")
    cells = FOUR_ROOMS.coordinates[goals == 1].tolist()
    assert cells == [[0, 10], [10, 0], [10, 10]]
    holed = far_corners(grid.from_layout("..#|...|#.."), "")
    assert holed.tolist() == [0, 1, 1, 0, 0, 0, 1]  # (0, 1), (1, 0) and (2, 2)


def test_multi_objective_by_hand():
    d = game("multi_objective", layout="empty_2x2", weight=3.0)
    mu = np.array([[0.1, 0.2, 0.3, 0.4]])
    assert d.utility(mu) == pytest.approx(-3 * (0.64 + 0.49 + 0.36))
    np.testing.assert_allclose(d.gradient(mu), [[0.0, 4.8, 4.2, 3.6]])


def test_expert_walks_to_the_far_corner():
    # From the corner of 2 x 2 cells right and down are as short; then one way is left.
    world = grid.box(2, 2)
    policy = expert_policy(world, np.array([2.0, 1.0, 1.0, 0.0]))
    up, left, stay, right, down = range(5)
    assert policy.sum(axis=1) == pytest.approx(1.0)
    assert policy[0, [right, down]] == pytest.approx(0.45 + 0.02)
    assert policy[1, down] == policy[2, right] == policy[3, stay]
    assert policy[3, stay] == pytest.approx(0.92)
    assert policy[0, [up, left, stay]] == pytest.approx(0.02)


def test_expert_has_the_highest_utility_of_imitation():
    d = game("imitation", layout="empty_2x2", weight=1.0, horizon=2, noise=0.4)
    policy = expert_policy(grid.box(2, 2), np.array([2.0, 1.0, 1.0, 0.0]))
    start = d.initial_distribution[..., None] * policy
    assert d.utility(start, 0) == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(d.gradient(start, 0)[0, 0], -1.0)
    # Up, left and stay keep the start, where up and left are blocked; then the noise
    # moves a tenth in each direction, of which two are blocked.
    kept, moved = 0.06, 0.47
    after = np.array(
        [
            kept * 0.8 + 2 * moved * 0.1,
            moved * 0.8 + kept * 0.1,
            moved * 0.8 + kept * 0.1,
            2 * moved * 0.1,
        ]
    )
    second = after[None, :, None] * policy
    assert d.total_utility([start, second]) == pytest.approx(0.0, abs=1e-12)
    assert d.utility(np.flip(second, 1), 1) < -0.1


def test_constrained_by_hand():
    # In 2 x 2 cells the last quarter is the last cell: two steps from the start.
    d = game("constrained", layout="empty_2x2", weight=10.0)
    inside, outside = np.array([[0.5, 0.2, 0.1, 0.2]]), np.array([[0.5, 0.0, 0.0, 0.5]])
    assert d.utility(inside) == pytest.approx(0.1 + 0.05 + 0.2)
    np.testing.assert_allclose(d.gradient(inside), [[0.0, 0.5, 0.5, 1.0]])
    assert d.utility(outside) == pytest.approx(0.5 - 5 * 0.25**2)
    np.testing.assert_allclose(d.gradient(outside), [[0.0, 0.5, 0.5, -1.5]])


def test_last_quarter_of_four_rooms_is_a_room():
    d = ConcaveUtility(utility="constrained", weight=1.0)
    full = np.zeros((1, 104))
    full[0, -1] = 1.0
    below = d.gradient(np.full((1, 104), 1 / 104)) - d.gradient(full)
    cells = d.coordinates[below[0] > 0]
    assert len(cells) == 25
    assert cells.min(axis=0).tolist() == [6, 6]


def test_total_utility_is_discounted():
    d = game("multi_objective", layout="empty_2x2", weight=1.0, discount=0.5)
    mu, nu = np.full((1, 4), 0.25), np.array([[0.0, 1.0, 0.0, 0.0]])
    flow = np.stack([mu, nu, mu])
    expected = -3 * 0.75**2 * (1 + 0.25) - 2 * 0.5
    assert d.total_utility(flow) == pytest.approx(expected)
    with pytest.raises(ValueError, match=r"`flow` must have 3 occupancies.*: 4"):
        d.total_utility([mu] * 4)


@pytest.mark.parametrize("utility", UTILITIES)
def test_reward_range_holds_and_is_attained(utility):
    d = game(utility)
    low, high = d.reward_range
    corners = np.eye(d.initial_distribution.size)
    if d.joint_law:
        corners = np.eye(d.num_states * d.num_actions)
    laws = corners.reshape(-1, *random_law(d).shape)
    rewards = [d.gradient(law, t) for law in laws for t in range(d.horizon)]
    assert np.min(rewards) == pytest.approx(low, rel=1e-9, abs=1e-9)
    assert np.max(rewards) == pytest.approx(high, rel=1e-9, abs=1e-9)


def test_noise_moves_into_each_direction(kernel):
    d = game("entropy", layout="empty_1x3", noise=0.4)
    right = grid.MOVE_NAMES.index("right")
    rows = kernel(d, 0, d.initial_distribution, None)[0]
    np.testing.assert_allclose(rows[0, right], [0.1, 0.8, 0.1])
    np.testing.assert_allclose(rows[2, right], [0.0, 0.1, 0.9])  # blocked: stays


@pytest.mark.parametrize("utility", UTILITIES)
def test_upstream_nash_conv(sweep, utility):
    parameters = {"layout": "empty_3x3", "horizon": 3, "noise": 0.3, "discount": 0.8}
    loaded = pyspiel.load_game(
        "mfg_concave_utility", {**parameters, "utility": utility, "weight": 2.0}
    )
    uniform = policy.UniformRandomPolicy(loaded)
    upstream = nash_conv.NashConv(loaded, uniform).nash_conv()
    assert upstream > 0.01
    assert sweep(loaded.dynamics).nash_conv() == pytest.approx(upstream, abs=1e-9)


def test_papers_settings_have_all_utilities():
    found = [s for s in SETTINGS.values() if s.game == "mfg_concave_utility"]
    papers = {s.parameters["utility"] for s in found if "paper" in s.tags}
    assert papers == set(UTILITIES)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"horizon": 0}, "horizon=0"),
        ({"discount": 0.0}, r"discount=0\.0"),
        ({"discount": 1.1}, r"discount=1\.1"),
        ({"noise": -0.1}, r"noise=-0\.1"),
        ({"utility": "entropie"}, "utility='entropie'"),
        ({"weight": -1.0}, r"weight=-1\.0"),
        ({"weight": math.nan}, "weight=nan"),
        ({"layout": "four"}, "layout='four'"),
        (
            {"utility": "marginal_matching", "layout": "empty_2x5"},
            "room for 3 x 3 free cells if utility=marginal_matching",
        ),
        (
            {"utility": "multi_objective", "layout": "empty_1x5"},
            "three different corners if utility=multi_objective",
        ),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        ConcaveUtility(**changes)
