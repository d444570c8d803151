"""The switching game against hand-computed numbers and its closed form."""

import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest

from mfg_games.switching import Switching

STAY = np.tile([1.0, 0.0], (1, 2, 1))
TO_FIRST = np.array([[[1.0, 0.0], [0.0, 1.0]]])


def test_rewards_and_transition_by_hand(kernel):
    d = Switching(switching_cost=0.75, crowd_cost=2.0)
    mu = np.array([[0.25, 0.75]])
    np.testing.assert_allclose(
        d.reward(np, 0, mu, None), [[[-0.5, -1.25], [-1.5, -2.25]]]
    )
    np.testing.assert_array_equal(
        kernel(d, 0, mu, None)[0], [[[1, 0], [0, 1]], [[0, 1], [1, 0]]]
    )
    assert d.reward_range == (-2.75, 0.0)


@pytest.mark.parametrize("switching_cost", [0.01, 1.0, 30.0])
def test_staying_is_the_equilibrium_from_the_uniform_start(sweep, switching_cost):
    """Half of the crowd cost at each step; a uniform choice pays half of C as well."""
    d = Switching(20, 0.9, switching_cost, crowd_cost=2.0)
    steps = (1 - 0.9**20) / (1 - 0.9)
    result = sweep(d, lambda t, history: STAY)
    assert result.nash_conv() == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(result.values, [[-steps, -steps]])
    assert sweep(d).nash_conv() == pytest.approx(steps * switching_cost / 2)


def test_contraction_makes_staying_the_best_response_to_any_flow(sweep):
    """The first step takes everybody to one place, the worst flow for who is there."""
    d = Switching(horizon=60, discount=0.5, switching_cost=2.01, crowd_cost=1.0)
    result = sweep(d, lambda t, history: TO_FIRST)
    crowd = np.array([mu[0] for mu in result.flow.values()])[:60]
    stay = -(0.5 ** np.arange(60)) @ crowd
    np.testing.assert_allclose(result.best[0], stay, rtol=1e-12)


def test_below_the_threshold_of_a_long_game_someone_switches(sweep):
    """Leaving the full place brings 1/2 + 1/4 + ... = 1 for the price of 0.99."""
    d = Switching(horizon=60, discount=0.5, switching_cost=0.99, crowd_cost=1.0)
    result = sweep(d, lambda t, history: TO_FIRST)
    # From 0 at once: 1/2 now, with the price, and nothing ever after.
    assert result.best[0, 0] == pytest.approx(-0.5 - 0.99)


def test_upstream_nash_conv(sweep):
    game = pyspiel.load_game("mfg_switching(horizon=5,discount=0.9)")
    upstream = nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
    assert sweep(game.dynamics).nash_conv() == pytest.approx(upstream, abs=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"horizon": 0}, "horizon=0"),
        ({"discount": 0.0}, r"discount=0\.0"),
        ({"switching_cost": -1.0}, r"switching_cost=-1\.0"),
        ({"crowd_cost": -1.0}, r"crowd_cost=-1\.0"),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        Switching(**changes)
