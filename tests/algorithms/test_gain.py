"""Tests of `algorithms.gain`, against SciPy's interval of a normal mean."""

import numpy as np
import pytest
from scipy import stats

from algorithms.gain import Gain


@pytest.mark.parametrize("shape", [(12,), (12, 3)])
def test_interval_is_that_of_a_normal_mean(shape):
    samples = np.random.default_rng(0).normal(size=shape)
    found = Gain.of(samples, 0.9)
    low, high = stats.norm.interval(
        0.9, loc=samples.mean(axis=0), scale=stats.sem(samples)
    )
    np.testing.assert_allclose(found.interval, [low, high])
    np.testing.assert_allclose(found.half_width, (high - low) / 2)
