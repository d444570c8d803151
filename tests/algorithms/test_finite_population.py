"""Finitely many players against the limit, and against enumeration for two."""

import numpy as np
import pytest
from scipy import stats
import toy_dynamics  # noqa: F401  registers the games

from algorithms.finite_population import distances, epsilon_nash, simulate
from algorithms.mirror_descent import MirrorDescent
from algorithms.model import load_model
from algorithms.pictures import layers_of
from algorithms.policy import ArrayPolicy

BAR = "mfg_beach_bar(size=6,horizon=4)"
ALL = (
    "populations=2,common_noise=true,leaning=true,moving=true,restricted=true,"
    "terminal=true,discount=0.8,states=3,horizon=2"
)
GAMES = [
    BAR,
    f"mfg_test_random(seed=2,{ALL})",
    f"mfg_test_random(seed=3,factored=true,{ALL})",
    f"mfg_test_joint(seed=7,{ALL})",
    "mfg_beach_bar(size=5,horizon=3,initial_laws=points:3)",
]


def solved(game: str, iterations: int = 20) -> ArrayPolicy:
    solver = MirrorDescent(game, lr=0.5)
    for _ in range(iterations):
        solver.iteration()
    return solver.get_policy()


def limit(policy: ArrayPolicy):
    """Value [N], and the flow given each history, [histories, N, S] for each time."""
    model = policy.model
    array = model.as_tensor(policy.probabilities)
    flow = model.compiled_distribution(array)
    d = model.game.dynamics
    layers = [
        layer / d.history_probabilities(t)[:, None, None]
        for t, layer in enumerate(layers_of(model, flow))
    ]
    return model.compiled_evaluate(array, flow).totals.value.numpy(), layers


@pytest.mark.parametrize("game", GAMES)
def test_many_players_are_the_mean_field(game):
    policy = solved(game, 3)
    value, layers = limit(policy)
    runs = simulate(game, policy, 200_000, num_runs=40, seed=1)
    for history, flow in zip(runs.histories, runs.distributions, strict=True):
        for t, h in enumerate(history):
            np.testing.assert_allclose(flow[t], layers[t][h], atol=0.01)
    # Over histories, whose number is what it takes.
    error = runs.returns.std(axis=0) / np.sqrt(40)
    assert (np.abs(runs.returns.mean(axis=0) - value) < 5 * error + 0.01).all()


@pytest.mark.parametrize("game", GAMES)
def test_nobody_is_lost_and_nobody_cheats(game):
    policy = solved(game, 3)
    runs = simulate(game, policy, 7, num_runs=20)
    assert (runs.counts.sum(axis=-1) == 7).all()
    np.testing.assert_array_equal(runs.actions.sum(axis=-1), runs.counts[:, :-1])
    legal = policy.model.game.dynamics.legal_mask()
    assert (runs.actions[..., ~legal] == 0).all()


def test_distances_fall_with_the_square_root():
    policy = solved(BAR)
    _, layers = limit(policy)
    exact = np.stack(layers)[:, 0]
    sizes, gaps = np.array([10, 100, 1000, 10_000]), []
    for size in sizes:
        runs = simulate(BAR, policy, int(size), 200)
        found = distances(BAR, policy, runs)
        expected = np.abs(runs.distributions - exact).sum(-1) / 2
        np.testing.assert_allclose(found, expected, atol=1e-12)
        gaps.append(found.mean())
    slope = np.polyfit(np.log(sizes), np.log(gaps), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.05)


def test_distances_from_the_limit_of_the_noise_that_was_drawn():
    """At time 0 and with all drawn from one law, those of binomial counts."""
    game = "mfg_beach_bar(size=5,horizon=3,initial_laws=dirichlet:3)"
    policy = solved(game, 1)
    runs = simulate(game, policy, 50, num_runs=200, seed=2)
    found = distances(game, policy, runs)
    assert found.shape == (200, 4, 1)
    laws = policy.model.game.dynamics.initial_laws[runs.histories[:, 0], 0]
    counts = np.arange(51)[:, None, None]
    gaps = np.abs(counts / 50 - laws) * stats.binom.pmf(counts, 50, laws)
    error = found[:, 0, 0].std() / np.sqrt(200)
    expected = gaps.sum(axis=(0, 2)).mean() / 2
    assert found[:, 0, 0].mean() == pytest.approx(expected, abs=4 * error)


