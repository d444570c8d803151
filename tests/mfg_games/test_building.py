import math

import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest
import tensorflow.experimental.numpy as tnp

from mfg_games.building import Building

UP, LEFT, STAY, RIGHT, DOWN, DOWNSTAIRS, UPSTAIRS = range(7)
STEPS = {UP: (-1, 0), LEFT: (0, -1), STAY: (0, 0), RIGHT: (0, 1), DOWN: (1, 0)}


def load(**settings):
    return pyspiel.load_game("mfg_building", settings)


def steps_to_the_ground(d) -> np.ndarray:
    """Fewest moves from each state to the ground floor, by value iteration."""
    floor = d.state_coordinates()[:, 0]
    steps = np.where(floor == 0, 0, d.num_states)
    for _ in range(d.num_states):
        steps = np.minimum(steps, 1 + steps[d.moves].min(axis=1))
    return steps


def test_defaults():
    d = load().dynamics
    assert (d.horizon, d.num_states, d.num_actions) == (60, 300, 7)
    assert d.state_shape == (3, 10, 10)
    assert d.factor_names == ("floor", "row", "column")
    names = [d.action_name(a) for a in range(7)]
    assert names == ["up", "left", "stay", "right", "down", "downstairs", "upstairs"]
    np.testing.assert_allclose(d.initial_distribution[0, :100], 0)
    np.testing.assert_allclose(d.initial_distribution[0, 100:], 1 / 200)


def test_moves_by_hand():
    """Cells 0..3 of the ground floor, 4..7 of the first, 8..11 of the second."""
    d = Building(floors=3, size=2)
    assert d.moves.dtype == np.int32
    assert d.moves.tolist() == [
        [0, 0, 0, 1, 2, 0, 4],  # the stairs to the first floor
        [1, 0, 1, 1, 3, 1, 1],
        [0, 2, 2, 3, 2, 2, 2],
        [1, 2, 3, 3, 3, 3, 3],
        [4, 4, 4, 5, 6, 0, 4],
        [5, 4, 5, 5, 7, 5, 5],
        [4, 6, 6, 7, 6, 6, 6],
        [5, 6, 7, 7, 7, 7, 11],  # the stairs to the second floor
        [8, 8, 8, 9, 10, 8, 8],
        [9, 8, 9, 9, 11, 9, 9],
        [8, 10, 10, 11, 10, 10, 10],
        [9, 10, 11, 11, 11, 7, 11],
    ]


def test_moves_equal_a_cell_by_cell_construction():
    floors, size = 5, 4
    d = Building(floors=floors, size=size)
    stairs = {(f, 0, 0) if f % 2 == 0 else (f, 3, 3) for f in range(floors - 1)}
    cells = list(map(tuple, d.state_coordinates().tolist()))
    for state, (floor, row, column) in enumerate(cells):
        for move, (down, right) in STEPS.items():
            inside = (
                floor,
                min(max(row + down, 0), size - 1),
                min(max(column + right, 0), size - 1),
            )
            assert cells[d.moves[state, move]] == inside
        below = (floor - 1, row, column)
        leads_down = below if below in stairs else (floor, row, column)
        assert cells[d.moves[state, DOWNSTAIRS]] == leads_down
        leads_up = (floor + 1, row, column)
        if (floor, row, column) not in stairs:
            leads_up = (floor, row, column)
        assert cells[d.moves[state, UPSTAIRS]] == leads_up


@pytest.mark.parametrize(("floors", "size"), [(2, 3), (3, 4), (6, 3)])
def test_each_floor_must_be_crossed(floors, size):
    d = Building(floors=floors, size=size)
    # From the top floor's far corner: cross it, take the stairs, and so on.
    assert steps_to_the_ground(d).max() == (floors - 1) * (2 * (size - 1) + 1)


def test_noise_moves_on_the_floor(kernel):
    d = Building(floors=2, size=2, noise=0.4)
    law = kernel(d, 0, d.initial_distribution, None)[0]
    # Downstairs from (1, 0, 0) to the corner (0, 0, 0), whose walls stop two moves.
    np.testing.assert_allclose(
        law[4, DOWNSTAIRS], [0.8, 0.1, 0.1, 0, 0, 0, 0, 0], atol=1e-15
    )
    # The same move from (1, 0, 1), off the stairs.
    np.testing.assert_allclose(
        law[5, DOWNSTAIRS], [0, 0, 0, 0, 0.1, 0.8, 0, 0.1], atol=1e-15
    )


