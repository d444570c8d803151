"""The closed form against the paper's formula and its differential equations."""

import math

import numpy as np
import pytest

from mfg_games.linear_quadratic import LinearQuadratic
from mfg_games.riccati import ClosedForm


def paper_eta(form, t):
    """Perrin et al. 2020, section 4.1, in the paper's own terms."""
    k, q, kappa, c = (
        form.mean_reversion,
        form.cross_term,
        form.kappa,
        form.terminal_cost,
    )
    root = math.sqrt((k + q) ** 2 + kappa - q**2)
    plus, minus = -(k + q) + root, -(k + q) - root
    e = np.exp((plus - minus) * (form.horizon - t))
    upper = -(kappa - q**2) * (e - 1) - c * (plus * e - minus)
    return upper / (minus * e - plus - c * (e - 1))


FORMS = {
    "paper": LinearQuadratic().closed_form(),
    "common noise": LinearQuadratic(
        common_noise=0.6, shock_every=5, modes="-20 10", terminal_cost=4.0
    ).closed_form(),
    "strong": ClosedForm(2.0, 0.2, -0.8, 3.0, 0.0, 1.5, 0.0, 4.0),
    "degenerate": ClosedForm(2.0, 0.0, 0.0, 0.0, 0.7, 1.5, 0.0, 4.0),
}


@pytest.mark.parametrize("name", ["paper", "common noise", "strong"])
def test_eta_equals_the_papers_formula(name):
    form = FORMS[name]
    times = np.linspace(0, form.horizon, 7)
    np.testing.assert_allclose(form.eta(times), paper_eta(form, times), rtol=1e-12)


def test_eta_without_running_cost():
    """Without drift and running cost eta' = eta^2, so eta = c / (1 + c s)."""
    form, s = FORMS["degenerate"], np.linspace(0, 2, 5)
    np.testing.assert_allclose(form.eta(2 - s), 0.7 / (1 + 0.7 * s), rtol=1e-12)


def test_long_horizons_do_not_overflow():
    form = ClosedForm(1e4, 1.0, 0.0, 0.5, 1.0, 3.0, 0.0, 4.0)
    stationary = -1 + math.sqrt(1.5)  # eta^2 + 2 eta = 1/2
    assert form.eta(0.0) == pytest.approx(stationary)
    assert form.variance(5e3) == pytest.approx(9 / (2 * (1 + stationary)))


@pytest.mark.parametrize("name", FORMS)
def test_closed_form_solves_its_differential_equations(name):
    form, h = FORMS[name], 1e-5
    t = np.linspace(0.1, form.horizon - 0.1, 9)
    drift, excess = (
        form.mean_reversion + form.cross_term,
        form.kappa - form.cross_term**2,
    )
    eta = form.eta(t)
    slope = (form.eta(t + h) - form.eta(t - h)) / (2 * h)
    np.testing.assert_allclose(slope, 2 * drift * eta + eta**2 - excess, atol=1e-6)
    assert form.eta(form.horizon) == pytest.approx(form.terminal_cost)
    variance = form.variance(t)
    slope = (form.variance(t + h) - form.variance(t - h)) / (2 * h)
    expected = -2 * (drift + eta) * variance + form.volatility**2
    np.testing.assert_allclose(slope, expected, rtol=1e-6, atol=1e-5)
    assert form.variance(0.0) == pytest.approx(form.initial_variance)


def test_common_noise_takes_its_share_of_the_variance():
    """One step in five is hit by a shock that takes 0.36 of its variance."""
    assert FORMS["common noise"].volatility ** 2 == pytest.approx(9 * (1 - 0.36 / 5))
