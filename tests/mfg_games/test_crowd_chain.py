"""The crowd-averse chain against hand-computed numbers."""

import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest

from mfg_games.crowd_chain import CrowdChain


def test_rewards_by_hand():
    d = CrowdChain(num_states=4, crowd_cost=2.0)
    reward = d.reward(np, 0, np.array([[0.1, 0.2, 0.3, 0.4]]), None)[0]
    np.testing.assert_allclose(reward[0], [-1.425, -1.325, -1.425])  # 1.5^2 / 2 + 0.2
    np.testing.assert_allclose(reward[2], [-0.825, -0.725, -0.825])
    np.testing.assert_allclose(d.reward_range, (-3.225, -0.125))


def test_flow_and_nash_conv_of_two_steps_by_hand(sweep):
    """Two cells without noise: a uniform choice leaves the flow uniform.

    A reward is -1/2 - 1/8 of the place and -1/10 of a step, on average -2/3 / 10; who
    never steps saves that, twice with the weights 1 and 1/2.
    """
    d = CrowdChain(num_states=2, horizon=2, discount=0.5, stay_probability=1.0)
    result = sweep(d)
    np.testing.assert_allclose(result.flow[1, 0], [[0.5, 0.5]])
    np.testing.assert_allclose(result.best, [[-0.9375, -0.9375]])
    assert result.nash_conv() == pytest.approx(1.5 * 0.2 / 3)


def test_game_is_monotone():
    d = CrowdChain(num_states=6, crowd_cost=3.0)
    rng = np.random.default_rng(0)
    mu, nu = rng.dirichlet(np.ones(6), size=2)[:, None]
    gap = d.reward(np, 0, mu, None)[..., 1] - d.reward(np, 0, nu, None)[..., 1]
    assert ((mu - nu) * gap).sum() == pytest.approx(-3.0 * ((mu - nu) ** 2).sum())


def test_upstream_nash_conv(sweep):
    game = pyspiel.load_game("mfg_crowd_chain(num_states=5,horizon=4,discount=0.9)")
    upstream = nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
    assert sweep(game.dynamics).nash_conv() == pytest.approx(upstream, abs=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_states": 1}, "num_states=1"),
        ({"crowd_cost": -1.0}, r"crowd_cost=-1\.0"),
        ({"center_attraction": -0.5}, r"center_attraction=-0\.5"),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        CrowdChain(**changes)