def test_without_noise_a_move_has_one_outcome():
    state = load(size=2).new_initial_state()
    state.apply_action(4)
    assert str(state) == "t=0 x=(1, 0, 0)"
    assert state.legal_actions() == list(range(7))
    state.apply_action(DOWNSTAIRS)
    assert state.chance_outcomes() == [(0, 1.0)]
    assert str(state.child(0)) == "t=1 x=(0, 0, 0) mean field"


def test_rewards_by_hand():
    d = Building(floors=2, size=2, exit_reward=3.0, crowd_aversion=2.0)
    mu = np.array([[0.5, 0.0, 0.125, 0.0, 0.25, 0.0, 0.125, 0.0]])
    empty = 50 * math.log(10)
    expected = [
        3 + 2 * math.log(2),
        3 + empty,
        3 + 2 * math.log(8),
        3 + empty,
        2 * math.log(4),
        empty,
        2 * math.log(8),
        empty,
    ]
    reward = d.reward(np, 0, mu, None)
    assert reward.shape == (1, 8, 1)
    np.testing.assert_allclose(reward[0, :, 0], expected)


@pytest.mark.parametrize("exit_reward", [3.0, -3.0])
@pytest.mark.parametrize("crowd_aversion", [2.0, -2.0])
def test_reward_range_is_attained(exit_reward, crowd_aversion):
    d = Building(2, 2, exit_reward=exit_reward, crowd_aversion=crowd_aversion)
    crowds = np.eye(8)[:, None]
    rewards = np.stack([d.reward(np, 0, mu, None) for mu in crowds])
    assert d.reward_range == pytest.approx((rewards.min(), rewards.max()))


def test_reward_is_the_same_in_tensorflow():
    d = Building()
    mu = np.random.default_rng(0).dirichlet(np.full(300, 0.02))[None]
    reward = d.reward(tnp, 0, tnp.asarray(mu), None)
    assert reward.dtype == np.float64
    expected = d.reward(np, 0, mu, None)
    np.testing.assert_allclose(reward.numpy(), expected, rtol=1e-14)


def test_the_best_response_to_no_crowd_takes_the_shortest_way(sweep):
    """Without aversion a player earns exit_reward once arrived, until the end."""
    d = Building(floors=3, size=3, horizon=9, crowd_aversion=0.0, exit_reward=2.0)
    left = np.maximum(d.horizon - steps_to_the_ground(d), 0)
    swept = sweep(d)
    np.testing.assert_allclose(swept.best[0], 2.0 * left)
    assert 0 < swept.values[0, -1] < swept.best[0, -1]


def test_nash_conv_equals_openspiels(sweep):
    game = load(floors=3, size=2, horizon=4, noise=0.3)
    value = nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
    assert value == pytest.approx(sweep(game.dynamics).nash_conv(), abs=1e-10)
    assert value > 0.1


def test_transition_tables_are_the_same_objects_at_every_call():
    d = Building(noise=0.2)
    first, second = (d.transition(np, t, d.initial_distribution, None) for t in (0, 1))
    assert first[0] is second[0]
    assert first[0].shape == (300, 5)
    assert first[1].shape == (5,)


def test_a_million_states():
    game = load(floors=5, size=450, horizon=200)
    d = game.dynamics
    assert d.num_states == 1_012_500
    floor = 450**2
    assert d.moves[floor, DOWNSTAIRS] == 0
    assert d.moves[2 * floor - 1, UPSTAIRS] == 3 * floor - 1
    tables = [d.moves, d.transition(np, 0, d.initial_distribution, None)[0]]
    assert sum(table.nbytes for table in tables) <= 8 * 4 * d.num_states


@pytest.mark.parametrize(
    "settings",
    [
        {"horizon": 3},
        {"floors": 4, "size": 2, "horizon": 5, "noise": 1.0},
        {"floors": 2, "size": 2, "horizon": 1, "exit_reward": -1.0},
    ],
)
def test_random_play(settings):
    game = load(**settings)
    assert str(pyspiel.load_game(str(game))) == str(game)
    pyspiel.random_sim_test(game, num_sims=5, serialize=True, verbose=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("floors", 1),
        ("size", 1),
        ("horizon", 0),
        ("noise", 1.5),
        ("noise", math.nan),
        ("exit_reward", math.inf),
        ("crowd_aversion", math.nan),
    ],
)
def test_bad_parameters_are_refused(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be .*{name}="):
        load(**{name: value})
