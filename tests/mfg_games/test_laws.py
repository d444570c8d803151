import math

import numpy as np
import pytest

from mfg_games.laws import discretised_normal


def test_weights_by_hand():
    law = discretised_normal(np.array([-1.0, 0.0, 2.0]), 0.0, 1.0)
    weights = np.array([math.exp(-0.5), 1.0, math.exp(-2.0)])
    np.testing.assert_allclose(law, weights / weights.sum())


def test_moments_on_a_fine_grid():
    points = np.linspace(-8.0, 12.0, 2001)
    law = discretised_normal(points, 1.5, 0.7)
    mean = law @ points
    assert mean == pytest.approx(1.5)
    assert law @ (points - mean) ** 2 == pytest.approx(0.49)


def test_several_means():
    points = np.arange(5.0)
    laws = discretised_normal(points, np.array([[0.5], [3.0]]), 0.8)
    for law, mean in zip(laws, (0.5, 3.0), strict=True):
        np.testing.assert_array_equal(law, discretised_normal(points, mean, 0.8))


@pytest.mark.filterwarnings("error")
def test_a_tiny_deviation_leaves_the_nearest_points():
    law = discretised_normal(np.arange(4), 1.5, 1e-6)
    np.testing.assert_allclose(law, [0.0, 0.5, 0.5, 0.0])
