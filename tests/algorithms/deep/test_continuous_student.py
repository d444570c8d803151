"""A network that learns what players did: likeliest normals in closed form."""

import numpy as np
import pytest
import tensorflow as tf

from algorithms.deep.continuous_play import features
from algorithms.deep.continuous_student import (
    ContinuousStudent,
    ContinuousStudentConfig,
)
from mfg_games import continuous_games

RNG = np.random.default_rng(0)
GAME = continuous_games.load("linear_quadratic(horizon=3)")


def learnt(actions: np.ndarray, states: np.ndarray, seed: int) -> np.ndarray:
    """The mean and the deviation before squashing, where players were, [T, P, 2]."""
    config = ContinuousStudentConfig(width=32, batch_size=128, updates=1000)
    student = ContinuousStudent(GAME, config, seed)
    bounded = GAME.largest_action * actions
    student.fit(*(tf.constant(each, tf.float32) for each in (states, bounded)), 0)
    seen = features(GAME, tf.range(3)[:, None], tf.constant(states, tf.float32))
    outputs = student.network(tf.reshape(seen, (-1, 2))).numpy().reshape(3, -1, 2)
    outputs[..., 1] = np.exp(-5 + 5.5 / (1 + np.exp(-outputs[..., 1])))
    return outputs


def test_players_who_do_opposite_things(seed):
    """The likeliest normal has their mean, and their deviation before squashing."""
    states = RNG.normal(size=(3, 400, 1)) * GAME.scale
    actions = np.where(RNG.random((3, 400, 1)) < 0.5, 0.5, -0.5)
    mean, deviation = np.moveaxis(learnt(actions, states, seed), -1, 0)
    assert np.abs(mean).mean() < 0.1
    np.testing.assert_allclose(deviation.mean(), np.arctanh(0.5), rtol=0.05)


def test_players_who_know_what_they_do(seed):
    """One teacher's actions, which depend on the state and on the time."""
    states = RNG.normal(size=(3, 400, 1)) * GAME.scale
    actions = 0.6 * np.sin(states / GAME.scale + np.arange(3)[:, None, None])
    mean, deviation = np.moveaxis(learnt(actions, states, seed), -1, 0)
    assert np.abs(np.tanh(mean) - actions[..., 0]).mean() < 0.03
    assert deviation.mean() < 0.1


def test_bad_parameters():
    with pytest.raises(ValueError, match="`updates` must be at least 1"):
        ContinuousStudentConfig(updates=0)
    with pytest.raises(ValueError, match="`averaging` must be 0 or more, below 1"):
        ContinuousStudentConfig(averaging=1.0)
