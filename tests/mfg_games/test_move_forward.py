"""The chain without interaction against the solution of its decision process."""

import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest

from mfg_games.move_forward import MoveForward


def forward(d):
    """Everybody steps forward until the last time, where it does not pay any more."""
    step, stay = np.tile(np.eye(3)[[2, 1]][:, None, None], (1, 1, d.num_states, 1))
    return lambda t, history: stay if t == d.horizon - 1 else step


def test_rewards_by_hand():
    d = MoveForward(num_states=3, movement_cost=0.25)
    reward = d.reward(np, 0, d.initial_distribution, None)
    np.testing.assert_allclose(
        reward, [[[-0.25, 0, -0.25], [0.75, 1, 0.75], [1.75, 2, 1.75]]]
    )
    assert d.reward_range == (-0.25, 2.0)


def test_nobody_feels_the_crowd():
    d = MoveForward(num_states=3)
    crowd = np.array([[1.0, 0.0, 0.0]])
    np.testing.assert_array_equal(
        d.reward(np, 0, crowd, None), d.reward(np, 0, d.initial_distribution, None)
    )


def test_stepping_forward_is_the_solution_far_from_the_ends(sweep):
    """There the mean moves by one cell in each step, whatever the noise."""
    d = MoveForward(num_states=40, horizon=5, discount=0.9, movement_cost=0.25)
    weights = 0.9 ** np.arange(5)
    x = np.arange(40)[:, None]
    expected = (weights * (x + np.arange(5))).sum(1) - 0.25 * weights[:4].sum()
    result = sweep(d, forward(d))
    far = slice(0, 31)  # 8 cells in 4 steps lead to the end at most
    np.testing.assert_allclose(result.best[0, far][8:], expected[far][8:], rtol=1e-13)
    np.testing.assert_allclose(result.values[0, 8:31], expected[8:31], rtol=1e-13)


def test_value_without_noise(sweep):
    d = MoveForward(num_states=4, horizon=5, discount=0.9, stay_probability=1.0)
    places = np.minimum(np.arange(4)[:, None] + np.arange(5), 3)
    moving = places[:, 1:] > places[:, :-1]
    weights = 0.9 ** np.arange(5)
    expected = places @ weights - 0.1 * moving @ weights[:4]
    np.testing.assert_allclose(sweep(d).best[0], expected, rtol=1e-13)


def test_a_step_that_costs_more_than_it_brings_is_not_made(sweep):
    """One cell is worth 1 + 1/2 + 1/4 of a step's discounted later rewards at most."""
    d = MoveForward(
        num_states=5, horizon=3, discount=0.5, stay_probability=1.0, movement_cost=0.8
    )
    stay = np.tile([0.0, 1.0, 0.0], (1, 5, 1))
    assert sweep(d, lambda t, history: stay).nash_conv() == pytest.approx(0.0)


def test_upstream_nash_conv(sweep):
    game = pyspiel.load_game("mfg_move_forward(num_states=4,horizon=4,discount=0.9)")
    upstream = nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
    assert sweep(game.dynamics).nash_conv() == pytest.approx(upstream, abs=1e-12)
