"""Soft actor-critic on games whose best responses are known."""

import numpy as np
import pytest
import tensorflow as tf

from algorithms.deep.soft_actor_critic import SACConfig, SoftActorCritic
from mfg_games.continuous import Crowd
from mfg_games.continuous_linear_quadratic import LinearQuadraticModel

RNG = np.random.default_rng(3)


def still_crowd(game, count: int = 8) -> Crowd:
    """Everybody in the middle for ever."""
    shape = (game.horizon + 1, count)
    return Crowd(tf.zeros((*shape, game.num_components)), tf.ones(shape) / count)


def actions(learner, time: int, places: np.ndarray) -> np.ndarray:
    states = tf.constant(places[:, None], tf.float32)
    return learner.act(tf.constant(time), states).numpy()[:, 0]


@pytest.mark.parametrize(
    ("cross_term", "terminal_cost", "most"), [(0.7, 0.0, 0.1), (0.0, 3.0, 0.5)]
)
def test_one_step_of_the_linear_quadratic_game(cross_term, terminal_cost, most, seed):
    """The derivative of -a^2 / 2 dt + q a g dt - c (g - (K g + a) dt)^2 / 2 is zero.

    Relative errors of 0.02 and 0.25 at most for ten seeds; of 1 by doing nothing.
    """
    game = LinearQuadraticModel(
        horizon=1,
        dt=0.5,
        cross_term=cross_term,
        kappa=0.6,
        terminal_cost=terminal_cost,
    )
    config = SACConfig(width=32, updates=250, batch_size=64, learning_rate=3e-3)
    learner = SoftActorCritic(game, config, seed, 8)
    for phase in range(4):
        learner.respond(still_crowd(game), phase)
    gap = np.linspace(-1.5, 1.5, 21)
    best = (cross_term + terminal_cost * 0.5) / (1 + terminal_cost * 0.5) * gap
    error = actions(learner, 0, -gap) - best
    assert np.sqrt((error**2).mean() / (best**2).mean()) < most


def test_a_seed_fixes_everything_and_state_goes_on():
    game = LinearQuadraticModel(horizon=3)
    config = SACConfig(width=8, updates=20, batch_size=12, players=4, replay_episodes=2)

    def learner(seed):
        return SoftActorCritic(game, config, seed, 8)

    crowd = still_crowd(game)
    one, same, other = learner(0), learner(0), learner(1)
    for each in (one, other):
        each.respond(crowd, 0)
        each.respond(crowd, 1)
    same.respond(crowd, 0)
    again = learner(0)
    for name, variable in again.variables.items():
        variable.assign(same.variables[name])
    again.respond(crowd, 1)
    places = RNG.normal(size=10)
    found = [actions(each, 1, places) for each in (one, again, other)]
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.allclose(found[0], found[2])


@pytest.mark.xla
def test_traced_once_and_numbers_gone_wrong_are_named():
    game = LinearQuadraticModel(horizon=3)
    learner = SoftActorCritic(game, SACConfig(width=8, updates=25, batch_size=12), 0, 8)
    crowd = still_crowd(game)
    for phase in range(3):
        learner.respond(crowd, phase)
    assert learner._learn.experimental_get_tracing_count() == 1
    assert learner.metrics["updates"] == 25
    assert learner.metrics["moves"] == 3 * 16 * 3
    with pytest.raises(FloatingPointError, match="critics' loss is nan at update 0"):
        learner.respond(crowd._replace(states=crowd.states * np.nan), 3)


@pytest.mark.parametrize(
    "name, value",
    [("updates", 0), ("temperature", 0.0), ("target_rate", 1.5), ("players", 0)],
)
def test_bad_hyper_parameters_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        SACConfig(**{name: value})
