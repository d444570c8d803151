"""Left or right against hand-computed numbers."""

import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest

from mfg_games.left_right import LeftRight


def test_rewards_by_hand():
    reward = LeftRight().reward(np, 1, np.array([[0.2, 0.5, 0.3]]), None)
    np.testing.assert_allclose(reward, [[[0.0], [-0.5], [-0.6]]])


def test_actions_lead_to_their_option_from_everywhere(kernel):
    d = LeftRight()
    rows = kernel(d, 0, d.initial_distribution, None)[0]
    np.testing.assert_array_equal(rows, [[[0, 1, 0], [0, 0, 1]]] * 3)
    assert [d.action_name(a) for a in range(2)] == ["left", "right"]


def test_nash_conv_of_the_uniform_choice_by_hand(sweep):
    """-1/2 and -1 are -3/4 on average and -1/2 at best."""
    result = sweep(LeftRight())
    np.testing.assert_allclose(result.flow[1, 0], [[0, 0.5, 0.5]])
    assert result.nash_conv() == pytest.approx(0.25)


@pytest.mark.parametrize("horizon", [2, 4])
def test_two_thirds_go_left_in_equilibrium(sweep, horizon):
    choice = np.tile([2 / 3, 1 / 3], (1, 3, 1))
    result = sweep(LeftRight(horizon), lambda t, history: choice)
    assert result.nash_conv() == pytest.approx(0.0, abs=1e-15)
    assert result.values[0, 0] == pytest.approx(-2 / 3 * (horizon - 1))


def test_upstream_nash_conv(sweep):
    game = pyspiel.load_game("mfg_left_right(horizon=3)")
    upstream = nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
    assert sweep(game.dynamics).nash_conv() == pytest.approx(upstream, abs=1e-12)


def test_errors_name_the_parameter():
    with pytest.raises(ValueError, match="horizon=0"):
        LeftRight(horizon=0)
