"""Kinetic congestion against hand-computed numbers."""

import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from mfg_games.kinetic_congestion import KineticCongestion

UP, LEFT, STAY, RIGHT, DOWN = range(5)
MU = np.array([[0.1, 0.2, 0.3, 0.4]])


def test_crowded_cells_refuse_by_hand(kernel):
    rows = kernel(KineticCongestion(rows=2, cols=2, capacity=0.5), 0, MU, None)[0]
    np.testing.assert_allclose(rows[0, RIGHT], [0.4, 0.6, 0, 0])
    np.testing.assert_allclose(rows[0, DOWN], [0.6, 0, 0.4, 0])
    np.testing.assert_allclose(rows[3, UP], [0, 0.6, 0, 0.4])
    np.testing.assert_allclose(rows[3, LEFT], [0, 0, 0.4, 0.6])


def test_a_full_cell_lets_nobody_in(kernel):
    rows = kernel(KineticCongestion(rows=2, cols=2, capacity=0.3), 0, MU, None)[0]
    np.testing.assert_allclose(rows[0, DOWN], [1, 0, 0, 0], atol=1e-15)
    np.testing.assert_allclose(rows[1, DOWN], [0, 1, 0, 0])


def test_walls_and_staying_keep_the_cell(kernel):
    d = KineticCongestion(rows=2, cols=2)
    rows = kernel(d, 0, MU, None)[0]
    np.testing.assert_allclose(rows[:, STAY], np.eye(4))
    np.testing.assert_allclose(rows[0, [UP, LEFT]], [[1, 0, 0, 0]] * 2)
    assert d.action_name(UP) == "up"


def test_rewards_by_hand():
    """A move against the wall is not free."""
    d = KineticCongestion(rows=2, cols=2, target=1, movement_cost=0.25)
    reward = d.reward(np, 0, MU, None)
    np.testing.assert_allclose(reward[0, 0], [-1.25, -1.25, -1, -1.25, -1.25])
    np.testing.assert_allclose(reward[0, 1], [-0.25, -0.25, 0, -0.25, -0.25])
    assert d.reward_range == (-1.25, 0.0)


def test_target_is_the_last_cell_unless_named():
    reward = KineticCongestion(rows=3, cols=2).reward(np, 0, MU, None)
    np.testing.assert_allclose(reward[0, :, STAY], [-1, -1, -1, -1, -1, 0])


def test_flow_of_two_steps_by_hand(sweep):
    """Everybody goes right in a row of three cells that hold half of the players.

    At first 1/3 of them are in each cell, and a third of those who move gets through.
    """
    d = KineticCongestion(rows=1, cols=3, horizon=2, capacity=0.5)
    right = np.tile(np.eye(5)[RIGHT], (1, 3, 1))
    flow = sweep(d, lambda t, history: right).flow
    np.testing.assert_allclose(flow[1, 0], [[2 / 9, 3 / 9, 4 / 9]])
    # 1/3 of 2/9 goes on and 1/9 of 3/9.
    np.testing.assert_allclose(flow[2, 0], [[12 / 81, 30 / 81, 39 / 81]])


def test_upstream_nash_conv(sweep):
    game = pyspiel.load_game(
        "mfg_kinetic_congestion(rows=2,cols=3,horizon=4,discount=0.9,capacity=0.3)"
    )
    upstream = nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
    assert sweep(game.dynamics).nash_conv() == pytest.approx(upstream, abs=1e-12)


def test_same_numbers_in_numpy_and_compiled():
    d = KineticCongestion(rows=2, cols=2)
    compiled = tf.function(lambda mu: d.transition(tnp, 3, mu, None), jit_compile=True)
    successors, probabilities = compiled(tf.constant(MU))
    assert probabilities.dtype == tf.float64
    expected_successors, expected = d.transition(np, 3, MU, None)
    np.testing.assert_array_equal(successors, expected_successors)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-14)
    assert d.transition(np, 4, MU, None)[0] is expected_successors


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": 0}, "rows=0"),
        ({"cols": 0}, "cols=0"),
        ({"horizon": 0}, "horizon=0"),
        ({"discount": 1.1}, r"discount=1\.1"),
        ({"target": 25}, "cols=5.*target=25"),
        ({"target": -2}, "target=-2"),
        ({"movement_cost": -0.1}, r"movement_cost=-0\.1"),
        ({"capacity": 0.0}, r"capacity=0\.0"),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        KineticCongestion(**changes)
