"""The equilibrium price game against hand-computed numbers, limits and brute force."""

import itertools
import math

import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from mfg_games.equilibrium_price import EquilibriumPrice


def uniform_law(d: EquilibriumPrice) -> np.ndarray:
    shape = (1, d.num_states, d.num_actions)
    return np.full(shape, 1 / (d.num_states * d.num_actions))


def always(d: EquilibriumPrice, name: str):
    """The policy that always takes the action of this name."""
    names = [d.action_name(a) for a in range(d.num_actions)]
    one = np.eye(d.num_actions)[names.index(name)]
    return lambda t, history: np.tile(one, (1, d.num_states, 1))


def test_actions_are_numbered_by_production_first():
    d = EquilibriumPrice(max_production=1, max_replenishment=2)
    names = [d.action_name(a) for a in range(d.num_actions)]
    assert names == [f"produce {q} replenish {h}" for q in (0, 1) for h in (0, 1, 2)]


@pytest.mark.parametrize(
    ("stock", "produced", "bought", "left"),
    [(3, 2, 0, 1), (1, 2, 1, 1), (3, 0, 2, 3), (0, 2, 2, 2), (2, 2, 0, 0)],
)
def test_inventory_by_hand(kernel, stock, produced, bought, left):
    d = EquilibriumPrice()
    rows = kernel(d, 0, uniform_law(d), None)[0]
    np.testing.assert_array_equal(rows[stock, 3 * produced + bought], np.eye(4)[left])


def test_rewards_by_hand():
    """Uniform play makes one unit on average, so that the price is 1 / (1 + 1)."""
    d = EquilibriumPrice()
    reward = d.reward(np, 0, uniform_law(d), None)[0]
    assert reward[1, 7] == pytest.approx((0.5 - 1) * 2 - 4 - 1 - 2 * 1 - 1)
    assert reward[3, 0] == pytest.approx(-3)
    assert reward[0, 2] == pytest.approx(-2)
    costs = EquilibriumPrice(costs="0.1 0.2 0.3 0.4 0.5")
    reward = costs.reward(np, 0, uniform_law(costs), None)[0]
    expected = (0.5 - 0.1) * 2 - 0.2 * 4 - 0.3 - (0.3 + 0.4) * 1 - 0.5
    assert reward[1, 7] == pytest.approx(expected)


def test_price_is_where_demand_meets_supply():
    """Demand d p^-sigma at the price is the mean production and the offset."""
    d = EquilibriumPrice(demand=9.0, offset=2.0, elasticity=2.0)
    assert d.price(0.25) == pytest.approx(2.0)
    law = np.zeros((1, 4, 9))
    law[0, 0, 0], law[0, 2, 3], law[0, 1, 8] = 0.9, 0.05, 0.1 - 0.05
    produced = 0.05 * 1 + 0.05 * 2
    price = math.sqrt(9.0 / (produced + 2.0))
    assert 9.0 * price**-2.0 == pytest.approx(produced + 2.0)
    reward = d.reward(np, 0, law, None)[0]
    assert reward[3, 3] - reward[3, 0] == pytest.approx(price - 1 - 1)


LIMITS = {
    "elastic demand": {"elasticity": 1e9, "demand": 3.0},
    "many others": {"demand": 1e10, "offset": 1e10},
}


@pytest.mark.parametrize("name", LIMITS)
def test_best_response_where_the_price_is_one(name, sweep):
    """Material costs 1/4 with or without notice and nothing else costs anything.

    All firms make two units at every step, out of the inventory first, and replace
    nothing: the value is 2 T - (2 T - s) / 4, whatever the others do.
    """
    d = EquilibriumPrice(costs="0.0 0.0 0.25 0.0 0.0", **LIMITS[name])
    expected = 2 * 5 - (2 * 5 - np.arange(4.0)) / 4
    uniform = sweep(d)
    np.testing.assert_allclose(uniform.best[0], expected, atol=1e-7)
    assert uniform.nash_conv() > 1
    best = sweep(d, always(d, "produce 2 replenish 0"))
    np.testing.assert_allclose(best.values[0], expected, atol=1e-7)
    assert best.nash_conv() == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.8, 1.0])
def test_one_shot_equilibrium_by_hand(sweep, share):
    """One unit costs 1 + 0.5 + (0.25 + 0.25) = 2, and its price is 3 / (share + 1).

    Half of the firms produce in equilibrium.
    """
    d = EquilibriumPrice(
        max_inventory=0,
        max_production=1,
        max_replenishment=0,
        horizon=1,
        demand=3.0,
        costs="1.0 0.5 0.25 0.25 9.0",
    )
    producing = np.array([[[1 - share, share]]])
    found = sweep(d, lambda t, history: producing).nash_conv()
    gain = 3 / (share + 1) - 2
    assert found == pytest.approx(max(gain, 0) - share * gain, abs=1e-12)
    if share == 0.5:
        assert found == pytest.approx(0.0, abs=1e-12)


