"""Advantages and the clipped surrogate in closed form and by brute force."""

import math

import numpy as np
import pytest
import tensorflow as tf

from algorithms.deep import ppo_losses


def advantages(rewards, values, next_values, ends, trace):
    return ppo_losses.generalised_advantages(
        tf.constant(rewards), values, next_values, ends, trace
    )


def test_advantages_by_hand(way):
    """The first player's game ends with the second move, the other's goes on."""
    rewards = [[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]]
    values = tf.constant([[10.0, 10.0], [20.0, 20.0], [30.0, 30.0]])
    next_values = tf.constant([[20.0, 20.0], [99.0, 30.0], [40.0, 40.0]])
    ends = tf.constant([[False, False], [True, False], [False, False]])
    found = way(lambda *walk: advantages(rewards, *walk, 0.5))(
        values, next_values, ends
    )
    # Errors: 11 11 / 2 - 20 12 / 14 14.
    expected = [[11 + 0.5 * -18, 11 + 0.5 * 19], [-18, 12 + 0.5 * 14], [14, 14]]
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("trace", [0.0, 0.7, 1.0])
def test_advantages_are_the_discounted_sums_of_errors(way, trace):
    rng = np.random.default_rng(2)
    rewards, values, next_values = rng.normal(size=(3, 9, 5))
    ends = rng.random((9, 5)) < 0.3
    found = way(lambda *walk: advantages(rewards, *walk, trace))(
        tf.constant(values), tf.constant(next_values), tf.constant(ends)
    )
    expected = np.zeros((9, 5))
    for first in range(9):
        for player in range(5):
            for move in range(first, 9):
                error = rewards[move, player] - values[move, player]
                if not ends[move, player]:
                    error += next_values[move, player]
                expected[first, player] += trace ** (move - first) * error
                if ends[move, player]:
                    break
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_standardised_advantages(way):
    found = way(ppo_losses.standardised)(tf.constant([1.0, 3.0, 5.0, 7.0]))
    np.testing.assert_allclose(found, np.array([-3, -1, 1, 3]) / 5**0.5, rtol=1e-6)
    same = way(ppo_losses.standardised)(tf.constant([2.0, 2.0]))
    np.testing.assert_array_equal(same, [0, 0])


def test_the_surrogate_by_hand(way):
    """Ratios 2, 1/2, 2, 1/2 and 1.1; a ratio clipped to 0.8..1.2 gains no more."""
    ratios = tf.constant([2.0, 0.5, 2.0, 0.5, 1.1])
    advantages = tf.constant([1.0, 1.0, -1.0, -1.0, 3.0])
    found = way(lambda *args: ppo_losses.clipped_surrogate(*args, 0.2))(
        tf.math.log(0.3 * ratios), tf.fill([5], math.log(0.3)), advantages
    )
    np.testing.assert_allclose(found, -(1.2 + 0.5 - 2 - 0.8 + 3.3) / 5, rtol=1e-6)


def surrogate(logits, actions, old, advantages):
    log_policy = tf.nn.log_softmax(logits)
    chosen = tf.gather(log_policy, actions, axis=1, batch_dims=1)
    return ppo_losses.clipped_surrogate(chosen, old, advantages, 0.2)


def gradient(logits, actions, old, advantages):
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = surrogate(logits, actions, old, advantages)
    return tape.gradient(value, logits)


def test_the_gradient_of_the_surrogate_against_finite_differences(way):
    rng = np.random.default_rng(5)
    logits = rng.normal(size=(6, 3))
    actions = tf.constant(rng.integers(3, size=6))
    near = logits + rng.normal(scale=0.3, size=(6, 3))
    old = tf.gather(tf.nn.log_softmax(near), actions, axis=1, batch_dims=1)
    rest = (actions, old, tf.constant(rng.normal(size=6)))
    found = way(gradient)(tf.constant(logits), *rest)
    expected = np.zeros((6, 3))
    for place in np.ndindex(6, 3):
        step = np.zeros((6, 3))
        step[place] = 1e-5
        higher, lower = (surrogate(logits + s * step, *rest) for s in (1, -1))
        expected[place] = (higher - lower) / 2e-5
    np.testing.assert_allclose(found, expected, atol=1e-9)
    clipped = (expected == 0).all(1)
    assert clipped.any() and not clipped.all()


def test_where_no_step_was_made_it_is_the_policy_gradient(way):
    logits = tf.constant([[0.0, 1.0, 2.0], [1.0, 0.0, 0.0]])
    actions = tf.constant([2, 0])
    policy = tf.nn.softmax(logits)
    old = tf.math.log(tf.gather(policy, actions, axis=1, batch_dims=1))
    advantages = tf.constant([1.5, -0.5])
    found = way(gradient)(logits, actions, old, advantages)
    expected = -(tf.one_hot(actions, 3) - policy) * advantages[:, None] / 2
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_entropy_by_hand(way):
    """Illegal actions have neither entropy nor a gradient."""

    def entropy(logits):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            legal = tf.constant([[True, True, True], [True, True, False]])
            masked = tf.where(legal, logits, logits.dtype.min)
            value = ppo_losses.entropy(tf.nn.log_softmax(masked))
        return value, tape.gradient(value, logits)

    logs = np.log(np.float32([0.25, 0.75]))
    value, slope = way(entropy)(tf.constant([[1.0, 1.0, 1.0], [*logs, 3.0]]))
    own = -0.25 * logs[0] - 0.75 * logs[1]
    np.testing.assert_allclose(value, (math.log(3) + own) / 2, rtol=1e-6)
    # d entropy / d logit = -p (log p + entropy).
    expected = [-0.25 * (logs[0] + own) / 2, -0.75 * (logs[1] + own) / 2, 0]
    np.testing.assert_allclose(slope, [[0, 0, 0], expected], atol=1e-6)


@pytest.mark.parametrize("wrong", range(3))
def test_advantages_of_wrong_shapes_are_refused(wrong):
    walk = [tf.zeros((4, 2)), tf.zeros((4, 2)), tf.zeros((4, 2), tf.bool)]
    walk[wrong] = walk[wrong][:, :1]
    name = ("values", "next_values", "ends")[wrong]
    with pytest.raises(ValueError, match=f"`{name}` has the wrong shape"):
        advantages(np.zeros((4, 2), np.float32), *walk, 0.9)


@pytest.mark.parametrize(
    ("old", "advantages", "name"), [(1, 3, "old_log_probabilities"), (3, 1, "advant")]
)
def test_samples_of_wrong_shapes_are_refused(old, advantages, name):
    with pytest.raises(ValueError, match=f"{name}.* has the wrong shape"):
        ppo_losses.clipped_surrogate(
            tf.zeros(3), tf.zeros(old), tf.zeros(advantages), 1
        )
