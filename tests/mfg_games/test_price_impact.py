"""Portfolio liquidation against hand-computed numbers and the closed form."""

import dataclasses
import math

import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from algorithms.mirror_descent import MirrorDescent
from mfg_games.price_impact import ClosedForm, PriceImpact

SELL, HOLD, BUY = 0, 1, 2


def law_of(*pairs) -> np.ndarray:
    """Joint law [1, 7, 3] of pairs (inventory, action), all of the same mass."""
    law = np.zeros((1, 7, 3))
    for inventory, action in pairs:
        law[0, inventory + 3, action] += 1 / len(pairs)
    return law


def small(**changes) -> PriceImpact:
    return PriceImpact(
        **{"max_inventory": 3, "max_trade": 1, "initial_mean": 1.0, **changes}
    )


def test_transition_by_hand(kernel):
    rows = kernel(small(noise=0.4), 0, law_of((0, SELL)), None)[0]
    np.testing.assert_allclose(rows[3, BUY], [0, 0, 0, 0.2, 0.6, 0.2, 0])
    np.testing.assert_allclose(rows[1, HOLD], [0.2, 0.6, 0.2, 0, 0, 0, 0])
    # The trade stops at the edge of the box, and so does the noise after it.
    np.testing.assert_allclose(rows[0, SELL], [0.8, 0.2, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(rows[6, BUY], [0, 0, 0, 0, 0, 0.2, 0.8])


def test_rewards_by_hand():
    """The mean trade is (-1 - 1 + 0 + 1) / 4 = -1/4."""
    law = law_of((3, SELL), (2, SELL), (0, HOLD), (-1, BUY))
    d = small(dt=0.5, trading_cost=2.0, inventory_cost=3.0, impact=4.0)
    reward = d.reward(np, 0, law, None)[0]
    assert reward[5, BUY] == pytest.approx(0.5 * (-1 - 3 * 2 - 4 * 2 / 4))
    assert reward[1, HOLD] == pytest.approx(0.5 * (-3 * 2 + 4 * 2 / 4))
    assert reward[3, HOLD] == 0.0
    terminal = small(terminal_cost=3.0).terminal_reward(np, np.zeros((1, 7)), None)
    np.testing.assert_allclose(terminal[0], [-13.5, -6, -1.5, 0, -1.5, -6, -13.5])


def test_only_actions_of_others_matter():
    d = small()
    law, elsewhere = law_of((3, SELL), (2, HOLD)), law_of((-1, HOLD), (0, SELL))
    rewards = [d.reward(np, 0, x, None) for x in (law, elsewhere)]
    np.testing.assert_array_equal(*rewards)


def test_initial_distribution_is_a_normal_around_the_mean():
    law = PriceImpact(initial_mean=4.0, initial_std=1.5).initial_distribution[0]
    x = np.arange(-10, 11)
    assert law @ x == pytest.approx(4.0, abs=1e-3)
    assert law @ (x - 4) ** 2 == pytest.approx(1.5**2, rel=1e-3)
    assert np.log(law[14] / law[17]) == pytest.approx(2.0)


@pytest.mark.parametrize("seller", [False, True])
def test_nash_conv_of_one_step_by_hand(sweep, seller):
    """All hold one unit, trading costs 1/2 and the terminal cost is 2 x^2.

    Selling is worth -1/2, holding -2 and buying -5/2 - 6, plus the mean trade.
    """
    d = PriceImpact(
        max_inventory=2,
        max_trade=1,
        horizon=1,
        dt=1.0,
        inventory_cost=0.0,
        impact=1.0,
        terminal_cost=4.0,
        noise=0.0,
        initial_mean=1.0,
        initial_std=0.01,
    )
    row = np.eye(3)[SELL] if seller else np.full(3, 1 / 3)
    result = sweep(d, lambda t, history: np.tile(row, (1, 5, 1)))
    assert result.best[0, 3] == pytest.approx(-1.5 if seller else -0.5)
    expected = 0.0 if seller else (0.5 + 2 + 8.5) / 3 - 0.5
    assert result.nash_conv() == pytest.approx(expected, abs=1e-12)


def test_rewards_reach_the_ends_of_their_range():
    d = small(impact=-0.7, dt=0.3)
    laws = [law_of((0, a)) for a in (SELL, HOLD, BUY)]
    rewards = [d.reward(np, 0, law, None) for law in laws]
    assert d.reward_range[0] == pytest.approx(np.min(rewards))
    assert d.reward_range[1] >= np.max(rewards) > 0


def test_upstream_nash_conv(sweep):
    game = pyspiel.load_game(
        "mfg_price_impact(max_inventory=3,max_trade=1,horizon=3,initial_mean=2.0)"
    )
    upstream = nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
    assert sweep(game.dynamics).nash_conv() == pytest.approx(upstream, abs=1e-9)


def test_same_numbers_in_numpy_and_compiled():
    d = PriceImpact()
    law = np.random.default_rng(1).dirichlet(np.ones(105)).reshape(1, 21, 5)

    @tf.function(jit_compile=True)
    def compiled(law):
        mu = tf.reduce_sum(law, -1)
        return d.reward(tnp, 3, law, None), d.terminal_reward(tnp, mu, None)

    reward, terminal = compiled(tf.constant(law))
    assert reward.dtype == terminal.dtype == tf.float64
    np.testing.assert_allclose(reward, d.reward(np, 3, law, None), rtol=1e-13)
    np.testing.assert_allclose(terminal, d.terminal_reward(np, law.sum(-1), None))


FORMS = {
    "default": PriceImpact().closed_form(),
    "strong": ClosedForm(2.0, 0.5, 0.8, 2.5, 3.0, 4.0),
    "contrary": ClosedForm(3.0, 1.5, 0.2, -1.0, 0.7, -2.0),
    "degenerate": ClosedForm(2.0, 1.0, 0.0, 0.0, 0.7, 4.0),
}


@pytest.mark.parametrize("name", FORMS)
def test_closed_form_solves_its_differential_equations(name):
    form, h = FORMS[name], 1e-5
    c_a, c_x, g = form.trading_cost, form.inventory_cost, form.impact
    t = np.linspace(0.1, form.horizon - 0.1, 9)

    def slope(function):
        return (function(t + h) - function(t - h)) / (2 * h)

    def chi(t):
        return -c_a * form.trade(t, 0.0)

    eta, trade = form.eta(t), form.mean_trade(t)
    np.testing.assert_allclose(slope(form.eta), eta**2 / c_a - c_x, atol=1e-6)
    np.testing.assert_allclose(slope(chi), eta * chi(t) / c_a + g * trade, atol=1e-6)
    np.testing.assert_allclose(slope(form.mean), trade, atol=1e-6)
    own = form.trade(t, form.mean(t) + 1.0) - trade
    np.testing.assert_allclose(own, -eta / c_a)
    assert form.mean(0.0) == pytest.approx(form.initial_mean)
    assert form.eta(form.horizon) == pytest.approx(form.terminal_cost)
    assert chi(form.horizon) == pytest.approx(0.0, abs=1e-12)


def test_liquidation_at_a_constant_rate():
    """Without inventory cost and impact m' = -c_T m(0) / (c_a + c_T horizon)."""
    form = FORMS["degenerate"]
    expected = 4 - np.linspace(0, 2, 5) * 0.7 * 4 / (1 + 0.7 * 2)
    np.testing.assert_allclose(form.mean(np.linspace(0, 2, 5)), expected, rtol=1e-12)


def test_liquidation_without_impact_is_almgrens_and_chriss():
    """Everything must go: m = m(0) sinh(k (T - t)) / sinh(k T), k^2 = c_x / c_a."""
    form = ClosedForm(2.0, 0.5, 2.0, 0.0, 1e12, 4.0)
    t = np.linspace(0, 2, 5)
    expected = 4 * np.sinh(2 * (2 - t)) / np.sinh(4)
    np.testing.assert_allclose(form.mean(t), expected, atol=1e-10)


def test_selling_drives_down_the_price_and_hastens_selling():
    means = [
        dataclasses.replace(FORMS["strong"], impact=g).mean(1.0) for g in (0, 1, 2)
    ]
    assert means[0] > means[1] > means[2] > 0


def test_long_horizons_do_not_overflow():
    form = ClosedForm(1e4, 1.0, 0.25, 1.5, 1.0, 4.0)
    assert form.eta(0.0) == pytest.approx(0.5)  # eta^2 = 1/4
    assert form.mean(1.0) == pytest.approx(4 * math.exp(-0.75 - math.sqrt(0.8125)))


def equilibrium_errors(steps: int, spacing: float) -> np.ndarray:
    """Distance of the game's equilibrium from the closed form: mean, mean rate.

    Inventories are multiples of `spacing`, with `steps` steps in the unit of time and
    two units of time. Both errors are the largest over time, in these units.
    """
    game = pyspiel.load_game(
        "mfg_price_impact",
        {
            "max_inventory": round(4.0 / spacing),
            "max_trade": round(5.0 / steps / spacing),
            "horizon": 2 * steps,
            "dt": 1.0 / steps,
            "trading_cost": (steps * spacing) ** 2,
            "inventory_cost": 0.5 * spacing**2,
            "impact": steps * spacing**2,
            "terminal_cost": spacing**2,
            "noise": 0.2,
            "initial_mean": 2.0 / spacing,
            "initial_std": 0.5 / spacing,
        },
    )
    solver = MirrorDescent(game, lr=60.0)
    for _ in range(150):
        solver.iteration()
    assert solver.exploitability < 1e-4
    d, times = game.dynamics, np.arange(2 * steps)
    law = solver.flow.joint.numpy().reshape(-1, d.num_states, d.num_actions)
    form = d.closed_form()
    means = law.sum(2) @ d.inventories - form.mean(times)
    rates = law.sum(1) @ d.trades - form.mean_trade(times)
    return spacing * np.array([np.abs(means).max(), steps * np.abs(rates).max()])


@pytest.mark.parametrize(
    "steps", [5, pytest.param(10, marks=pytest.mark.slow)], ids=["coarse", "fine"]
)
def test_equilibrium_approaches_the_closed_form(steps):
    """Of first order in the time step, if the grid shrinks as well."""
    errors = equilibrium_errors(steps, 0.5 / steps)
    halved = equilibrium_errors(2 * steps, 0.25 / steps)
    assert (errors / halved > 1.6).all()
    # Of an inventory of 2, sold at rates up to 3.
    assert (halved * steps < [0.2, 1.4]).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_inventory": 0}, "max_inventory=0"),
        ({"max_trade": -1}, "max_trade=-1"),
        ({"horizon": 0}, "horizon=0"),
        ({"dt": 0.0}, r"dt=0\.0"),
        ({"trading_cost": 0.0}, r"trading_cost=0\.0"),
        ({"inventory_cost": -0.1}, r"inventory_cost=-0\.1"),
        ({"impact": math.nan}, "impact=nan"),
        ({"terminal_cost": -1.0}, r"terminal_cost=-1\.0"),
        ({"noise": 1.1}, r"noise=1\.1"),
        ({"initial_mean": 3.5}, r"initial_mean=3\.5"),
        ({"initial_std": 0.0}, r"initial_std=0\.0"),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        small(**changes)
