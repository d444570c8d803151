"""Regret minimisers against OpenSpiel's, by hand, and against their bounds."""

import numpy as np
import pytest

from algorithms.correlated.regret_minimisers import (
    NAMES,
    REGRET_MINIMISERS,
    Hedge,
    PolynomialWeights,
    RegretMatching,
    make,
    stationary,
)

# Shapley's circle, in which play goes round: what each policy is paid in the crowd nu.
CIRCLE = np.array([[0.0, -1.0, 2.0], [4.0, 0.0, -2.0], [-3.0, 6.0, 0.0]])


def play(minimiser, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Distributions and payoffs, [T, 3] each, of play in the circle."""
    nus, payoffs = [], []
    for _ in range(steps):
        nus.append(minimiser.nu)
        payoffs.append((CIRCLE @ nus[-1] - 6) / 9)
        minimiser.observe(payoffs[-1])
    return np.array(nus), np.array(payoffs)


def external_regret(nus, payoffs) -> float:
    return (payoffs - (nus * payoffs).sum(1, keepdims=True)).mean(0).max()


def internal_regret(nus, payoffs) -> float:
    gains = payoffs[:, None, :] - payoffs[:, :, None]
    return (nus[:, :, None] * gains).mean(0).max(1).sum()


@pytest.mark.parametrize("internal", [False, True])
@pytest.mark.parametrize("name", REGRET_MINIMISERS)
def test_plays_what_openspiels_minimiser_plays(name, internal):
    ours, theirs = (
        make(prefix + name, 3, 60, internal) for prefix in ("", "upstream_")
    )
    found, expected = play(ours, 60)[0], play(theirs, 60)[0]
    # Theirs ends its search for a stationary distribution at 1e-8.
    np.testing.assert_allclose(found, expected, atol=1e-6 if internal else 1e-12)
    assert np.ptp(found, axis=0).max() > 0.02


def test_first_steps_by_hand():
    payoffs = np.array([0.0, -1.0])
    rate = np.sqrt(np.log(2) / 4)
    hedge, weights, matching = (
        kind(2, 4, internal=False)
        for kind in (Hedge, PolynomialWeights, RegretMatching)
    )
    for minimiser in (hedge, weights, matching):
        assert minimiser.nu.tolist() == [0.5, 0.5]
        minimiser.observe(payoffs)
    assert hedge.nu[1] == pytest.approx(np.exp(-rate) / (1 + np.exp(-rate)))
    assert weights.nu[1] == pytest.approx((1 - rate) / (2 - rate))
    # Regrets +1/2 and -1/2; then, with all on the first, 0 and 1 more.
    assert matching.nu.tolist() == [1.0, 0.0]
    matching.observe(np.array([-1.0, 0.0]))
    assert matching.nu.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("name", NAMES)
def test_external_regret_falls_with_the_root_of_the_steps(name):
    steps = np.array([64, 384])
    regrets = [external_regret(*play(make(name, 3, t, False), t)) for t in steps]
    # Regret matching's bound; those of the others are lower.
    assert (np.array(regrets) <= np.sqrt(3 / steps)).all()
    assert regrets[-1] < 0.7 * regrets[0]


@pytest.mark.parametrize("name", REGRET_MINIMISERS)
def test_internal_regret_falls_too(name):
    steps = np.array([64, 384])
    regrets = [internal_regret(*play(make(name, 3, t, True), t)) for t in steps]
    # P learners and one: (P + 1) sqrt(log(P) / T) for hedge.
    assert (np.array(regrets) <= 4 * np.sqrt(np.log(3) / steps)).all()
    assert regrets[-1] < regrets[0]


def test_external_regret_says_nothing_of_internal_regret():
    """Half of the time b is played although a would always have been better there."""
    nus = np.tile([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], (8, 1))
    payoffs = np.tile([[-0.4, -0.5, -1.0], [-1.0, -1.0, -0.1]], (8, 1))
    assert external_regret(nus, payoffs) < 0
    assert internal_regret(nus, payoffs) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[0.5, 0.5], [0.25, 0.75]], [1 / 3, 2 / 3]),
        ([[0, 1, 0], [1, 0, 0], [1, 0, 0]], [1 / 2, 1 / 2, 0]),  # periodic
        ([[1, 0, 0], [0, 1, 0], [0.5, 0.5, 0]], [1 / 2, 1 / 2, 0]),  # in parts
        ([[1 - 1e-9, 1e-9], [3e-9, 1 - 3e-9]], [3 / 4, 1 / 4]),  # slow
    ],
)
def test_stationary_distributions(rows, expected):
    assert stationary(np.array(rows, float)) == pytest.approx(expected, abs=1e-6)
