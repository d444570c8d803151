"""The linear-quadratic game against hand-computed numbers and its closed form."""

import math

from closed_forms import errors_of_symmetric_equilibrium
import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from mfg_games.linear_quadratic import LinearQuadratic

_DISCRETISED = [0.0044330, 0.0540056, 0.2420362, 0.3990503]  # e = -3, -2, -1, 0


def moments(kernel, positions):
    """Mean and variance of the next position."""
    mean = kernel @ positions
    return mean, kernel @ positions**2 - mean**2


def small(**changes):
    defaults = {"half_width": 5, "horizon": 4, "max_action": 2, "modes": "-1 3"}
    return LinearQuadratic(**{**defaults, "mode_std": 1.0, **changes})


def test_initial_distribution_is_the_average_of_normals_normalised_one_by_one():
    d = LinearQuadratic(half_width=1, modes="0 1", mode_std=1.0)
    first = np.exp([-0.5, 0.0, -0.5])
    second = np.exp([-2.0, -0.5, 0.0])
    expected = (first / first.sum() + second / second.sum()) / 2
    np.testing.assert_allclose(d.initial_distribution, [expected], rtol=1e-14)


def test_narrow_mode_between_grid_points_keeps_its_mass():
    d = LinearQuadratic(half_width=2, modes="0.5 0.5", mode_std=0.01)
    np.testing.assert_allclose(d.initial_distribution, [[0, 0, 0.5, 0.5, 0]])


@pytest.mark.parametrize(
    ("x", "action", "expected"),
    [
        (-1, 1, {1: 1.0}),  # y = -1 + (3 + 1) / 2
        (0, 1, {1: 0.5, 2: 0.5}),  # y = 0 + (2 + 1) / 2
        (-4, -2, {-2: 1.0}),  # y = -4 + (6 - 2) / 2
        (5, 2, {4: 0.5, 5: 0.5}),  # y = 5 + (-3 + 2) / 2
    ],
)
def test_noiseless_transition_by_hand(kernel, x, action, expected):
    d = small(volatility=0.0, dt=0.5, modes="2 2", mode_std=0.01)  # m = 2
    row = kernel(d, 0, d.initial_distribution, None)[0, x + 5, action + 2]
    found = {position - 5: p for position, p in enumerate(row) if p}
    assert found == pytest.approx(expected)


def test_noise_is_a_discretised_normal(kernel):
    d = small(volatility=1.0, dt=1.0, mean_reversion=0.0)
    row = kernel(d, 0, d.initial_distribution, None)[0, 5, 2]  # x = 0, a = 0
    expected = [0, 0, *_DISCRETISED, *_DISCRETISED[-2::-1], 0, 0]
    np.testing.assert_allclose(row, expected, atol=5e-8)


def test_box_clamps(kernel):
    d = small(volatility=0.0, dt=1.0, mean_reversion=0.0)
    rows = kernel(d, 0, d.initial_distribution, None)[0, :, 4]  # a = 2
    np.testing.assert_allclose(rows.argmax(1), [2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10])
    np.testing.assert_allclose(rows.max(1), 1.0)


def test_transition_keeps_the_mean_away_from_the_box(kernel):
    d = LinearQuadratic(half_width=30, max_action=3, volatility=4.3, modes="-7 3")
    rng = np.random.default_rng(0)
    mu = rng.dirichlet(np.ones(61))[None]
    rows = kernel(d, 0, mu, None)[0, 10:51]
    x = d.positions[10:51, None]
    drift = mu[0] @ d.positions - x + d.actions
    mean, variance = moments(rows, d.positions)
    np.testing.assert_allclose(mean, x + 0.1 * drift, atol=1e-12)
    # 0.99591 is the variance of the discretised normal; splitting adds up to 1/4.
    added = variance - 0.1 * 4.3**2 * 0.99591
    assert added.min() > -1e-4
    assert added.max() < 0.25