def two_player_gain(game: str, policy: ArrayPolicy) -> float:
    """What the best response to one other player gains, by enumeration of the other."""
    d = load_model(game).game.dynamics
    shape = (d.horizon, d.num_states, d.num_actions)
    rows = policy.probabilities.reshape(shape)
    successors, probabilities = d.initial_transition()
    probabilities = np.broadcast_to(probabilities, (1, *successors.shape))[0]
    step = np.zeros((d.num_states, d.num_actions, d.num_states))
    for x, a in np.ndindex(shape[1:]):
        source = (d.moves[x, a],) if d.moves is not None else (x, a)
        for y, p in zip(successors[source], probabilities[source], strict=True):
            step[x, a, y] += p
    law = d.initial_distribution[0]
    rewards = []
    for t in range(d.horizon):
        expected = np.zeros(shape[1:])
        for mine, theirs in np.ndindex(d.num_states, d.num_states):
            mu = np.zeros((1, d.num_states))
            mu[0, mine] += 0.5
            mu[0, theirs] += 0.5
            paid = np.broadcast_to(d.reward(np, t, mu, None)[0], shape[1:])
            expected[mine] += law[theirs] * paid[mine]
        rewards.append(expected)
        law = np.einsum("x,xa,xay->y", law, rows[t], step)
    best = own = np.zeros(d.num_states)
    for t in reversed(range(d.horizon)):
        best = (rewards[t] + step @ best).max(axis=1)
        own = (rows[t] * (rewards[t] + step @ own)).sum(axis=1)
    return float(d.initial_distribution[0] @ (best - own))


def test_a_deviation_from_two_players_by_enumeration(seed):
    policy = ArrayPolicy(load_model(BAR), load_model(BAR).uniform_policy())
    expected = two_player_gain(BAR, policy)
    found = epsilon_nash(BAR, policy, 2, num_runs=1000, seed=seed)
    assert found.gain[0] == pytest.approx(expected, abs=5 * found.error[0])
    assert found.error[0] < 0.1 * expected
    low, high = found.interval
    assert high - low == pytest.approx(2 * 1.959964 * found.error)


def test_epsilon_falls_with_the_number_of_players(seed):
    policy = solved(BAR, 300)
    gains = [epsilon_nash(BAR, policy, n, 400, seed=seed).gain[0] for n in (3, 30, 300)]
    # About 0.14, 0.02 and 0, each known to 0.01.
    assert gains[0] > 2 * gains[1]
    assert gains[0] > 8 * gains[2]


def test_a_deviation_that_was_found_in_few_runs_loses_in_others(seed):
    """It fits the noise of two runs, while the best one would never lose."""
    policy = solved(BAR, 300)
    seeds = range(100 * seed, 100 * seed + 100)  # -0.06, known to 0.016
    gains = [epsilon_nash(BAR, policy, 30, 4, seed=k).gain[0] for k in seeds]
    assert np.mean(gains) < 0


@pytest.mark.parametrize(
    "game",
    [
        "mfg_test_random(seed=2,states=3,horizon=2,populations=2,leaning=true,"
        "moving=true,restricted=true,terminal=true,discount=0.8)",
        "mfg_test_joint(seed=7,states=3,horizon=2,leaning=true,restricted=true)",
    ],
)
def test_among_very_many_the_gain_is_the_exploitability(game):
    model = load_model(game)
    policy = ArrayPolicy(model, model.uniform_policy())
    array = model.as_tensor(policy.probabilities)
    exact = model.compiled_evaluate(array, model.compiled_distribution(array))
    found = epsilon_nash(game, policy, 10**6, num_runs=8)
    expected = exact.totals.gain
    np.testing.assert_allclose(found.gain, expected, rtol=0.01)


def test_errors():
    policy = solved(BAR, 1)
    for wrong in ({"num_players": 0}, {"num_players": 3, "num_runs": 0}):
        with pytest.raises(ValueError, match=r"num_players|num_runs"):
            simulate(BAR, policy, **wrong)
    with pytest.raises(ValueError, match="num_players"):
        epsilon_nash(BAR, policy, 1)
    with pytest.raises(ValueError, match="confidence"):
        epsilon_nash(BAR, policy, 5, confidence=1.0)
    noisy = "mfg_beach_bar(size=6,horizon=4,closing_time=2)"
    with pytest.raises(ValueError, match="common noise"):
        epsilon_nash(noisy, solved(noisy, 1), 5)
    theirs = "mfg_crowd_modelling_2d(size=3,horizon=2)"
    with pytest.raises(ValueError, match="registered by"):
        simulate(theirs, solved(theirs, 1), 5)
