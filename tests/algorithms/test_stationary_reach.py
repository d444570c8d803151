"""Tests of `algorithms.stationary.reach`, against all policies of small problems."""

import itertools

import numpy as np
import pytest
from scipy import sparse

from algorithms.stationary.reach import sure_ways


def _reached(kernel: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """Probability of ever reaching the goal from each state."""
    inside = np.where(goal[:, None], np.eye(len(goal)), kernel)
    # Doubling: the power of 2^60 is the limit where the goal absorbs.
    for _ in range(60):
        inside = inside @ inside
    return inside[:, goal].sum(axis=1)


@pytest.mark.parametrize("draw", range(30))
def test_equals_the_best_of_all_policies(draw):
    rng = np.random.default_rng(draw)
    size, actions = 5, 2
    chances = rng.random((actions, size, size))
    chances *= rng.random(chances.shape) < 0.35
    chances[:, np.arange(size), rng.integers(size, size=size)] += 0.1
    chances /= chances.sum(axis=2, keepdims=True)
    legal = rng.random((actions, size)) < 0.8
    legal[0] |= ~legal.any(axis=0)
    goal = np.arange(size) == 0

    best = np.zeros(size)
    for policy in itertools.product(range(actions), repeat=size):
        choice = np.array(policy), np.arange(size)
        if legal[choice].all():
            best = np.maximum(best, _reached(chances[choice], goal))
    transitions = sparse.csr_array(chances.reshape(-1, size))
    sure, found = sure_ways(transitions, legal, goal)

    np.testing.assert_array_equal(sure, best > 1 - 1e-6)
    moving = sure & ~goal
    assert legal[found[moving], np.flatnonzero(moving)].all()
    followed = _reached(chances[found, np.arange(size)], goal)
    np.testing.assert_allclose(followed[sure], 1, atol=1e-9)


def test_a_way_that_may_end_in_a_trap_is_not_sure():
    # State 1 gambles between the goal and a trap, or goes to 2, which is sure.
    gamble = [[1, 0, 0, 0], [0.9, 0, 0, 0.1], [0.01, 0, 0.99, 0], [0, 0, 0, 1]]
    walk = [[1, 0, 0, 0], [0, 0, 1, 0], [0.01, 0, 0.99, 0], [0, 0, 0, 1]]
    transitions = sparse.csr_array(np.concatenate([gamble, walk]))
    goal = np.array([True, False, False, False])
    both, gambling = np.ones((2, 4), bool), np.array([[True] * 4, [False] * 4])
    sure, actions = sure_ways(transitions, both, goal)
    np.testing.assert_array_equal(sure, [True, True, True, False])
    assert actions[1] == 1
    sure, _ = sure_ways(transitions, gambling, goal)
    np.testing.assert_array_equal(sure, [True, False, True, False])
