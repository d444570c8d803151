"""The test of straight lines in log-log scale, on curves of known shape."""

import math

import numpy as np
import pytest

from algorithms.deep.linearity import log_log_linearity

STEPS = np.geomspace(10, 10_000, 31)


def test_a_power_law_is_straight():
    found = log_log_linearity(STEPS, 3 * STEPS**-0.7)
    assert found.slope == pytest.approx(-0.7)
    assert found.r_squared == pytest.approx(1.0)
    assert found.departure == math.inf


def test_a_constant_is_straight():
    found = log_log_linearity(STEPS, np.full(31, 0.2))
    assert found == pytest.approx((0.0, 1.0, math.inf), abs=1e-12)


def test_noise_is_no_departure():
    noise = np.random.default_rng(0).normal(0, 0.1, 31)
    found = log_log_linearity(STEPS, STEPS**-0.5 * np.exp(noise))
    assert found.slope == pytest.approx(-0.5, abs=0.05)
    assert 0.9 < found.r_squared < 1
    assert found.departure == math.inf


@pytest.mark.parametrize("late", [0.0, -3.0])
def test_a_kink_is_found_soon_after_it(late):
    """A power law until step 1000, then flat, or falling much faster."""
    after = np.maximum(STEPS / 1000, 1)
    values = STEPS**-0.5 * after ** (late + 0.5)
    found = log_log_linearity(STEPS, values, tolerance=0.3)
    assert 1000 < found.departure < 3000
    assert found.r_squared < 0.99
    kind = log_log_linearity(STEPS, values, tolerance=10.0)
    assert kind.departure == math.inf


def test_exponential_decay_is_no_power_law():
    found = log_log_linearity(STEPS, np.exp(-STEPS / 300))
    assert found.departure < 1000
    assert found.r_squared < 0.8


@pytest.mark.parametrize(
    ("steps", "values", "options", "message"),
    [
        (STEPS[:5], STEPS[:5], {}, "longer than 5"),
        (STEPS, STEPS[:9], {}, "values=\\(9,\\)"),
        (STEPS[::-1], STEPS, {}, "positive and increasing"),
        (STEPS, STEPS - 10, {}, "`values` must be positive"),
        (STEPS, STEPS, {"tolerance": 0.0}, "tolerance=0.0"),
        (STEPS, STEPS, {"first": 1}, "first=1"),
    ],
)
def test_errors(steps, values, options, message):
    with pytest.raises(ValueError, match=message):
        log_log_linearity(steps, values, **options)
