"""The epidemic game against hand-computed numbers."""

import math

import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from mfg_games.sis import SIS


def test_transition_by_hand(kernel):
    d = SIS(infection=0.8, recovery=0.3)
    rows = kernel(d, 0, np.array([[0.4, 0.6]]), None)[0]
    np.testing.assert_allclose(rows[0], [[0.52, 0.48], [1.0, 0.0]])
    np.testing.assert_allclose(rows[1], [[0.3, 0.7], [0.3, 0.7]])


def test_infection_follows_the_distribution_and_successors_do_not(kernel):
    d = SIS(infection=0.8)
    healthy, sick = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    assert kernel(d, 0, healthy, None)[0, 0, 0, 1] == 0.0
    assert kernel(d, 0, sick, None)[0, 0, 0, 1] == pytest.approx(0.8)
    assert d.transition(np, 0, healthy, None)[0] is d.transition(np, 1, sick, None)[0]


def test_rewards_by_hand():
    d = SIS(infection_cost=2.0, distancing_cost=0.75)
    reward = d.reward(np, 0, d.initial_distribution, None)
    np.testing.assert_allclose(reward, [[[0.0, -0.75], [-2.0, -2.75]]])
    assert d.reward_range == (-2.75, 0.0)


def test_flow_and_nash_conv_of_two_steps_by_hand(sweep):
    """Half of the players keep distance: 0.516 = 0.4 * 0.24 + 0.6 * 0.7 are infected.

    Uniform play is worth -0.74 to the susceptible and -2.2 to the infected; going out
    twice, against the same flow, -0.48 and -1.7.
    """
    result = sweep(SIS(horizon=2, infection=0.8))
    np.testing.assert_allclose(result.flow[1, 0], [[0.484, 0.516]])
    np.testing.assert_allclose(result.values, [[-0.74, -2.2]])
    np.testing.assert_allclose(result.best, [[-0.48, -1.7]])
    assert result.nash_conv() == pytest.approx(0.404)


def test_everybody_distant_makes_the_infected_decay(sweep):
    distant = np.tile([0.0, 1.0], (1, 2, 1))
    result = sweep(SIS(horizon=10), lambda t, history: distant)
    infected = [mu[0, 1] for mu in result.flow.values()]
    np.testing.assert_allclose(infected, 0.6 * 0.7 ** np.arange(11))


def test_upstream_nash_conv(sweep):
    game = pyspiel.load_game("mfg_sis(horizon=8)")
    upstream = nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
    assert sweep(game.dynamics).nash_conv() == pytest.approx(upstream, abs=1e-9)


def test_same_numbers_in_numpy_and_compiled():
    d = SIS()
    mu = np.array([[0.37, 0.63]])

    @tf.function(jit_compile=True)
    def compiled(mu):
        return d.transition(tnp, 3, mu, None)[1], d.reward(tnp, 3, mu, None)

    probabilities, reward = compiled(tf.constant(mu))
    assert probabilities.dtype == reward.dtype == tf.float64
    np.testing.assert_allclose(probabilities, d.transition(np, 3, mu, None)[1])
    np.testing.assert_allclose(reward, d.reward(np, 3, mu, None))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"horizon": -1}, "horizon=-1"),
        ({"recovery": 1.1}, r"recovery=1\.1"),
        ({"infection": -0.1}, r"infection=-0\.1"),
        ({"initial_infected": math.nan}, "initial_infected=nan"),
        ({"infection_cost": math.inf}, "infection_cost=inf"),
        ({"distancing_cost": math.nan}, "distancing_cost=nan"),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        SIS(**changes)
