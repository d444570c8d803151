"""Agents in OpenSpiel's environments, with the calls of OpenSpiel's own ones."""

import numpy as np
from open_spiel.python import policy, rl_environment
import pyspiel
import pytest

from algorithms.average_network_fictitious_play import AverageNetworkFictitiousPlay
from algorithms.deep.agents import MunchausenDQN
from algorithms.distribution import DistributionPolicy
from algorithms.munchausen_deep_mirror_descent import DeepOnlineMirrorDescent
from algorithms.nash_conv import NashConv

GAME = "mfg_crowd_modelling(size=6,horizon=4)"  # without nodes that agents cannot see


@pytest.fixture
def game():
    return pyspiel.load_game(GAME)


@pytest.fixture
def env(game, seed):
    crowd = DistributionPolicy(game, policy.UniformRandomPolicy(game))
    chance = rl_environment.ChanceEventSampler(seed=seed)
    return rl_environment.Environment(
        game,
        mfg_distribution=crowd,
        mfg_population=0,
        chance_event_sampler=chance,
    )


@pytest.fixture
def agent(env, seed):
    sizes = env.observation_spec()["info_state"][0], env.action_spec()["num_actions"]
    return MunchausenDQN(
        0,
        *sizes,
        batch_size=32,
        learn_every=4,
        min_buffer_size_to_learn=32,
        hidden_layers_sizes=[32],
        optimizer="adam",
        learning_rate=0.01,
        update_target_network_every=40,
        tau=0.5,
        seed=seed,
    )


def test_mirror_descent_by_agents_comes_nearer_to_the_equilibrium(game, env, agent):
    solver = DeepOnlineMirrorDescent(
        game, [env], [agent], num_episodes_per_iteration=40
    )
    found = [NashConv(game, solver.policy).nash_conv()]
    for _ in range(12):
        solver.iteration()
        found.append(NashConv(game, solver.policy).nash_conv())
    assert agent.loss is not None
    # 0.85 at most for eight seeds; without learning it stays 1.
    assert np.mean(found[-6:]) < 0.95 * found[0]
    mass = sum(solver.distribution.value_str(f"({x}, 2)") for x in range(6))
    assert mass == pytest.approx(1.0)


def test_the_average_of_agents_is_learnt(game, env, agent):
    solver = AverageNetworkFictitiousPlay(
        game,
        [env],
        [agent],
        num_episodes_per_iteration=20,
        num_training_steps_per_iteration=60,
        hidden_layers_sizes=[16],
        batch_size=32,
        min_buffer_size_to_learn=32,
        optimizer_str="adam",
    )
    solver.iteration()
    # The agent does one thing in each state, which the average has learnt.
    state = game.new_initial_state().child(0)
    chosen = solver.policy.action_probabilities(state)
    assert sum(chosen.values()) == pytest.approx(1.0)
    time_step = env.reset()
    greedy = agent.step(time_step, is_evaluation=True)
    seen = time_step.observations["info_state"][0]
    average = solver._averages[0]._policy(time_step, seen)
    assert np.argmax(average) == greedy.action


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"envs": [], "agents": []}, "`agents` must be a MunchausenDQN for each"),
        ({"envs": []}, "`envs` must be 1 environments"),
    ],
)
def test_wrong_numbers_of_agents_are_refused(arguments, message, game, env, agent):
    arguments = {"envs": [env], "agents": [agent]} | arguments
    with pytest.raises(ValueError, match=message):
        DeepOnlineMirrorDescent(game, **arguments)
