"""Rock, paper, scissors against hand-computed numbers and the static equilibrium."""

import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest

from mfg_games.rock_paper_scissors import RockPaperScissors


def play(choice) -> np.ndarray:
    """The same choice in every state, [1, S, A]."""
    return np.tile(choice, (1, 4, 1))


def equilibrium() -> np.ndarray:
    """The choice that makes the three options worth the same, by linear equations."""
    equations = [
        [-4, -1, 4, 0],  # r(rock) - r(paper) = 0
        [7, -6, -2, 0],  # r(paper) - r(scissors) = 0
        [1, 1, 1, 1],
    ]
    system = np.array(equations, float)
    return np.linalg.solve(system[:, :3], [0.0, 0.0, 1.0])


def test_rewards_by_hand():
    mu = np.array([[0.1, 0.2, 0.3, 0.4]])
    reward = RockPaperScissors().reward(np, 1, mu, None)
    assert reward.shape == (1, 4, 1)
    np.testing.assert_allclose(reward[0, :, 0], [0.0, 0.5, 0.0, 1.2], atol=1e-15)
    reverse = RockPaperScissors(reverse=True).reward(np, 1, mu, None)
    np.testing.assert_allclose(reverse, -reward)


def test_actions_lead_to_their_option_from_everywhere(kernel):
    d = RockPaperScissors()
    rows = kernel(d, 0, d.initial_distribution, None)[0]
    np.testing.assert_array_equal(rows, np.tile(np.eye(4)[1:], (4, 1, 1)))
    assert [d.action_name(a) for a in range(3)] == ["rock", "paper", "scissors"]
    assert d.state_names[3] == "scissors"


def test_nash_conv_of_the_uniform_choice_by_hand(sweep):
    """The options are worth 1/3, 2/3 and 1; reversed, the first one is best."""
    result = sweep(RockPaperScissors())
    np.testing.assert_allclose(result.flow[1, 0], [[0, 1 / 3, 1 / 3, 1 / 3]])
    assert result.nash_conv() == pytest.approx(1 / 3)
    assert sweep(RockPaperScissors(reverse=True)).nash_conv() == pytest.approx(1 / 3)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("horizon", [2, 5])
def test_static_equilibrium(sweep, reverse, horizon):
    choice = equilibrium()
    np.testing.assert_allclose(choice, np.array([26, 20, 31]) / 77)
    result = sweep(RockPaperScissors(horizon, reverse), lambda t, h: play(choice))
    assert result.nash_conv() == pytest.approx(0.0, abs=1e-14)
    worth = (horizon - 1) * 6 / 11
    assert result.values[0, 0] == pytest.approx(-worth if reverse else worth)


@pytest.mark.parametrize("reverse", [False, True])
def test_choosing_one_option_together_is_no_equilibrium(sweep, reverse):
    for choice in np.eye(3):
        result = sweep(
            RockPaperScissors(reverse=reverse), lambda t, h, c=choice: play(c)
        )
        assert result.nash_conv() >= 1.0


@pytest.mark.parametrize("reverse", [False, True])
def test_game_is_not_monotone(reverse):
    """Of two changes of the distribution, one raises and one lowers the rewards met."""
    d = RockPaperScissors(reverse=reverse)
    changes = np.array([[0, 1, -1, 0], [0, 1, 0, -1]]) / 4
    reward = d.reward(np, 1, changes, None)[..., 0]
    expected = np.array([-3, 1]) / 16
    np.testing.assert_allclose((changes * reward).sum(1), (-1) ** reverse * expected)


def test_upstream_nash_conv(sweep):
    game = pyspiel.load_game("mfg_rock_paper_scissors(horizon=3,reverse=True)")
    upstream = nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
    assert sweep(game.dynamics).nash_conv() == pytest.approx(upstream, abs=1e-12)


def test_errors_name_the_parameter():
    with pytest.raises(ValueError, match="horizon=0"):
        RockPaperScissors(horizon=0)
