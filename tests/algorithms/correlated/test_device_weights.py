"""The linear programs of devices by hand."""

import numpy as np
import pytest

from algorithms.correlated.weights import best_weights

# What a, b and c are paid where all are at a, at b and at c; a dominates c.
DOMINATED = np.array([[1.0, 0.0, 0.75], [0.0, 1.0, -0.25], [1.0, 0.0, 0.75]])


def two_sides() -> tuple[np.ndarray, np.ndarray]:
    """Crowds with x = 0, 1/4, ..., 1 on the right, and what left and right are paid."""
    x = np.arange(5) / 4
    common = np.array([0.0, 1.0, 0.0, 1.0, 0.0])
    return np.stack([1 - x, x], axis=1), np.stack([common, common + x - 0.5], axis=1)


def test_the_least_coarse_gap():
    """With b half of the time, to follow pays 1, and always a or always b 1/2."""
    weights = best_weights(np.eye(3), DOMINATED, "coarse", "gap")
    assert weights == pytest.approx([1 / 2, 1 / 2, 0], abs=1e-9)


def test_who_knows_what_is_recommended_plays_nothing_dominated():
    weights = best_weights(np.eye(3), DOMINATED, "correlated", "gap")
    assert weights[2] == 0
    # In the worst crowds of all, c is the only one that is left.
    only = best_weights(np.eye(3)[2:], DOMINATED[2:], "correlated", "gap")
    assert only.tolist() == [1.0]


@pytest.mark.parametrize("equilibrium", ["coarse", "correlated"])
def test_the_highest_welfare(equilibrium):
    """Welfare 15/16 at x = 1/4 and 19/16 at 3/4, of which more than 3/4 is too much.

    E[(1 - x) d] is -3/16 at 1/4 and 1/16 at 3/4, and must not be above 0. With the
    multiplier 1 of that, welfare less it is 18/16 at both and 1/2 or less elsewhere.
    """
    nus, payoffs = two_sides()
    weights = best_weights(nus, payoffs, equilibrium, "welfare")
    assert weights == pytest.approx([0, 1 / 4, 0, 3 / 4, 0], abs=1e-6)
    welfare = weights @ (nus * payoffs).sum(axis=1)
    assert welfare == pytest.approx(9 / 8, abs=1e-6)


def test_uniform_weights_and_their_scale():
    nus, payoffs = two_sides()
    assert best_weights(nus, payoffs, "coarse", "uniform").tolist() == [0.2] * 5
    for scale in (1e-6, 1e6):
        found = best_weights(nus, scale * payoffs, "coarse", "welfare")
        assert found[3] == pytest.approx(3 / 4, abs=1e-6)
    same = best_weights(nus, 0 * payoffs, "correlated", "gap")
    assert same.sum() == pytest.approx(1.0)
