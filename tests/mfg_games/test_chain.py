"""What the chains share, on the one without interaction."""

import math

import numpy as np
import pytest
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from mfg_games.crowd_chain import CrowdChain
from mfg_games.move_forward import MoveForward


def test_noise_adds_to_the_action(kernel):
    d = MoveForward(num_states=6, stay_probability=0.5)
    rows = kernel(d, 0, d.initial_distribution, None)[0]
    np.testing.assert_allclose(rows[2, 2], [0, 0, 0.25, 0.5, 0.25, 0])
    np.testing.assert_allclose(rows[3, 0], [0, 0.25, 0.5, 0.25, 0, 0][0:6])


def test_action_and_noise_are_clamped_together(kernel):
    """At the left end -1 + 1 leads back to it, not to its neighbour."""
    d = MoveForward(num_states=3, stay_probability=0.5)
    rows = kernel(d, 0, d.initial_distribution, None)[0]
    np.testing.assert_allclose(rows[0, 0], [1.0, 0, 0])
    np.testing.assert_allclose(rows[0, 1], [0.75, 0.25, 0])
    np.testing.assert_allclose(rows[1, 2], [0, 0.25, 0.75])
    np.testing.assert_allclose(rows[2, 0], [0.25, 0.5, 0.25])


def test_default_noise_is_uniform():
    noise = MoveForward().transition(np, 0, None, None)[1]
    np.testing.assert_allclose(noise, [1 / 3] * 3)


def test_successors_are_the_same_object():
    d = MoveForward()
    assert d.transition(np, 0, None, None)[0] is d.transition(tnp, 3, None, None)[0]


def test_same_numbers_in_numpy_and_compiled():
    d = CrowdChain(num_states=5)
    mu = np.random.default_rng(0).dirichlet(np.ones(5))[None]
    compiled = tf.function(lambda mu: d.reward(tnp, 3, mu, None), jit_compile=True)
    reward = compiled(tf.constant(mu))
    assert reward.dtype == tf.float64
    np.testing.assert_allclose(reward, d.reward(np, 3, mu, None), rtol=1e-14)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_states": 1}, "num_states=1"),
        ({"horizon": 0}, "horizon=0"),
        ({"discount": 0.0}, r"discount=0\.0"),
        ({"discount": 1.5}, r"discount=1\.5"),
        ({"discount": math.nan}, "discount=nan"),
        ({"stay_probability": 1.1}, r"stay_probability=1\.1"),
        ({"movement_cost": -0.1}, r"movement_cost=-0\.1"),
        ({"movement_cost": math.inf}, "movement_cost=inf"),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        MoveForward(**changes)