def test_common_noise_splits_the_same_variance_differently(kernel):
    """Over both shocks the law of x has the variance rho^2 + (1 - rho^2) Var(e)."""
    rho, scale, var_e = 0.6, math.sqrt(0.1) * 30, 0.9959064
    d = LinearQuadratic(
        half_width=100, horizon=1, max_action=1, volatility=30.0, common_noise=rho
    )
    mu = d.initial_distribution
    up, down = (kernel(d, 0, mu, z)[0, 90:111] for z in (1.0, -1.0))
    x = d.positions[90:111, None]
    expected_mean = x + 0.1 * (d.actions - x)
    for rows, shock in ((up, 1), (down, -1)):
        mean, variance = moments(rows, d.positions)
        np.testing.assert_allclose(mean, expected_mean + shock * rho * scale)
        np.testing.assert_allclose(variance, scale**2 * (1 - rho**2) * var_e, atol=0.25)
    _, mixed = moments((up + down) / 2, d.positions)
    expected = scale**2 * (rho**2 + (1 - rho**2) * var_e)
    np.testing.assert_allclose(mixed, expected, atol=0.25)  # of 90: the splitting
    without = LinearQuadratic(half_width=100, horizon=1, max_action=1, volatility=30.0)
    _, alone = moments(kernel(without, 0, mu, None)[0, 90:111], d.positions)
    np.testing.assert_allclose(mixed, alone, rtol=0.006)


def test_steps_without_shock_have_the_full_individual_noise(kernel):
    d = small(common_noise=0.7, shock_every=3)
    mu = d.initial_distribution
    np.testing.assert_allclose(
        kernel(d, 1, mu, 0.0), kernel(small(), 1, mu, None), atol=1e-15
    )


def test_shocks_hit_times_divisible_by_shock_every():
    noise = small(horizon=5, common_noise=0.7, shock_every=2).common_noise
    assert [len(p) for p in noise.outcome_probabilities] == [2, 1, 2, 1, 2]
    values = [v.tolist() for v in noise.values]
    assert values[:4] == [[0], [-1, 1], [0, 0], [-1, 1, -1, 1]]
    assert values[4] == [0] * 4
    assert values[5] == [-1, 1] * 4


def test_twelve_shocks_are_the_most():
    assert small(horizon=36, common_noise=0.5, shock_every=3).num_histories(36) == 4096
    with pytest.raises(ValueError, match=r"4096.*horizon=37.*shock_every=3"):
        small(horizon=37, common_noise=0.5, shock_every=3)
    assert small(horizon=37).common_noise is None


def test_rewards_by_hand():
    d = small(dt=0.5, cross_term=0.25, kappa=3.0, modes="2 2", mode_std=0.01)
    reward = d.reward(np, 0, d.initial_distribution, None)
    # x = -1: g = 3; a = 2: (-2 + 0.25 * 2 * 3 - 1.5 * 9) / 2
    assert reward[0, 4, 4] == pytest.approx(-7.0)
    # x = 4: g = -2; a = 1: (-0.5 - 0.25 * 2 - 1.5 * 4) / 2
    assert reward[0, 9, 3] == pytest.approx(-3.5)
    terminal = small(terminal_cost=3.0, modes="2 2", mode_std=0.01).terminal_reward(
        np, d.initial_distribution, None
    )
    assert terminal[0, 4] == pytest.approx(-13.5)
    assert terminal.shape == (1, 11)


def test_rewards_are_paid_step_by_step_in_openspiel():
    game = pyspiel.load_game(
        "mfg_linear_quadratic(half_width=2,horizon=1,max_action=1,modes=0 0,"
        "volatility=0.0,dt=1.0,mean_reversion=0.0)"
    )
    state = game.new_initial_state()
    state.apply_action(4)  # x = 2
    state.apply_action(0)  # a = -1
    assert state.rewards() == pytest.approx([-0.5 + 0.02 - 0.25 * 4])  # settlement
    state.apply_action(0)
    state.apply_action(state.chance_outcomes()[0][0])
    state.update_distribution([0, 0, 0, 0, 1.0])  # m = 2, x = 1
    assert state.is_terminal()
    assert state.rewards() == pytest.approx([-0.5])


@pytest.mark.parametrize("common_noise", [0.0, 0.5])
def test_same_numbers_in_numpy_and_compiled(kernel, common_noise):
    d = small(common_noise=common_noise, volatility=2.2)
    z = np.float64(-1.0) if common_noise else None
    mu = np.random.default_rng(1).dirichlet(np.ones(11))[None]

    @tf.function(jit_compile=True)
    def compiled(mu):
        successors, probabilities = d.transition(tnp, 0, mu, z)
        return (
            successors,
            probabilities,
            d.reward(tnp, 0, mu, z),
            d.terminal_reward(tnp, mu, z),
        )

    successors, probabilities, reward, terminal = compiled(tf.constant(mu))
    assert successors.dtype == tf.int32
    assert probabilities.dtype == tf.float64
    assert probabilities.shape == (1, 11, 5, 14)
    # Indices may round differently at grid points; what they mean may not.
    dense = tf.reduce_sum(
        tf.one_hot(successors, 11, dtype=tf.float64) * probabilities[0, ..., None], -2
    )
    np.testing.assert_allclose(dense, kernel(d, 0, mu, z)[0], atol=1e-13)
    np.testing.assert_allclose(reward, d.reward(np, 0, mu, z), rtol=1e-13)
    np.testing.assert_allclose(terminal, d.terminal_reward(np, mu, z), rtol=1e-13)


