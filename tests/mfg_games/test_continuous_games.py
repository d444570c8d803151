"""Names of games in continuous space, and what all of these games keep to."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from mfg_games import continuous_games
from mfg_games.continuous import Crowd

RNG = np.random.default_rng(7)
NAMES = sorted(continuous_games.SETTINGS)


def drawn(game, *shape):
    """States, actions, normals and a crowd for each of the leading dimensions."""
    size, controls = game.num_components, game.num_controls
    states = game.scale * RNG.normal(size=(*shape, size))
    actions = game.largest_action * RNG.uniform(-1, 1, size=(*shape, controls))
    crowd = Crowd(
        game.scale * RNG.normal(size=(*shape[:-1], 5, size)),
        RNG.dirichlet(np.ones(5), size=shape[:-1]),
    )
    return states, actions, RNG.normal(size=(*shape, size)), crowd


def answers(xp, game, states, actions, normals, crowd):
    return [
        game.reward(xp, states, actions, crowd),
        game.drift(xp, states, actions, crowd),
        game.step(xp, states, actions, crowd, normals),
        game.terminal_reward(xp, states, crowd),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_dimensions_in_front_stand_for_several_times(name):
    game = continuous_games.load(name)
    states, actions, normals, crowd = drawn(game, 3, 4)
    together = answers(np, game, states, actions, normals, crowd)
    for time in range(3):
        one = Crowd(crowd.states[time], crowd.weights[time])
        alone = answers(np, game, states[time], actions[time], normals[time], one)
        for ours, theirs in zip(together, alone, strict=True):
            np.testing.assert_allclose(ours[time], theirs, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_numbers_and_slopes_are_finite_in_tensorflow(name):
    game = continuous_games.load(name)
    given = [tf.constant(array, tf.float32) for array in drawn(game, 6)[:3]]
    crowd = drawn(game, 6)[3]
    crowd = Crowd(*(tf.constant(array, tf.float32) for array in crowd))
    with tf.GradientTape() as tape:
        tape.watch(given)
        found = answers(tnp, game, *given, crowd)
        total = tf.add_n([tf.reduce_sum(part) for part in found])
    assert all(part.dtype == tf.float32 for part in found)
    for slope in tape.gradient(total, given):
        assert np.isfinite(slope).all()


def test_names_take_changes_and_have_text():
    game = continuous_games.load("flocking_4d(beta=2.5,horizon=7)")
    assert (game.beta, game.horizon) == (2.5, 7)
    assert game.parameters["beta"] == 2.5
    assert str(game) == "FlockingModel(horizon=7,beta=2.5,speed=1.0)"
    assert continuous_games.is_continuous("flocking_4d(beta=2.5)")
    assert not continuous_games.is_continuous("mfg_flocking")


@pytest.mark.parametrize(
    "text, words",
    [
        ("floking_4d", "Did you mean 'flocking_4d'"),
        ("flocking_4d(bta=1.0)", "Did you mean 'beta'"),
        ("flocking_4d(beta=-1.0)", "`beta` must be at least 0"),
    ],
)
def test_what_is_unknown_is_named(text, words):
    with pytest.raises(ValueError, match=words):
        continuous_games.load(text)
