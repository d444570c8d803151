"""Systemic risk against hand-computed numbers and its closed form."""

import math

from closed_forms import errors_of_symmetric_equilibrium
import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest

from mfg_games.linear_quadratic import LinearQuadratic
from mfg_games.systemic_risk import SystemicRisk


def small(**changes):
    defaults = {"half_width": 4, "spacing": 0.5, "horizon": 4, "dt": 0.25}
    return SystemicRisk(**{**defaults, "max_action": 1, **changes})


def test_grid_and_actions_by_hand():
    d = small()
    np.testing.assert_allclose(d.positions, np.arange(-2, 2.5, 0.5))
    np.testing.assert_allclose(
        d.actions, [-2, 0, 2]
    )  # half a unit in a quarter of time
    np.testing.assert_allclose(d.initial_distribution, np.full((1, 9), 1 / 9))
    assert d.state_names[:2] == ("-2", "-1.5")
    assert [d.action_name(a) for a in range(3)] == ["-2", "+0", "+2"]


@pytest.mark.parametrize(
    ("state", "action", "expected"),
    [
        (4, 2, {5: 1.0}),  # from 0 by one grid point
        (6, 1, {5: 0.5, 6: 0.5}),  # 1 - 1/4 is between two points
        (0, 0, {0: 1.0}),  # -2 + 1/2 - 1/2
        (2, 0, {1: 0.5, 2: 0.5}),  # -1 + 1/4 - 1/2
    ],
)
def test_noiseless_transition_by_hand(kernel, state, action, expected):
    d = small(volatility=0.0)
    row = kernel(d, 0, d.initial_distribution, None)[0, state, action]
    found = {position: p for position, p in enumerate(row) if p > 1e-12}
    assert found == pytest.approx(expected)


def test_rewards_by_hand():
    d = small(q=0.5, epsilon=3.0, terminal_cost=4.0)
    reward = d.reward(np, 0, d.initial_distribution, None)
    # x = -1, g = 1: dt (-2 + q 2 - 3 / 2), dt (-3 / 2), dt (-2 - 1 - 3 / 2)
    np.testing.assert_allclose(reward[0, 2], [-1.125, -0.375, -0.625])
    terminal = d.terminal_reward(np, d.initial_distribution, None)
    assert terminal[0, 8] == pytest.approx(-8.0)


def test_it_is_the_linear_quadratic_game_in_other_units(kernel):
    """With lengths in tenths: rewards scale by 100, transitions stay."""
    tenths = LinearQuadratic(
        half_width=20,
        horizon=20,
        dt=1.0,
        max_action=5,
        mean_reversion=0.3,
        volatility=2.0,
        cross_term=0.5,
        kappa=1.0,
        modes="0 0",
    )
    d = SystemicRisk(dt=1.0, mean_reversion=0.3, volatility=0.2)
    mu = np.random.default_rng(0).dirichlet(np.ones(41))[None]
    np.testing.assert_allclose(
        kernel(d, 0, mu, None), kernel(tenths, 0, mu, None), atol=1e-12
    )
    np.testing.assert_allclose(
        100 * d.reward(np, 0, mu, None), tenths.reward(np, 0, mu, None), rtol=1e-12
    )
    np.testing.assert_allclose(
        100 * d.terminal_reward(np, mu, None), tenths.terminal_reward(np, mu, None)
    )


def test_common_noise_moves_everybody(kernel):
    d = SystemicRisk(common_noise=0.6, horizon=2, dt=0.25, max_action=2)
    mu = d.initial_distribution
    up, down = (kernel(d, 0, mu, z)[0, 20, 2] @ d.positions for z in (1.0, -1.0))
    assert (up, down) == pytest.approx((0.3, -0.3))  # rho sqrt(dt)


def refined(spacing: float, dt: float) -> np.ndarray:
    """Distance from the closed form in a box that is twice as wide."""
    d = SystemicRisk(
        half_width=round(4 / spacing),
        spacing=spacing,
        horizon=round(1 / dt),
        dt=dt,
        max_action=math.ceil(6 * dt / spacing),
    )
    return errors_of_symmetric_equilibrium(d, 1.0)


def test_equilibrium_approaches_the_closed_form():
    """Actions are multiples of spacing / dt, so that the grid must shrink faster."""
    coarse, middle, fine = (
        refined(spacing, dt)
        for spacing, dt in ((0.1, 0.05), (0.025, 0.025), (0.00625, 0.0125))
    )
    assert (coarse / middle > 1.6).all()
    assert (middle / fine > 1.6).all()
    assert (fine < [0.3, 0.02]).all()  # of actions up to 1.5, of a variance up to 5.3


def test_closed_form_with_the_papers_symbols():
    """eta' = 2 (a + q) eta + eta^2 - (epsilon - q^2), here with a + q = 1, from c."""
    form = SystemicRisk(
        mean_reversion=0.5, q=0.5, epsilon=3.25, terminal_cost=1.0
    ).closed_form()
    assert form.horizon == pytest.approx(1.0)
    # eta = 1 is where the slope 2 eta + eta^2 - 3 is zero.
    np.testing.assert_allclose(form.eta([0.0, 0.3, 1.0]), 1.0, rtol=1e-12)
    assert form.action(0.2, 0.5, 1.5) == pytest.approx(1.5)
    # Var' = -4 Var + 1
    start = form.initial_variance
    expected = 0.25 + (start - 0.25) * math.exp(-2.0)
    assert form.variance(0.5) == pytest.approx(expected)


@pytest.mark.parametrize("changes", [{}, {"common_noise": 0.5, "shock_every": 2}])
def test_upstream_nash_conv(sweep, changes):
    parameters = {"half_width": 3, "horizon": 3, "max_action": 1, **changes}
    game = pyspiel.load_game("mfg_systemic_risk", parameters)
    upstream = nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
    assert sweep(game.dynamics).nash_conv() == pytest.approx(upstream, abs=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"half_width": 0}, "half_width=0"),
        ({"spacing": 0.0}, r"spacing=0\.0"),
        ({"horizon": 0}, "horizon=0"),
        ({"dt": 0.0}, r"dt=0\.0"),
        ({"max_action": -1}, "max_action=-1"),
        ({"mean_reversion": -1.0}, r"mean_reversion=-1\.0"),
        ({"volatility": math.nan}, "volatility=nan"),
        ({"q": math.inf}, "q=inf"),
        ({"epsilon": -1.0}, r"epsilon=-1\.0"),
        ({"q": 2.0}, r"q\*\*2 = 4.0.*epsilon=1\.0"),
        ({"terminal_cost": -1.0}, r"terminal_cost=-1\.0"),
        ({"common_noise": 1.1}, r"common_noise=1\.1"),
        ({"shock_every": 0}, "shock_every=0"),
        ({"common_noise": 0.5, "horizon": 13}, "4096.*horizon=13.*shock_every=1"),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        small(**changes)
