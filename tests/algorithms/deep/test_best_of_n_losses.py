"""Weights, rewards and gradients of best-of-n learning, against enumeration."""

import itertools
import math

from best_of_n_law import best_of_n_law
import numpy as np
import pytest
import tensorflow as tf

from algorithms.deep import best_of_n_losses


@pytest.mark.parametrize("n", [1, 2, 4, 5])
def test_weights_count_the_subsets_in_which_a_game_is_best(way, n):
    returns = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    found = way(lambda r: best_of_n_losses.best_weights(r, n))(tf.constant(returns))
    expected = np.zeros((3, 5))
    for row, games in enumerate(returns):
        for subset in itertools.combinations(range(5), n):
            expected[row, max(subset, key=lambda game: games[game])] += 1
    np.testing.assert_allclose(found, expected / math.comb(5, n), rtol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_the_mean_weights_are_the_law_of_the_best_of_n(n):
    """Over all groups of four games that three equal or unequal outcomes make."""
    law, rewards = np.array([0.5, 0.2, 0.3]), np.array([1.0, 4.0, 1.0])
    groups = np.array(list(itertools.product(range(3), repeat=4)))
    weights = best_of_n_losses.best_weights(tf.constant(rewards[groups]), n)
    shares = law[groups].prod(axis=1)[:, None] * weights.numpy()
    found = [shares[groups == outcome].sum() for outcome in range(3)]
    np.testing.assert_allclose(found, best_of_n_law(law, rewards, n), rtol=1e-12)


def test_ranks_by_hand(way):
    returns = tf.constant([[3.0, 1.0, 2.0, 2.0], [5.0, 5.0, 5.0, 4.0]])
    shares = [[1, 0.25, 0.75, 0.75], [1, 1, 1, 0.25]]
    found = way(best_of_n_losses.log_ranks)(returns)
    np.testing.assert_allclose(found, np.log(shares), rtol=1e-6)


LEGAL = tf.constant([[True, True, True], [True, True, False]])


def gain_and_gradient(logits, anchor, actions, rewards):
    with tf.GradientTape() as tape:
        tape.watch((logits, anchor))
        gain = best_of_n_losses.reweighted_gain(logits, anchor, LEGAL, actions, rewards)
    return gain, *tape.gradient(gain, (logits, anchor), unconnected_gradients="zero")


def test_the_gain_by_hand(way):
    """Probabilities 0.2 and 0.6 that were 0.4 and 0.5; the illegal one is nothing."""
    logits = tf.math.log([[0.2, 0.3, 0.5], [0.4, 0.6, 7.0]])
    anchor = tf.math.log([[0.4, 0.3, 0.3], [0.5, 0.5, 9.0]])
    actions, rewards = tf.constant([0, 1]), tf.constant([-2.0, 5.0])
    gain, slope, by_anchor = way(gain_and_gradient)(logits, anchor, actions, rewards)
    np.testing.assert_allclose(gain, (0.5 * -2 + 1.2 * 5) / 2, rtol=1e-6)
    # d ratio / d logit = ratio (1[action] - policy).
    expected = [
        [0.5 * -2 * 0.8 / 2, 0.5 * 2 * 0.3 / 2, 0.5 * 2 * 0.5 / 2],
        [1.2 * 5 * -0.4 / 2, 1.2 * 5 * 0.4 / 2, 0.0],
    ]
    np.testing.assert_allclose(slope, expected, atol=1e-6)
    np.testing.assert_array_equal(by_anchor, np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: best_of_n_losses.best_weights(tf.zeros(3), 1), "`returns` has the"),
        (lambda: best_of_n_losses.best_weights(tf.zeros((2, 3)), 4), r"1\.\.3.* 4"),
        (lambda: best_of_n_losses.best_weights(tf.zeros((2, 3)), 0), r"1\.\.3.* 0"),
        (lambda: best_of_n_losses.log_ranks(tf.zeros(3)), "`returns` has the"),
    ],
)
def test_wrong_groups_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("name", ["logits", "anchor", "legal", "actions", "rewards"])
def test_wrong_samples_are_refused(name):
    arguments = {
        "logits": tf.zeros((2, 3)),
        "anchor": tf.zeros((2, 3)),
        "legal": LEGAL,
        "actions": tf.constant([0, 1]),
        "rewards": tf.zeros(2),
    }
    arguments[name] = arguments[name][:1]
    if name == "logits":
        arguments[name] = arguments[name][0]
    with pytest.raises(ValueError, match=f"`{name}` has the wrong shape"):
        best_of_n_losses.reweighted_gain(**arguments)
