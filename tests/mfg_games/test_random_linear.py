"""The random linear game against numbers worked out by hand."""

import math

import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from mfg_games.random_linear import RandomLinear, Tables

LAW = np.array([[0.1, 0.4], [0.3, 0.2]])


@pytest.fixture
def small() -> RandomLinear:
    """Two states, with tables of small numbers."""
    d = RandomLinear(num_states=2, horizon=2)
    d.tables = Tables(
        reward_slope=np.array([[1.0, 2.0], [0.0, -1.0]]),
        reward_offset=np.array([[0.0, 0.5], [1.0, 0.0]]),
        logit_slope=np.array([[[1.0, 0.0], [2.0, 2.0]], [[0.0, 0.0], [0.0, -5.0]]]),
        logit_offset=np.array([[[0.0, 0.0], [0.0, 1.0]], [[0.0, 2.0], [0.3, 0.0]]]),
    )
    return d


def test_rewards_by_hand(small):
    # r(0, 0) = 0.1 + 2 * 0.3, r(0, 1) = 0.4 + 2 * 0.2 + 0.5, ...
    expected = [[0.7, 1.3], [0.7, -0.2]]
    np.testing.assert_allclose(small.reward(np, 1, LAW[None], None)[0], expected)


def test_transition_by_hand(small, kernel):
    """Differences of the two logits: 0.1, -1.6, 2.0 and 3.2 for (s, a) in order."""
    logits = [[0.1 - 0.0, 0.4 - 2.0], [0.8 - 0.3 + 1.5, 1.2 + 1.0 + 1.0]]
    expected = 1 / (1 + np.exp(-np.array(logits)))
    found = kernel(small, 0, LAW[None], None)[0]
    np.testing.assert_allclose(found[..., 0], expected)
    np.testing.assert_allclose(found[..., 1], 1 - expected)


def test_tables_come_from_the_documented_bits():
    """The doubles are the upper 53 bits of PCG64's 64, in the order of the tables."""
    tables = RandomLinear(num_states=3, scale=7.0, seed=11).tables
    raw = np.random.PCG64(11).random_raw(2 * 9 + 2 * 27)
    found = np.concatenate([table.ravel() for table in tables])
    np.testing.assert_array_equal(found, 7.0 * (2 * ((raw >> 11) / 2.0**53) - 1))


def test_seeds_make_different_games():
    first, again, other = (RandomLinear(seed=seed).tables for seed in (0, 0, 1))
    assert np.array_equal(first.reward_slope, again.reward_slope)
    assert not np.array_equal(first.reward_slope, other.reward_slope)
    assert np.abs(first.logit_slope).max() <= 10.0


def test_flow_of_one_step_by_hand(small, sweep):
    """Everybody plays action 0, so that L(s, 0) = 1/2.

    The logit of next state 0 less that of 1 is then 0.5 in state 0 and
    (1 + 1) - (-2.5 + 0.3) = 4.2 in state 1.
    """
    zero = np.tile([1.0, 0.0], (1, 2, 1))
    result = sweep(small, lambda t, history: zero)
    stay, leave = 1 / (1 + math.exp(-0.5)), 1 / (1 + math.exp(-4.2))
    assert result.flow[1, 0][0, 0] == pytest.approx((stay + leave) / 2)


def test_without_scale_nothing_matters(sweep):
    result = sweep(RandomLinear(num_states=3, scale=0.0))
    assert result.nash_conv() == 0.0
    np.testing.assert_allclose(result.flow[4, 0], 1 / 3)


def test_large_logits_do_not_overflow():
    d = RandomLinear(num_states=3, scale=1e12)
    law = np.full((1, 3, 3), 1 / 9)
    probabilities = d.transition(np, 0, law, None)[1]
    np.testing.assert_allclose(probabilities.sum(-1), 1.0)


def test_rewards_stay_in_their_range():
    d = RandomLinear(num_states=4, scale=3.0)
    rng = np.random.default_rng(0)
    laws = rng.dirichlet(np.full(16, 0.1), 200).reshape(200, 1, 4, 4)
    rewards = np.array([d.reward(np, 0, law, None) for law in laws])
    low, high = d.reward_range
    assert low <= rewards.min() < rewards.max() <= high


def test_upstream_nash_conv(sweep):
    game = pyspiel.load_game("mfg_random_linear(num_states=3,horizon=3,seed=5)")
    upstream = nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
    assert upstream > 0.1
    assert sweep(game.dynamics).nash_conv() == pytest.approx(upstream, abs=1e-9)


def test_same_numbers_in_numpy_and_compiled():
    d = RandomLinear()
    law = np.random.default_rng(1).dirichlet(np.ones(25)).reshape(1, 5, 5)

    @tf.function(jit_compile=True)
    def compiled(law):
        return d.transition(tnp, 2, law, None)[1], d.reward(tnp, 2, law, None)

    probabilities, reward = compiled(tf.constant(law))
    assert probabilities.dtype == reward.dtype == tf.float64
    expected = d.transition(np, 2, law, None)[1]
    np.testing.assert_allclose(probabilities, expected, rtol=1e-12)
    np.testing.assert_allclose(reward, d.reward(np, 2, law, None), rtol=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_states": 0}, "num_states=0"),
        ({"horizon": 0}, "horizon=0"),
        ({"scale": -1.0}, r"scale=-1\.0"),
        ({"scale": math.nan}, "scale=nan"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        RandomLinear(**changes)
