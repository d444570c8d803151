"""Two beach bars against hand-computed numbers and both of its equilibria."""

import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest

from mfg_games.two_beach_bars import TwoBeachBars


def test_rewards_by_hand():
    d = TwoBeachBars(
        num_states=8, attraction=2.0, distance_cost=0.5, movement_cost=0.25
    )
    mu = np.array([[0.4, 0, 0.1, 0.5, 0, 0, 0, 0]])
    reward = d.reward(np, 0, mu, None)[0]
    np.testing.assert_allclose(reward[0], [-0.45, -0.2, -0.45])  # 2 cells to bar 2
    np.testing.assert_allclose(reward[2], [-0.05, 0.2, -0.05])
    np.testing.assert_allclose(reward[3], [0.25, 0.5, 0.25])
    np.testing.assert_allclose(reward[4:, 1], [-1.0, -0.5, 0.0, -0.5])  # bar 6


def test_reward_range():
    d = TwoBeachBars(num_states=7, left_bar=2, right_bar=4, attraction=5.0)
    assert d.reward_range == (-3.0, 5.0)


def test_bars_stand_where_they_are_put():
    d = TwoBeachBars(num_states=7, left_bar=0, right_bar=5, attraction=0.0)
    reward = d.reward(np, 0, d.initial_distribution, None)
    np.testing.assert_allclose(reward[0, :, 1], [0, -1, -2, -2, -1, 0, -1])


@pytest.mark.parametrize("bar", [1, 3])
def test_everybody_at_either_bar_is_an_equilibrium(sweep, bar):
    d = TwoBeachBars(
        num_states=5,
        horizon=5,
        discount=1.0,
        stay_probability=1.0,
        attraction=40.0,
        distance_cost=0.1,
        movement_cost=0.1,
        left_bar=1,
        right_bar=3,
    )
    walk = np.eye(3)[np.sign(bar - np.arange(5)) + 1][None]
    result = sweep(d, lambda t, history: walk)
    assert result.flow[4, 0][0, bar] == pytest.approx(1.0)
    assert result.nash_conv() == pytest.approx(0.0, abs=1e-12)
    assert sweep(d).nash_conv() > 0.5  # of the uniform policy


def test_upstream_nash_conv(sweep):
    game = pyspiel.load_game("mfg_two_beach_bars(num_states=5,horizon=4,discount=0.9)")
    upstream = nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
    assert sweep(game.dynamics).nash_conv() == pytest.approx(upstream, abs=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_states": 1}, "num_states=1"),
        ({"attraction": -1.0}, r"attraction=-1\.0"),
        ({"distance_cost": -1.0}, r"distance_cost=-1\.0"),
        ({"left_bar": -2}, "num_states=5.*left_bar=-2"),
        ({"right_bar": 5}, "num_states=5.*right_bar=5"),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        TwoBeachBars(**{"num_states": 5, **changes})
