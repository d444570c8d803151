import itertools
import math

import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest
import tensorflow.experimental.numpy as tnp

from mfg_games.random_garnet import RandomGarnet

# Of the pair (0, 0), and the rewards of state 0, at seed 0.
GOLDEN_SUCCESSORS = [5, 0, 9]
GOLDEN_PROBABILITIES = [0.19851304450925533, 0.20603879531227287, 0.5954481601784718]
GOLDEN_REWARDS = [0.4799879238078322, 0.23237291963930384]


def load(**settings):
    return pyspiel.load_game("mfg_random_garnet", settings)


def tables(d: RandomGarnet):
    """Successors, probabilities and the rewards against a uniform crowd."""
    successors, probabilities = d.transition(np, 0, d.initial_distribution, None)
    return successors, probabilities, d.reward(np, 0, d.initial_distribution, None)[0]


def drawn_one_by_one(states: int, actions: int, branching: int, seed: int, sparsity):
    """The documented algorithm with loops over Python sets and lists."""
    uniform = np.random.Generator(np.random.PCG64(seed)).random
    pairs = [(x, a) for x in range(states) for a in range(actions)]
    successors = {pair: [] for pair in pairs}
    for j in range(states - branching, states):
        for pair in pairs:
            picked = int((j + 1) * uniform())
            successors[pair].append(j if picked in set(successors[pair]) else picked)
    probabilities = {}
    for pair in pairs:
        cuts = [0.0, *sorted(uniform() for _ in range(branching - 1)), 1.0]
        probabilities[pair] = [b - a for a, b in itertools.pairwise(cuts)]
    rewards = {pair: uniform() for pair in pairs}
    for pair in pairs:
        if uniform() >= sparsity:
            rewards[pair] = 0.0
    return successors, probabilities, rewards


def test_defaults():
    d = load().dynamics
    assert (d.horizon, d.num_states, d.num_actions) == (20, 100, 5)
    assert d.factor_names == ("x",)
    np.testing.assert_allclose(d.initial_distribution, 0.01)
    assert d.transition(np, 0, d.initial_distribution, None)[0].shape == (100, 5, 5)


@pytest.mark.parametrize("sparsity", [1.0, 0.4])
def test_tables_follow_the_documented_algorithm(sparsity):
    d = RandomGarnet(7, 3, 4, seed=11, sparsity=sparsity, crowd_aversion=0.0)
    successors, probabilities, rewards = tables(d)
    expected = drawn_one_by_one(7, 3, 4, 11, sparsity)
    for x in range(7):
        for a in range(3):
            assert successors[x, a].tolist() == expected[0][x, a]
            np.testing.assert_allclose(probabilities[x, a], expected[1][x, a])
            assert rewards[x, a] == expected[2][x, a]


def test_a_seed_is_the_same_game_everywhere():
    d = RandomGarnet(num_states=10, num_actions=2, branching=3, crowd_aversion=0.0)
    successors, probabilities, rewards = tables(d)
    assert successors[0, 0].tolist() == GOLDEN_SUCCESSORS
    np.testing.assert_allclose(probabilities[0, 0], GOLDEN_PROBABILITIES, rtol=1e-12)
    np.testing.assert_allclose(rewards[0], GOLDEN_REWARDS, rtol=1e-12)


def test_seeds_are_different_games():
    first, second = (tables(RandomGarnet(seed=seed)) for seed in (0, 1))
    assert all(not np.array_equal(*pair) for pair in zip(first, second, strict=True))


@pytest.mark.parametrize(("states", "branching"), [(1, 1), (6, 6), (9, 1), (30, 7)])
def test_successors_are_distinct_states(states, branching):
    successors, probabilities, _ = tables(RandomGarnet(states, 3, branching))
    assert successors.min() >= 0
    assert successors.max() < states
    ordered = np.sort(successors, axis=-1)
    assert (np.diff(ordered, axis=-1) > 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1)
    assert probabilities.min() >= 0


def test_statistics_of_many_draws():
    """Every state is a successor equally often; gaps are uniform on the simplex."""
    states, actions, branching = 400, 50, 4
    d = RandomGarnet(states, actions, branching, sparsity=0.3, crowd_aversion=0.0)
    successors, probabilities, rewards = tables(d)
    share = branching / states
    counts = np.bincount(successors.ravel(), minlength=states)
    variance = states * actions * share * (1 - share)
    # The mean of 400 squared standard normals lies within 4 deviations of 1.
    assert np.mean((counts - states * actions * share) ** 2) / variance == (
        pytest.approx(1, abs=4 * math.sqrt(2 / states))
    )
    np.testing.assert_allclose(probabilities.mean(axis=(0, 1)), 1 / 4, atol=0.01)
    # Of a flat Dirichlet law over K = 4: (K - 1) / (K^2 (K + 1)).
    np.testing.assert_allclose(probabilities.var(axis=(0, 1)), 3 / 80, atol=0.002)
    assert np.mean(rewards > 0) == pytest.approx(0.3, abs=0.015)
    assert rewards[rewards > 0].mean() == pytest.approx(0.5, abs=0.02)


def test_sparsity_keeps_some_of_the_same_rewards():
    full, sparse = (
        tables(RandomGarnet(sparsity=s, crowd_aversion=0.0))[2] for s in (1.0, 0.5)
    )
    kept = sparse > 0
    assert 0.3 < kept.mean() < 0.7
    np.testing.assert_array_equal(sparse[kept], full[kept])


