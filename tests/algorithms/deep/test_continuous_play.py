"""Players in continuous space against plain loops, and the policies that they play."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from algorithms.deep import networks
from algorithms.deep.config import NetworkConfig
from algorithms.deep.continuous_play import (
    chance,
    features,
    log_density,
    mean_action,
    play,
    random_action,
    side_by_side,
)
from algorithms.deep.networks import NetworkSpec
from mfg_games import continuous_games
from mfg_games.continuous import Crowd

GAME = continuous_games.load("flocking_4d(beta=0.5,horizon=6)")
RNG = np.random.default_rng(1)


def push(time, states):
    """Some policy that depends on everything."""
    pull = tf.cast(time + 1, tf.float32) * states[..., 2:] / 7
    return tf.clip_by_value(0.3 - pull, -1.0, 1.0)


@pytest.mark.parametrize("own", [True, False])
def test_episodes_in_plain_loops(own):
    shaken = chance(GAME, 5, tf.constant([3, 4], tf.int64))
    some = [4, 1, 1]
    crowds = Crowd(
        tf.constant(RNG.normal(size=(7, 9, 4)), tf.float32),
        tf.constant(RNG.dirichlet(np.ones(9), size=7), tf.float32),
    )
    given = (None, (5,), tf.constant(some)) if own else (crowds, (5,))
    episode = tf.function(lambda: play(GAME, push, shaken, *given))()

    normals = shaken.normals.numpy().astype(np.float64)
    states = GAME.initial(np, shaken.uniforms.numpy(), normals[0])
    returns = np.zeros(5)
    for time in range(6):
        crowd = Crowd(crowds.states[time].numpy(), crowds.weights[time].numpy())
        crowd = Crowd(states[some], np.full(3, 1 / 3)) if own else crowd
        np.testing.assert_allclose(episode.states[time], states, atol=1e-5)
        actions = np.clip(0.3 - (time + 1) * states[:, 2:] / 7, -1, 1)
        np.testing.assert_allclose(episode.actions[time], actions, atol=1e-5)
        returns += GAME.reward(np, states, actions, crowd)
        states = GAME.step(np, states, actions, crowd, normals[time + 1])
    np.testing.assert_allclose(episode.states[6], states, atol=1e-5)
    np.testing.assert_allclose(episode.returns, returns, atol=1e-4)


def test_the_end_pays():
    game = continuous_games.load("linear_quadratic(horizon=1,terminal_cost=4.0)")
    shaken = chance(game, 3, tf.constant([0, 1], tf.int64))
    crowds = Crowd(tf.zeros((2, 1, 1)), tf.ones((2, 1)))
    episode = play(game, lambda time, states: 0 * states, shaken, crowds, (3,))
    first, last = (episode.states[time, :, 0].numpy() for time in (0, 1))
    expected = -game.dt * 0.5 * first**2 / 2 - 4 * last**2 / 2
    np.testing.assert_allclose(episode.returns, expected, rtol=1e-5)


def test_chance_is_fixed_by_its_seed():
    one, same, other = (
        chance(GAME, 4, tf.constant([seed, 2], tf.int64)) for seed in (1, 1, 5)
    )
    np.testing.assert_array_equal(one.normals, same.normals)
    assert not np.array_equal(one.normals, other.normals)


def network(seed: int) -> keras.Model:
    return networks.mlp(NetworkSpec(5, 1), NetworkConfig(width=7), seed, 4)


def test_networks_side_by_side():
    nets = [network(seed) for seed in range(3)]
    for net in nets:
        net.set_weights([RNG.normal(size=w.shape) for w in net.get_weights()])
    inputs = tf.constant(RNG.normal(size=(3, 6, 5)), tf.float32)
    rows = tf.stack([networks.flat_weights(net) for net in nets])
    expected = tf.stack([net(part) for net, part in zip(nets, inputs, strict=True)])
    found = side_by_side(nets[0], rows, inputs)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_densities_of_actions():
    """They integrate to one, and are those of the actions that are drawn."""
    outputs = tf.constant(RNG.normal(size=(50, 4)), tf.float32)
    normals = tf.constant(RNG.normal(size=(50, 2)), tf.float32)
    actions, logs = random_action(GAME, outputs, normals)
    again = log_density(GAME, outputs, actions)
    inside = np.abs(actions).max(axis=1) < 0.999
    np.testing.assert_allclose(again[inside], logs[inside], atol=0.01)
    line = continuous_games.load("linear_quadratic(largest_action=2.5)")
    grid = np.linspace(-1, 1, 20_001)[1:-1, None] * 2.5
    one = tf.tile(outputs[:1, :2], [len(grid), 1])
    density = np.exp(log_density(line, one, tf.constant(grid, tf.float32)))
    assert density.sum() * (2 / 20_000) == pytest.approx(1.0, abs=0.01)
    assert np.abs(mean_action(line, outputs[:, :2])).max() < 2.5


def test_features_are_scaled_and_tell_the_time():
    states = tf.constant(RNG.normal(size=(2, 3, 4)), tf.float32)
    found = features(GAME, tf.constant([[0], [6]]), states)
    np.testing.assert_allclose(found[..., :4], states / GAME.scale, rtol=1e-6)
    np.testing.assert_array_equal(found[..., 4], [[-1] * 3, [1] * 3])
