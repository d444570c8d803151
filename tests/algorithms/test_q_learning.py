"""Q-learning against exact best responses, and its sampled world against exact laws."""

import functools

import numpy as np
import pyspiel
import pytest
import tensorflow as tf
from toy_dynamics import RANDOM_GAMES

from algorithms.exploitability import exploitability
from algorithms.fictitious_play import FictitiousPlay
from algorithms.frozen_world import FrozenWorld, Players, by_time
from algorithms.model import load_model
from algorithms.policy import greedy
from algorithms.q_learning import QLearningFictitiousPlay
from algorithms.regularisers import softmax
from algorithms.tabular_learning import play
import mfg_games  # noqa: F401  registers

GAMES = (
    *RANDOM_GAMES[1:3],  # every mechanism, without and with moves
    RANDOM_GAMES[7],  # interaction through the joint law
    "mfg_beach_bar(size=6,horizon=4,closing_time=2)",
    "mfg_linear_quadratic(half_width=3,horizon=3,max_action=1,modes=-1 2,"
    "mode_std=1.0,volatility=1.0)",
)


def a_policy(model) -> tf.Tensor:
    """A policy that differs from node to node."""
    logits = np.random.default_rng(3).normal(size=(model.num_nodes, model.num_actions))
    return softmax(model.as_tensor(logits), model.legal_actions)


@functools.cache
def world_of(game: str):
    model = load_model(game)
    policy = a_policy(model)
    flow = model.compiled_distribution(policy)
    return model, policy, flow, FrozenWorld(model.game.dynamics, flow)


def play_policy(world: FrozenWorld, policy: np.ndarray, episodes: int):
    """Returns [E], the last players and the visits of the decision nodes, [D]."""
    d, rng = world.dynamics, np.random.default_rng(0)
    layers, visits = by_time(d, policy), np.zeros(len(policy))
    players = world.start(episodes, rng)
    returns = np.zeros(len(players.x))
    for t, counts in enumerate(by_time(d, visits)):
        np.add.at(counts, players, 1)
        cumulated = layers[t][players].cumsum(-1)[:, :-1]
        actions = (rng.random(len(cumulated))[:, None] >= cumulated).sum(-1)
        rewards, players = world.step(t, players, actions, rng)
        returns += rewards
    return returns + world.terminal_rewards[players], players, visits


@pytest.mark.parametrize("game", GAMES)
def test_sampled_play_has_the_exact_value_and_flow(game):
    episodes = 20_000
    model, policy, flow, world = world_of(game)
    exact = model.compiled_evaluate(policy, flow).totals.value.numpy()
    returns, players, visits = play_policy(world, policy.numpy(), episodes)
    returns = returns.reshape(model.num_populations, episodes)
    error = 4 * returns.std(axis=1) / np.sqrt(episodes) + 1e-9
    assert (np.abs(returns.mean(axis=1) - exact) < error).all()
    last = np.zeros(flow.rest.shape)
    np.add.at(last, players, 1)
    for found, mass in ((visits, flow.mass), (last, flow.rest)):
        mass = np.asarray(mass)
        error = 5 * np.sqrt(mass * (1 - mass) / episodes) + 1e-9
        assert (np.abs(found / episodes - mass) < error).all()


@pytest.mark.parametrize("game", GAMES)
def test_greedy_policy_is_a_best_response(game, seed):
    """To 15 % of what the best response gains on the policy of the crowd.

    To 6 % at most for 20 seeds; to 50 % at least without learning.
    """
    model, policy, flow, world = world_of(game)
    q = np.zeros((model.num_nodes, model.num_actions))
    rng = np.random.default_rng(seed)
    for learning_rate in (0.1, 0.01, 0.002):
        for _ in range(60):
            play(q, world, 500, learning_rate, 0.5, rng)
    learnt = greedy(model.as_tensor(q), model.legal_actions)
    crowd = model.compiled_evaluate(policy, flow)
    values = model.compiled_evaluate(learnt, flow)
    gain = crowd.totals.gain.numpy()
    gap = values.totals.gain.numpy()
    assert (gain > 0.05).all()
    assert (gap >= -1e-9).all()
    assert (gap < 0.15 * gain).all()


class TwoSteps:
    """Stands in for a FrozenWorld: one player, always in x = 0; action 1 pays 1."""

    terminal_rewards = np.array([[[10.0]]])
    legal = np.ones((1, 2), bool)

    class dynamics:
        num_populations, num_states, horizon = 1, 1, 2

        @staticmethod
        def num_histories(t):
            return 1

    def start(self, num_players, rng):
        return Players(*np.zeros((3, num_players), int))

    def step(self, t, players, actions, rng):
        return actions.astype(float), players