def test_rewards_fall_with_the_crowd():
    d = RandomGarnet(2, 3, 1, crowd_aversion=2.0)
    alone = RandomGarnet(2, 3, 1, crowd_aversion=0.0)
    mu = np.array([[0.25, 0.75]])
    table = alone.reward(np, 0, mu, None)
    reward = d.reward(np, 0, mu, None)
    assert reward.shape == (1, 2, 3)
    crowd = np.array([[2 * math.log(4)], [-2 * math.log(0.75)]])
    np.testing.assert_allclose(reward[0], table[0] + crowd)


@pytest.mark.parametrize("crowd_aversion", [1.0, -1.0])
def test_rewards_stay_in_their_range(crowd_aversion):
    d = RandomGarnet(4, 2, 2, crowd_aversion=crowd_aversion)
    rewards = np.stack([d.reward(np, 0, mu, None) for mu in np.eye(4)[:, None]])
    low, high = d.reward_range
    assert low <= rewards.min() <= low + 1
    assert high - 1 <= rewards.max() <= high


def test_without_coupling_the_dynamics_are_fixed():
    d = RandomGarnet()
    here, there = np.eye(100)[:2, None]
    first, second = (d.transition(np, t, mu, None) for t, mu in ((0, here), (1, there)))
    assert first[0] is second[0]
    assert first[1] is second[1]


def test_coupling_carries_players_to_the_crowd():
    d = RandomGarnet(4, 2, 2, coupling=0.25)
    fixed = RandomGarnet(4, 2, 2)
    mu = np.array([[0.7, 0.2, 0.1, 0.0]])
    successors, law = d.transition(np, 0, mu, None)
    targets, base = fixed.transition(np, 0, mu, None)
    np.testing.assert_array_equal(successors, targets)
    assert law.shape == (1, 4, 2, 2)
    for x in range(4):
        for a in range(2):
            (y, z), (p, q) = targets[x, a], base[x, a]
            to_y, to_z = p * (mu[0, y] + 0.25), q * (mu[0, z] + 0.25)
            expected = 0.75 * p + 0.25 * to_y / (to_y + to_z)
            assert law[0, x, a, 0] == pytest.approx(expected)
            assert law[0, x, a].sum() == pytest.approx(1)
    again, _ = d.transition(np, 1, np.full((1, 4), 0.25), None)
    assert again is successors


def test_a_uniform_crowd_carries_nobody():
    d, fixed = (RandomGarnet(6, 2, 3, coupling=c) for c in (1.0, 0.0))
    mu = d.initial_distribution
    laws = [game.transition(np, 0, mu, None)[1] for game in (d, fixed)]
    np.testing.assert_allclose(laws[0][0], laws[1])


def test_functions_are_the_same_in_tensorflow():
    d = RandomGarnet(coupling=0.4)
    mu = np.random.default_rng(0).dirichlet(np.full(100, 0.05))[None]
    for function, pick in ((d.reward, lambda r: r), (d.transition, lambda s: s[1])):
        found = pick(function(tnp, 0, tnp.asarray(mu), None))
        assert found.dtype == np.float64
        expected = pick(function(np, 0, mu, None))
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-13)


@pytest.mark.parametrize("coupling", [0.0, 0.6])
def test_nash_conv_equals_openspiels(sweep, coupling):
    game = load(num_states=4, num_actions=2, branching=2, horizon=4, coupling=coupling)
    value = nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
    assert value == pytest.approx(sweep(game.dynamics).nash_conv(), abs=1e-10)
    assert value > 0.1


def test_nash_conv_of_one_step(sweep):
    """A best response takes the best reward, the uniform policy the mean one."""
    d = RandomGarnet(5, 3, 2, horizon=1)
    rewards = tables(RandomGarnet(5, 3, 2, horizon=1, crowd_aversion=0.0))[2]
    expected = (rewards.max(axis=1) - rewards.mean(axis=1)).mean()
    assert sweep(d).nash_conv() == pytest.approx(expected)


def test_a_large_game_has_small_tables():
    d = load(num_states=100_000, num_actions=4, branching=5).dynamics
    successors, probabilities = d.transition(np, 0, d.initial_distribution, None)
    assert successors.dtype == np.int32
    assert successors.nbytes + probabilities.nbytes == 12 * 5 * 4 * d.num_states


@pytest.mark.parametrize(
    "settings",
    [
        {"horizon": 3},
        {"num_states": 3, "num_actions": 1, "branching": 3, "coupling": 0.5},
        {"num_states": 1, "branching": 1, "horizon": 1, "sparsity": 0.0},
    ],
)
def test_random_play(settings):
    game = load(**settings)
    assert str(pyspiel.load_game(str(game))) == str(game)
    pyspiel.random_sim_test(game, num_sims=3, serialize=True, verbose=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_states", 0),
        ("num_actions", 0),
        ("branching", 0),
        ("branching", 101),
        ("horizon", 0),
        ("sparsity", 1.1),
        ("crowd_aversion", math.inf),
        ("seed", -1),
        ("coupling", -0.1),
        ("coupling", math.nan),
    ],
)
def test_bad_parameters_are_refused(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be .*{name}="):
        load(**{name: value})
