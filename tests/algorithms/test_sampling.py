"""Flows estimated from samples."""

import numpy as np
import pytest
import tensorflow as tf
import toy_dynamics  # noqa: F401  registers the games

from algorithms.model import load_model
from algorithms.model.sampling import sampled

GAMES = [
    "mfg_exploration(layout=....|.##.|....,horizon=4)",
    "mfg_predator_prey(size=3,horizon=3)",
    "mfg_sis(horizon=4)",
    "mfg_systemic_risk(horizon=3)",
    "mfg_crowd_modelling(size=5,horizon=4)",
    "python_mfg_predator_prey(horizon=2)",
]


def test_sampled_shares_are_multiples_and_have_the_law():
    mass = tf.constant([[0.1, 0.0, 0.3], [0.0, 0.2, 0.0]], tf.float64)
    draw = tf.function(lambda i: sampled(mass, 4, tf.stack([7, i])))
    draws = [draw(tf.constant(i)).numpy() for i in range(2000)]
    for draw in draws[:20]:
        np.testing.assert_allclose(draw.sum(axis=1), [0.4, 0.2], atol=1e-15)
        np.testing.assert_allclose(draw[0] / 0.1 % 1, 0, atol=1e-9)
        assert draw[0, 1] == 0
    # The standard error of the mean is 0.001.
    np.testing.assert_allclose(np.mean(draws, axis=0), mass, atol=0.005)


@pytest.mark.parametrize("game", GAMES)
def test_the_estimate_comes_nearer_with_more_players(game):
    model = load_model(game)
    policy = model.uniform_policy()
    exact = model.distribution(policy).mass.numpy()

    def error(players):
        found = model.sampled_distribution(policy, players, [0, 3]).mass.numpy()
        assert found.sum() == pytest.approx(exact.sum(), rel=1e-9)
        return np.abs(found - exact).sum() / exact.sum()

    few, many = error(10), error(100_000)
    assert many < 0.03
    assert few > 3 * many or few == many == 0


@pytest.mark.parametrize("game", GAMES[::3])
def test_seeds(game):
    model = load_model(game)
    policy = model.uniform_policy()
    first, same, other = (
        model.sampled_distribution(policy, 7, [1, seed]).mass.numpy()
        for seed in (2, 2, 3)
    )
    np.testing.assert_array_equal(first, same)
    assert np.any(first != other)
