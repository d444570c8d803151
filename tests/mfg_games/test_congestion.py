import math

import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest
import tensorflow.experimental.numpy as tnp

from mfg_games import grid

# The states are (0, 0), (0, 1), (0, 2), (1, 0), (1, 2).
HOOK = "...|.#."
UP, LEFT, STAY, RIGHT, DOWN = range(5)


def load(**settings):
    return pyspiel.load_game("mfg_congestion", settings)


def test_defaults():
    game = load()
    d = game.dynamics
    assert (d.horizon, d.num_states, d.num_actions) == (100, 259, 5)
    assert d.factor_names == ("row", "column")
    assert d.coordinates[np.argmax(d.initial_distribution)].tolist() == [1, 1]
    assert [d.action_name(a) for a in range(5)] == list(grid.MOVE_NAMES)


def test_rewards_by_hand():
    d = load(
        layout=HOOK, horizon=2, target="0|2", congestion=2.0, crowd_aversion=0.5
    ).dynamics
    mu = np.array([[0.5, 0.25, 0.0, 0.25, 0.0]])
    reward = d.reward(np, 0, mu, None)
    assert reward.shape == (1, 5, 5)
    empty = 0.5 * 25 * math.log(10)
    stay = [
        -2 / 5 + 0.5 * math.log(2),
        -1 / 5 + math.log(2),
        empty,
        -3 / 5 + math.log(2),
        -1 / 5 + empty,
    ]
    np.testing.assert_allclose(reward[0, :, STAY], stay)
    for move in (UP, LEFT, RIGHT, DOWN):
        walk = np.subtract(stay, [1.0, 0.5, 0.0, 0.5, 0.0])
        np.testing.assert_allclose(reward[0, :, move], walk)


def test_the_center_is_the_middle_of_the_map():
    # Row 11, column 11 of the maze, whose rows and columns sum to 44.
    d = load(crowd_aversion=0.0).dynamics
    reward = d.reward(np, 0, d.initial_distribution, None)[0, :, STAY]
    near, far = (d.coordinates.tolist().index(cell) for cell in ([11, 11], [20, 1]))
    assert reward[near] == 0
    assert reward[far] == pytest.approx(-19 / 44)


def test_a_wall_can_be_the_target():
    d = load(layout=HOOK, horizon=1, crowd_aversion=0.0, target="1|1").dynamics
    reward = d.reward(np, 0, d.initial_distribution, None)[0, :, STAY]
    np.testing.assert_allclose(reward, [-2 / 5, -1 / 5, -2 / 5, -1 / 5, -1 / 5])


@pytest.mark.parametrize("congestion", [2.0, -2.0])
@pytest.mark.parametrize("crowd_aversion", [1.0, -1.0])
def test_rewards_stay_in_their_range(congestion, crowd_aversion):
    d = load(
        layout=HOOK,
        horizon=1,
        target="0|0",
        congestion=congestion,
        crowd_aversion=crowd_aversion,
    ).dynamics
    masses = np.stack([*np.eye(5), np.full(5, 0.2)])[:, None]
    rewards = np.stack([d.reward(np, 0, mu, None) for mu in masses])
    low, high = d.reward_range
    assert low <= rewards.min()
    assert rewards.max() <= high
    # No looser than the terms together: the extremes are at most one term apart.
    assert rewards.min() - low <= 2.0 + 1e-9
    assert high - rewards.max() <= 2.0 + 1e-9


def test_reward_is_the_same_in_tensorflow():
    d = load().dynamics
    mu = np.random.default_rng(0).dirichlet(np.full(259, 0.02))[None]
    reward = d.reward(tnp, 0, tnp.asarray(mu), None)
    assert reward.dtype == np.float64
    expected = d.reward(np, 0, mu, None)
    np.testing.assert_allclose(reward.numpy(), expected, rtol=1e-14)


def test_moves_and_noise_are_those_of_exploration():
    ours = load(layout=HOOK, noise=0.4, start="0|1").dynamics
    theirs = pyspiel.load_game(
        "mfg_exploration", {"layout": HOOK, "noise": 0.4, "start": "0|1"}
    ).dynamics
    for name in ("moves", "legal_actions", "initial_distribution", "coordinates"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    steps = [d.transition(np, 0, d.initial_distribution, None) for d in (ours, theirs)]
    np.testing.assert_array_equal(*(successors for successors, _ in steps))
    np.testing.assert_array_equal(*(law for _, law in steps))


def test_the_action_is_paid_for_at_the_settlement():
    game = load(layout="empty_1x2", horizon=1, crowd_aversion=0.0, congestion=3.0)
    state = game.new_initial_state()
    state.apply_action(0)
    assert state.legal_actions() == [STAY, RIGHT]
    state.apply_action(RIGHT)
    # Everybody is in (0, 0), one step from the target (0, 1) of the 1 x 2 map.
    assert state.rewards() == pytest.approx([-1 / 3 - 3.0])


def test_nash_conv_of_one_step(sweep):
    """With one decision a best response stays; the uniform policy pays for moves.

    At the ends it moves with probability 1/2, in the middle with 2/3, and a third of
    the players is in each cell.
    """
    d = load(layout="empty_1x3", horizon=1, start="uniform", congestion=2.0).dynamics
    expected = 2 * (1 / 3) ** 2 * (1 / 2 + 2 / 3 + 1 / 2)
    assert sweep(d).nash_conv() == pytest.approx(expected)


def test_nash_conv_equals_openspiels(sweep):
    game = load(layout=HOOK, horizon=4, noise=0.3, start="0|0;1|2", congestion=1.5)
    value = nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
    assert value == pytest.approx(sweep(game.dynamics).nash_conv(), abs=1e-10)
    assert value > 0.1


@pytest.mark.parametrize(
    "settings",
    [
        {"horizon": 3},
        {"layout": HOOK, "horizon": 4, "target": "1|1", "noise": 0.2},
        {"layout": "empty_1x1", "horizon": 1},
    ],
)
def test_random_play(settings):
    game = load(**settings)
    assert str(pyspiel.load_game(str(game))) == str(game)
    pyspiel.random_sim_test(game, num_sims=5, serialize=True, verbose=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("layout", "mazes"),
        ("horizon", 0),
        ("noise", 1.5),
        ("target", "middle"),
        ("target", "22|0"),
        ("target", "0|22"),
        ("target", "-1|0"),
        ("target", "1|1;2|2"),
        ("congestion", math.inf),
        ("crowd_aversion", math.nan),
        ("start", "0|0"),
    ],
)
def test_bad_parameters_are_refused(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be .*{name}="):
        load(**{name: value})
