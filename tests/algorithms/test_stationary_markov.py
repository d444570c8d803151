"""Sparse chains against dense algebra and by hand."""

from dense_stationary import mean_of_powers
import numpy as np
import pytest
from scipy import sparse

from algorithms.stationary.markov import REST, Resolvent


def random_kernel(seed, size=12):
    rng = np.random.default_rng(seed)
    kernel = rng.dirichlet(np.full(size, 0.3), size) * (rng.random((size, size)) < 0.5)
    kernel[np.arange(size), rng.integers(size, size=size)] += 0.1
    return kernel / kernel.sum(axis=1, keepdims=True)


def block(*kernels):
    return sparse.block_diag(kernels).toarray()


CYCLE = np.roll(np.eye(3), 1, axis=1)
DRAIN = np.array([[0.2, 0.5, 0.3], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
KERNELS = {
    "one class": random_kernel(0),
    "a transient part": np.block(
        [[0.5 * random_kernel(1, 4), np.full((4, 4), 0.125)],
         [np.zeros((4, 4)), random_kernel(2, 4)]]
    ),
    "a cycle": CYCLE,
    "two cycles": block(CYCLE, 1 - np.eye(2)),
    "two ends": DRAIN,
    "three parts": block(random_kernel(3), DRAIN, CYCLE),
    "nobody moves": np.eye(4),
}  # fmt: skip


@pytest.mark.parametrize("name", KERNELS)
def test_long_run_equals_the_mean_of_all_powers(name):
    dense = KERNELS[name]
    rng = np.random.default_rng(5)
    start = rng.dirichlet(np.ones(len(dense)))
    rewards = rng.normal(size=len(dense))
    resolvent = Resolvent(sparse.csr_array(dense), REST)
    limit = mean_of_powers(dense)
    np.testing.assert_allclose(
        resolvent.long_run_law(start), start @ limit, rtol=0, atol=1e-11
    )
    gain = resolvent.gain(rewards)
    np.testing.assert_allclose(gain, limit @ rewards, rtol=0, atol=1e-11)
    # The deviation matrix (Puterman 1994, appendix A).
    bias = np.linalg.solve(
        np.eye(len(dense)) - dense + limit, rewards - limit @ rewards
    )
    np.testing.assert_allclose(resolvent.bias(rewards, gain), bias, rtol=0, atol=1e-9)


@pytest.mark.parametrize("rest", [1e-3, 0.1, 1.0])
def test_discounted_sums_and_visits(rest):
    dense = random_kernel(4)
    rng = np.random.default_rng(6)
    start, rewards = rng.dirichlet(np.ones(12)), rng.normal(size=12)
    resolvent = Resolvent(sparse.csr_array(dense), rest)
    inverse = np.linalg.inv(np.eye(12) - (1 - rest) * dense)
    np.testing.assert_allclose(resolvent.sums(rewards), inverse @ rewards, rtol=1e-11)
    visits = rest * start @ inverse
    np.testing.assert_allclose(resolvent.occupancy(start), visits, rtol=1e-11)


def test_mass_between_parts_that_hardly_touch():
    """Detailed balance: the masses are as the probabilities of coming to a part."""
    leak = np.array([[0.0, 1e-6], [3e-6, 0.0]])
    kernel = leak + np.diag(1 - leak.sum(axis=1))
    law = Resolvent(sparse.csr_array(kernel), REST).long_run_law(np.array([1.0, 0.0]))
    np.testing.assert_allclose(law, [0.75, 0.25], rtol=1e-8)


def test_parts_that_touch_less_than_rounding_are_separate():
    leak = np.array([[0.0, 1e-25], [3e-25, 0.0]])
    kernel = leak + np.diag(1 - leak.sum(axis=1))
    law = Resolvent(sparse.csr_array(kernel), REST).long_run_law(np.array([0.9, 0.1]))
    np.testing.assert_allclose(law, [0.9, 0.1], rtol=1e-8)