@pytest.mark.parametrize(
    "changes", [{}, {"common_noise": 0.5, "shock_every": 2}, {"cross_term": -0.5}]
)
def test_upstream_nash_conv(sweep, changes):
    parameters = {"half_width": 3, "horizon": 3, "max_action": 1, "modes": "-2 1"}
    game = pyspiel.load_game(
        "mfg_linear_quadratic", {**parameters, "mode_std": 1.0, **changes}
    )
    upstream = nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
    assert sweep(game.dynamics).nash_conv() == pytest.approx(upstream, abs=1e-9)


def test_papers_game_has_its_exploitability_and_a_constant_mean(sweep):
    """The exploitability that the reference computation gives to four digits."""
    d = LinearQuadratic()
    result = sweep(d)
    assert result.nash_conv() == pytest.approx(187.2, abs=0.05)
    means = [float(mu[0] @ d.positions) for mu in result.flow.values()]
    np.testing.assert_allclose(means, 0.0, atol=1e-12)


def test_closed_form_of_the_paper():
    """The reference values of the paper's formula at the paper's parameters."""
    form = LinearQuadratic().closed_form()
    assert form.horizon == pytest.approx(3.0)
    assert form.initial_mean == pytest.approx(0.0, abs=1e-12)
    assert form.initial_variance == pytest.approx(25**2 + 5**2, rel=1e-5)
    np.testing.assert_allclose(form.eta([0, 1.5, 3]), [0.22325, 0.2376, 1], atol=5e-6)
    assert form.action(3.0, -4.0, 2.0) == pytest.approx(1.01 * 6)


def refined(scale: int, dt: float) -> np.ndarray:
    """Distance from the closed form; `scale` grid points are one unit of length."""
    d = LinearQuadratic(
        half_width=50 * scale,
        horizon=round(3.0 / dt),
        dt=dt,
        max_action=18 * scale,
        volatility=3.0 * scale,
        modes=f"{-25 * scale} {25 * scale}",
        mode_std=5.0 * scale,
    )
    action, variance = errors_of_symmetric_equilibrium(d, 15 * scale)  # 18 is enough
    return np.array([action / scale, variance / scale**2])


def test_equilibrium_approaches_the_closed_form():
    """Of first order in dt, if the grid shrinks as well."""
    coarse, middle, fine = (
        refined(scale, dt) for scale, dt in ((1, 0.1), (2, 0.05), (4, 0.025))
    )
    assert (coarse / middle > 1.6).all()
    assert (middle / fine > 1.6).all()
    assert (fine < [0.4, 4.0]).all()  # of actions up to 18, of a variance of 650


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"half_width": 0}, "half_width=0"),
        ({"horizon": 0}, "horizon=0"),
        ({"dt": 0.0}, "dt=0.0"),
        ({"dt": math.inf}, "dt=inf"),
        ({"max_action": -1}, "max_action=-1"),
        ({"mean_reversion": -0.1}, "mean_reversion=-0.1"),
        ({"volatility": math.nan}, "volatility=nan"),
        ({"cross_term": math.inf}, "cross_term=inf"),
        ({"kappa": -1.0}, "kappa=-1.0"),
        ({"cross_term": 0.8}, "cross_term"),
        ({"terminal_cost": -1.0}, "terminal_cost=-1.0"),
        ({"common_noise": 1.1}, "common_noise=1.1"),
        ({"shock_every": 0}, "shock_every=0"),
        ({"modes": "-25 25"}, "modes='-25 25'"),
        ({"modes": ""}, "modes=''"),
        ({"modes": "0"}, "two numbers.*modes='0'"),
        ({"modes": "left"}, "modes='left'"),
        ({"mode_std": 0.0}, "mode_std=0.0"),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        small(**changes)