def test_updates_by_hand():
    """Three players take action 0, the first of equals, twice; 1 - 0.9^3 = 0.271."""
    q = np.zeros((2, 2))
    play(q, TwoSteps(), 3, 0.1, 0.0, np.random.default_rng(0))
    np.testing.assert_allclose(q, [[0.271 * 2.71, 0], [2.71, 0]])


def test_exploration_tries_all_legal_actions_alike():
    q, rng = np.zeros((2, 2)), np.random.default_rng(0)
    play(q, TwoSteps(), 500, 1.0, 1.0, rng)
    np.testing.assert_allclose(q, [[11, 12], [10, 11]])


def test_illegal_actions_are_neither_played_nor_hoped_for():
    world = TwoSteps()
    world.legal = np.array([[False, True]])
    world.terminal_rewards = np.array([[[-10.0]]])  # below the table's zeros
    q = np.zeros((2, 2))
    play(q, world, 500, 1.0, 0.5, np.random.default_rng(0))
    np.testing.assert_allclose(q, [[0, -8], [0, -9]])


GAME = "mfg_beach_bar(size=10,horizon=5)"


def solved(iterations: int, **changes) -> QLearningFictitiousPlay:
    solver = QLearningFictitiousPlay(
        GAME, **{"episodes": 200, "batch_size": 50} | changes
    )
    for _ in range(iterations):
        solver.iteration()
    return solver


def test_with_enough_episodes_it_comes_near_to_exact_fictitious_play(
    exploitabilities, seed
):
    """Within a factor of 3, where exploitability falls by a factor of 40.

    Of 2 at most for 20 seeds; of 5 with a tenth of the learning rate, of 19 with a
    twentieth of the episodes.
    """
    solver = solved(0, episodes=4000, batch_size=1000, seed=seed)
    exact = exploitabilities(FictitiousPlay(GAME), 30)
    learnt = exploitabilities(solver, 30)
    assert learnt[0] == pytest.approx(exact[0], abs=1e-12)
    assert learnt[-1] < 3 * exact[-1] < learnt[0] / 13
    policy = solver.get_policy()
    assert learnt[-1] == pytest.approx(exploitability(solver.game, policy), abs=1e-12)


def test_same_seed_same_numbers_also_after_a_break():
    first, second, other = solved(2, seed=4), solved(0, seed=4), solved(2, seed=5)
    assert np.any(first.state["q"] != other.state["q"])
    second.restore({name: a.numpy() for name, a in first.state.items()}, 2)
    for _ in range(2):
        first.iteration()
        second.iteration()
    for name, array in first.state.items():
        np.testing.assert_array_equal(array, second.state[name])
    assert first.exploitability == second.exploitability
    fresh = solved(4, seed=4)
    assert fresh.exploitability == first.exploitability


def test_iterations_draw_fresh_numbers():
    """Against nearly the same flow, with nothing kept from the iteration before."""
    solver = solved(0, learning_rate=1.0, exploration=1.0, episodes=50)
    tables = []
    for _ in range(2):
        solver.iteration(learning_rate=1e-9)
        tables.append(solver.state["q"].numpy())
    assert np.abs(tables[0] - tables[1]).max() > 0.01


def test_weight_of_the_response_can_be_given():
    """With weight 1 the policy is the greedy one."""
    solver = solved(0, dtype="float32")
    solver.iteration(learning_rate=1.0)
    assert solver.state["q"].dtype == tf.float32
    response = greedy(solver.state["q"], solver.model.legal_actions)
    np.testing.assert_array_equal(solver.get_policy().probabilities, response)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"episodes": 0}, "episodes=0"),
        ({"episodes": 120}, "episodes.*batch_size=50.*episodes=120"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"learning_rate": 0.0}, "learning_rate=0.0"),
        ({"learning_rate": 1.5}, "learning_rate=1.5"),
        ({"exploration": -0.1}, "exploration=-0.1"),
        ({"seed": -1}, "seed=-1"),
        ({"lr": 0.0}, "lr=0.0"),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        solved(0, **changes)


def test_games_of_others_are_refused():
    with pytest.raises(ValueError, match=r"mfg_games.*mfg_crowd_modelling"):
        QLearningFictitiousPlay(pyspiel.load_game("mfg_crowd_modelling"))
