"""Targets and losses in closed form: eagerly, in a graph and under XLA."""

import math

import numpy as np
import pytest
import tensorflow as tf

from algorithms.deep import losses

REWARDS = tf.constant([1.0, 2.0, 3.0])
NEXT_Q = tf.constant([[5.0, 7.0], [5.0, 7.0], [5.0, 7.0]])
LEGAL = tf.constant([[True, True], [True, False], [True, True]])
ENDS = tf.constant([False, False, True])


def test_dqn_targets_take_the_best_legal_action_of_the_next_node(way):
    found = way(losses.dqn_targets)(REWARDS, NEXT_Q, LEGAL, ENDS)
    np.testing.assert_allclose(found, [8.0, 7.0, 3.0])


def munchausen(log_policy, next_log_policy, tau=2.0, alpha=0.9, smallest=1e-6):
    return losses.munchausen_targets(
        REWARDS, log_policy, NEXT_Q, next_log_policy, ENDS, tau, alpha, smallest
    )


def test_policy_targets_take_the_mean_over_the_next_actions(way):
    policy = tf.constant([[0.25, 0.75], [1.0, 0.0], [0.5, 0.5]])
    found = way(losses.policy_targets)(REWARDS, NEXT_Q, policy, ENDS)
    np.testing.assert_allclose(found, [1 + 1.25 + 5.25, 2 + 5, 3])


def test_munchausen_targets_by_hand(way):
    quarter = math.log(0.25)
    log_policy = tf.math.log([0.5, 0.25, 1.0])
    next_log_policy = tf.constant(
        [[quarter, math.log(0.75)], [0.0, -math.inf], [0.0, -math.inf]]
    )
    found = way(munchausen)(log_policy, next_log_policy)
    mixed = 0.25 * (5 - 2 * quarter) + 0.75 * (7 - 2 * math.log(0.75))
    expected = [1 + 1.8 * math.log(0.5) + mixed, 2 + 1.8 * quarter + 5, 3.0]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_small_probabilities_are_clipped_in_the_logarithms_alone(way):
    rare = math.log(1e-3)
    log_policy = tf.constant([rare] * 3)
    next_log_policy = tf.constant([[rare, math.log1p(-1e-3)]] * 3)
    found = way(lambda *logs: munchausen(*logs, smallest=0.1))(
        log_policy, next_log_policy
    )
    bonus = 1.8 * math.log(0.1)
    mixed = 1e-3 * (5 - 2 * math.log(0.1)) + 0.999 * (7 - 2 * math.log1p(-1e-3))
    expected = [1 + bonus + mixed, 2 + bonus + mixed, 3 + bonus]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_munchausen_targets_of_a_uniform_policy_without_bonus_are_the_soft_mean(way):
    """With alpha = 0 and a uniform policy: r + mean Q + tau log A."""
    half = tf.math.log(tf.fill([3, 2], 0.5))
    found = way(lambda log: munchausen(log[:, 0], log, alpha=0.0))(half)
    soft = 6 + 2 * math.log(2)
    np.testing.assert_allclose(found, [1 + soft, 2 + soft, 3.0], rtol=1e-6)


def test_losses_by_hand(way):
    values, targets = tf.constant([1.0, 2.0, 5.0]), tf.constant([1.5, 2.0, 2.0])
    np.testing.assert_allclose(way(losses.mse)(values, targets), (0.25 + 9) / 3)
    np.testing.assert_allclose(way(losses.huber)(values, targets), (0.125 + 2.5) / 3)


@pytest.mark.parametrize(
    ("loss", "slopes"), [("mse", [-1.0, 0.0, 6.0]), ("huber", [-0.5, 0.0, 1.0])]
)
def test_gradients_by_hand(way, loss, slopes):
    """They clip in Huber's loss, and the targets have none."""

    def gradients(values, targets):
        with tf.GradientTape() as tape:
            tape.watch((values, targets))
            value = getattr(losses, loss)(values, targets)
        return tape.gradient(value, (values, targets), unconnected_gradients="zero")

    values, targets = tf.constant([1.0, 2.0, 5.0]), tf.constant([1.5, 2.0, 2.0])
    by_value, by_target = way(gradients)(values, targets)
    np.testing.assert_allclose(by_value, np.array(slopes) / 3, rtol=1e-6)
    np.testing.assert_array_equal(by_target, np.zeros(3))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: losses.mse(REWARDS[:, None], REWARDS), "values"),
        (lambda: losses.mse(REWARDS, REWARDS[:, None]), "targets"),
        (lambda: losses.huber(REWARDS, REWARDS[:2]), "targets"),
        (lambda: losses.dqn_targets(REWARDS[:, None], NEXT_Q, LEGAL, ENDS), "rewards"),
        (lambda: losses.dqn_targets(REWARDS, NEXT_Q[:1], LEGAL, ENDS), "next_q"),
        (lambda: losses.dqn_targets(REWARDS, NEXT_Q, LEGAL[0], ENDS), "next_q"),
        (lambda: losses.dqn_targets(REWARDS, NEXT_Q, LEGAL, ENDS[:1]), "ends"),
        (lambda: losses.policy_targets(REWARDS, NEXT_Q, NEXT_Q[0], ENDS), "next_q"),
        (lambda: munchausen(REWARDS[:1], tf.zeros((3, 2))), "log_policy"),
    ],
)
def test_wrong_shapes_are_refused(call, name):
    with pytest.raises(ValueError, match=f"{name}.* wrong shape"):
        call()
