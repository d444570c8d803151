import math

import numpy as np
import pytest
import tensorflow.experimental.numpy as tnp

from mfg_games import crowd


def test_aversion_is_the_log_density():
    mu = np.array([[1.0, 0.25], [1e-10, 0.0]])
    values = crowd.aversion(np, mu, 2.0)
    expected = [
        [0.0, 4 * math.log(2)],
        [20 * math.log(10), 50 * math.log(10)],
    ]
    np.testing.assert_allclose(values, expected, atol=1e-14)
    np.testing.assert_allclose(crowd.aversion(tnp, tnp.asarray(mu), 2.0), values)


@pytest.mark.parametrize("weight", [3.0, 0.0, -3.0])
def test_range_is_attained(weight):
    values = crowd.aversion(np, np.array([0.0, 0.5, 1.0]), weight)
    expected = (values.min(), values.max())
    assert crowd.aversion_range(weight) == pytest.approx(expected)
