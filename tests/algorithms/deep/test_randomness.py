"""Random numbers: the same with and without XLA, their laws, and their extremes."""

import numpy as np
import pytest
from scipy import stats
import tensorflow as tf

from algorithms.deep import randomness


@pytest.mark.parametrize("draw", [randomness.uniform, randomness.normal])
def test_compiled_numbers_are_those_of_eager_execution(draw):
    seed = tf.constant([3, 4], tf.int64)
    eager = draw((1000,), seed)
    compiled = tf.function(lambda seed: draw((1000,), seed), jit_compile=True)(seed)
    np.testing.assert_allclose(compiled, eager, rtol=1e-4, atol=1e-6)
    assert not np.array_equal(eager, draw((1000,), randomness.branch(seed, 1)))


@pytest.mark.parametrize("draw, law", [("uniform", "uniform"), ("normal", "norm")])
def test_laws(draw, law):
    numbers = getattr(randomness, draw)((20_000,), tf.constant([1, 2], tf.int64))
    assert stats.kstest(numbers.numpy(), law).pvalue > 1e-3


def test_the_rarest_normals_are_finite(monkeypatch):
    extremes = tf.constant([0, 1, 2**23, 2**24 - 2, 2**24 - 1], tf.float32) / 2**24
    monkeypatch.setattr(randomness, "uniform", lambda shape, seed: extremes)
    found = randomness.normal((5,), None)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[0], -found[4])
    assert found[2] == 0 and 5 < found[4] < 5.3


def test_seeds_of_different_uses_differ():
    seeds = {
        randomness.derived_seed(0, "play"),
        randomness.derived_seed(0, "play", 1),
        randomness.derived_seed(0, 1, "play"),
        randomness.derived_seed(1, "play"),
    }
    assert len(seeds) == 4
