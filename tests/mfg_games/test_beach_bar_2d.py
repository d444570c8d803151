import math

import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest
import tensorflow.experimental.numpy as tnp

from mfg_games import grid
from mfg_games.beach_bar_2d import BeachBar2D

UP, LEFT, STAY, RIGHT, DOWN = range(5)


def load(**settings):
    return pyspiel.load_game("mfg_beach_bar_2d", settings)


def test_defaults():
    d = load().dynamics
    assert (d.horizon, d.num_states, d.num_actions) == (15, 121, 5)
    assert d.factor_names == ("row", "column")
    assert [d.action_name(a) for a in range(5)] == list(grid.MOVE_NAMES)
    np.testing.assert_allclose(d.initial_distribution, 1 / 121)


def test_rewards_by_hand():
    d = BeachBar2D(size=3, crowd_aversion=0.5)
    mu = np.array([[0.25, 0.25, 0, 0, 0.5, 0, 0, 0, 0]])
    reward = d.reward(np, 0, mu, None)
    assert reward.shape == (1, 9, 5)
    empty = 0.5 * 25 * math.log(10)
    stay = [
        -2 / 3 + math.log(2),
        -1 / 3 + math.log(2),
        -2 / 3 + empty,
        -1 / 3 + empty,
        0.5 * math.log(2),
        -1 / 3 + empty,
        -2 / 3 + empty,
        -1 / 3 + empty,
        -2 / 3 + empty,
    ]
    np.testing.assert_allclose(reward[0, :, STAY], stay)
    for move in (UP, LEFT, RIGHT, DOWN):
        np.testing.assert_allclose(reward[0, :, move], np.subtract(stay, 1 / 3))


def test_the_bar_of_an_even_beach_is_below_its_middle():
    d = BeachBar2D(size=4, crowd_aversion=0.0)
    costs = -4 * d.reward(np, 0, d.initial_distribution, None)[0, :, STAY]
    np.testing.assert_allclose(
        costs.reshape(4, 4), [[4, 3, 2, 3], [3, 2, 1, 2], [2, 1, 0, 1], [3, 2, 1, 2]]
    )


@pytest.mark.parametrize("crowd_aversion", [1.0, -1.0])
def test_reward_range_is_attained(crowd_aversion):
    d = BeachBar2D(size=2, crowd_aversion=crowd_aversion)
    rewards = np.stack([d.reward(np, 0, mu, None) for mu in np.eye(4)[:, None]])
    assert d.reward_range == pytest.approx((rewards.min(), rewards.max()), abs=1e-12)


def test_reward_is_the_same_in_tensorflow():
    d = BeachBar2D()
    mu = np.random.default_rng(0).dirichlet(np.full(121, 0.05))[None]
    reward = d.reward(tnp, 0, tnp.asarray(mu), None)
    assert reward.dtype == np.float64
    expected = d.reward(np, 0, mu, None)
    np.testing.assert_allclose(reward.numpy(), expected, rtol=1e-13)


def test_noise_in_a_corner(kernel):
    d = BeachBar2D(size=2)
    law = kernel(d, 0, d.initial_distribution, None)[0, 0]
    np.testing.assert_allclose(law[STAY], [0.9, 0.05, 0.05, 0])
    np.testing.assert_allclose(law[UP], law[STAY])
    np.testing.assert_allclose(law[RIGHT], [0.05, 0.9, 0, 0.05])


def test_gaussian_starts():
    """Weights exp(-d^2 / (2 std^2)) of the squared distance to the mean."""
    d = BeachBar2D(size=3, initial="gaussian 0|1.5 0.8")
    rows = np.exp(-np.array([0, 1, 4]) / 1.28)
    columns = np.exp(-np.array([2.25, 0.25, 0.25]) / 1.28)
    law = np.outer(rows / rows.sum(), columns / columns.sum())
    np.testing.assert_allclose(d.initial_distribution, law.reshape(1, 9))


def test_a_narrow_gaussian_starts_in_the_nearest_cells():
    d = BeachBar2D(size=3, initial="gaussian 2|0.5 0.01")
    np.testing.assert_allclose(
        d.initial_distribution.reshape(3, 3), [[0, 0, 0], [0, 0, 0], [0.5, 0.5, 0]]
    )


def test_starts_survive_the_games_string():
    game = load(initial="gaussian 2|3.25 1.5")
    again = pyspiel.load_game(str(game))
    np.testing.assert_array_equal(
        again.dynamics.initial_distribution, game.dynamics.initial_distribution
    )


def test_nash_conv_of_one_step(sweep):
    """With one decision a best response stays, the uniform policy mostly walks."""
    assert sweep(BeachBar2D(horizon=1)).nash_conv() == pytest.approx(0.8 / 11)


def test_the_best_response_to_no_crowd_walks_to_the_bar(sweep):
    """From distance k a step pays if there are rewards after it: T - 1 steps do."""
    horizon, size = 4, 7
    d = BeachBar2D(size, horizon, noise=0.0, crowd_aversion=0.0)
    expected = []
    for row, column in d.state_coordinates().tolist():
        distance = abs(row - 3) + abs(column - 3)
        steps = min(distance, horizon - 1)
        left = [distance - min(t, steps) for t in range(horizon)]
        expected.append(-(sum(left) + steps) / size)
    np.testing.assert_allclose(sweep(d).best[0], expected)


def test_nash_conv_equals_openspiels(sweep):
    game = load(size=3, horizon=4, noise=0.3, initial="gaussian 0|0 1.0")
    value = nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
    assert value == pytest.approx(sweep(game.dynamics).nash_conv(), abs=1e-10)
    assert value > 0.1


@pytest.mark.parametrize(
    "settings",
    [
        {"horizon": 3},
        {"size": 4, "horizon": 4, "noise": 1.0, "initial": "gaussian 0|3 0.5"},
        {"size": 1, "horizon": 1},
    ],
)
def test_random_play(settings):
    game = load(**settings)
    assert str(pyspiel.load_game(str(game))) == str(game)
    pyspiel.random_sim_test(game, num_sims=3, serialize=True, verbose=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", 0),
        ("horizon", 0),
        ("noise", -0.5),
        ("crowd_aversion", math.nan),
        ("initial", "normal"),
        ("initial", "gaussian"),
        ("initial", "gaussian 5|5"),
        ("initial", "gaussian 11|0 1.0"),
        ("initial", "gaussian 0|10.5 1.0"),
        ("initial", "gaussian -1|0 1.0"),
        ("initial", "gaussian 5|5 0.001"),
        ("initial", "gaussian 5|5 nan"),
    ],
)
def test_bad_parameters_are_refused(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be .*{name}="):
        load(**{name: value})