def brute_force(policy_of_all: np.ndarray) -> float:
    """Exploitability of [2, 2, 4] probabilities, two steps of 0..1 units each.

    Demand is 2, the offset 1, the elasticity 1 and the costs 0.1 .. 0.5. A best
    response is the best of all 256 pure policies.
    """
    actions = list(itertools.product((0, 1), (0, 1)))

    def after(s: int, action: tuple[int, int]) -> int:
        q, h = action
        return min(max(s - q, 0) + h, 1)

    def paid(price: float, s: int, action: tuple[int, int]) -> float:
        q, h = action
        material = 0.3 * h + (0.3 + 0.4) * max(q - s, 0)
        return (price - 0.1) * q - 0.2 * q**2 - material - 0.5 * s

    crowd, prices = {0: 0.5, 1: 0.5}, []
    for t in range(2):
        moved, produced = {0: 0.0, 1: 0.0}, 0.0
        for s, i in itertools.product((0, 1), range(4)):
            mass = crowd[s] * policy_of_all[t, s, i]
            produced += mass * actions[i][0]
            moved[after(s, actions[i])] += mass
        prices.append(2 / (produced + 1))
        crowd = moved

    def worth(s: int, t: int, choose) -> float:
        if t == 2:
            return 0.0
        return sum(
            p * (paid(prices[t], s, a) + worth(after(s, a), t + 1, choose))
            for p, a in zip(choose(t, s), actions, strict=True)
            if p > 0
        )

    def value(choose) -> float:
        return (worth(0, 0, choose) + worth(1, 0, choose)) / 2

    pure = (
        np.eye(4)[list(p)].reshape(2, 2, 4)
        for p in itertools.product(range(4), repeat=4)
    )
    best = max(value(lambda t, s, x=x: x[t, s]) for x in pure)
    return best - value(lambda t, s: policy_of_all[t, s])


@pytest.mark.parametrize("draw", range(3))
def test_two_steps_by_brute_force(sweep, draw):
    d = EquilibriumPrice(
        max_inventory=1,
        max_production=1,
        max_replenishment=1,
        horizon=2,
        demand=2.0,
        costs="0.1 0.2 0.3 0.4 0.5",
    )
    policies = np.random.default_rng(draw).dirichlet(np.ones(4), (2, 2))
    found = sweep(d, lambda t, history: policies[None, t]).nash_conv()
    assert found == pytest.approx(brute_force(policies), abs=1e-12)


def test_upstream_nash_conv(sweep):
    game = pyspiel.load_game("mfg_equilibrium_price(horizon=2,elasticity=0.5)")
    upstream = nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
    assert sweep(game.dynamics).nash_conv() == pytest.approx(upstream, abs=1e-9)


def test_rewards_reach_the_ends_of_their_range():
    d = EquilibriumPrice(demand=2.0, costs="0.1 0.2 0.3 0.4 0.5")
    rewards = []
    for action in range(d.num_actions):
        law = np.zeros((1, 4, 9))
        law[0, :, action] = 0.25
        rewards.append(d.reward(np, 0, law, None))
    assert d.reward_range == pytest.approx((np.min(rewards), np.max(rewards)))


def test_same_numbers_in_numpy_and_compiled():
    d = EquilibriumPrice(elasticity=1.7)
    law = np.random.default_rng(1).dirichlet(np.ones(36)).reshape(1, 4, 9)
    compiled = tf.function(lambda x: d.reward(tnp, 3, x, None), jit_compile=True)
    reward = compiled(tf.constant(law))
    assert reward.dtype == tf.float64
    np.testing.assert_allclose(reward, d.reward(np, 3, law, None), rtol=1e-13)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_inventory": -1}, "max_inventory=-1"),
        ({"max_production": -1}, "max_production=-1"),
        ({"max_replenishment": -1}, "max_replenishment=-1"),
        ({"horizon": 0}, "horizon=0"),
        ({"demand": -1.0}, r"demand=-1\.0"),
        ({"offset": 0.0}, r"offset=0\.0"),
        ({"elasticity": 0.0}, r"elasticity=0\.0"),
        ({"demand": 2.0, "elasticity": 0.01}, r"elasticity=0\.01\. Received: demand=2"),
        ({"costs": "1.0 1.0 1.0 1.0"}, "five numbers"),
        ({"costs": "1.0 1.0 1.0 1.0 nan"}, "costs='1.0 1.0 1.0 1.0 nan'"),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        EquilibriumPrice(**changes)
