"""Divergences in closed form: eagerly, in a graph and under XLA."""

import math

import numpy as np
import pytest
import tensorflow as tf

from algorithms.deep import divergences

# Students (3/4, 1/4) and, the last action being illegal, (1/2, 1/2).
LOGITS = tf.constant([[math.log(3.0), 0.0, 9.0], [5.0, 5.0, 99.0]])
LEGAL = tf.constant([[True, True, False], [True, True, False]])
TEACHER = tf.constant([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]])
STUDENT = np.array([[0.75, 0.25, 0.0], [0.5, 0.5, 0.0]])
FORWARD = (0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25) + math.log(2)) / 2
FLOOR = 0.01
BACKWARD = (
    0.75 * math.log(0.75 / 0.5)
    + 0.25 * math.log(0.25 / 0.5)
    + 0.5 * math.log(0.5 / FLOOR)
    + 0.5 * math.log(0.5)
) / 2


def gradient(function, logits):
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = function(logits)
    return tape.gradient(value, logits)


def test_cross_entropy_by_hand(way):
    actions = tf.constant([1, 0], tf.int64)
    found = way(divergences.cross_entropy)(LOGITS, LEGAL, actions)
    np.testing.assert_allclose(found, (math.log(4) + math.log(2)) / 2, rtol=1e-6)


def test_forward_kl_by_hand(way):
    found = way(divergences.forward_kl)(LOGITS, LEGAL, TEACHER)
    np.testing.assert_allclose(found, FORWARD, rtol=1e-6)


def test_backward_kl_by_hand(way):
    """The teacher never plays the first action of the second sample."""
    found = way(divergences.backward_kl)(LOGITS, LEGAL, TEACHER, FLOOR)
    np.testing.assert_allclose(found, BACKWARD, rtol=1e-6)


@pytest.mark.parametrize("beta", [0.0, 0.25, 1.0])
def test_jeffreys_lies_between(way, beta):
    found = way(divergences.jeffreys)(LOGITS, LEGAL, TEACHER, beta, FLOOR)
    expected = (1 - beta) * FORWARD + beta * BACKWARD
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_proximal_kl_by_hand(way):
    anchor = tf.constant([[7.0, 7.0, 0.0], [math.log(4.0), 0.0, 0.0]])
    found = way(divergences.proximal_kl)(LOGITS, LEGAL, anchor)
    first = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    second = 0.5 * math.log(0.5 / 0.8) + 0.5 * math.log(0.5 / 0.2)
    np.testing.assert_allclose(found, (first + second) / 2, rtol=1e-6)


def test_a_student_equal_to_its_teacher_is_no_distance_away(way):
    teacher = tf.constant(STUDENT, tf.float32)
    for divergence in (
        divergences.forward_kl,
        lambda *policies: divergences.backward_kl(*policies, 1e-6),
    ):
        found = way(divergence)(LOGITS, LEGAL, teacher)
        np.testing.assert_allclose(found, 0.0, atol=1e-7)
    found = way(divergences.proximal_kl)(LOGITS, LEGAL, LOGITS + 3.0)
    np.testing.assert_allclose(found, 0.0, atol=1e-6)


def test_forward_gradients_are_the_gap_of_the_policies(way):
    """(student - teacher) / B, for hard targets as for soft ones."""
    soft = way(
        lambda x: gradient(lambda y: divergences.forward_kl(y, LEGAL, TEACHER), x)
    )
    expected = (STUDENT - TEACHER.numpy()) / 2
    np.testing.assert_allclose(soft(LOGITS), expected, atol=1e-6)
    actions = tf.constant([0, 1])
    hard = way(
        lambda x: gradient(lambda y: divergences.cross_entropy(y, LEGAL, actions), x)
    )
    expected = (STUDENT - np.eye(3)[[0, 1]]) / 2
    np.testing.assert_allclose(hard(LOGITS), expected, atol=1e-6)


def test_backward_gradients_by_hand(way):
    """student (log ratio - divergence) / B; only the student is differentiated."""
    found = way(
        lambda x: gradient(
            lambda y: divergences.backward_kl(y, LEGAL, TEACHER, FLOOR), x
        )
    )(LOGITS)
    safe = np.where(STUDENT > 0, STUDENT, 1)
    ratios = np.log(safe / np.maximum(TEACHER.numpy(), FLOOR))
    own = np.sum(STUDENT * ratios, axis=1, keepdims=True)
    np.testing.assert_allclose(found, STUDENT * (ratios - own) / 2, atol=1e-6)


@pytest.mark.parametrize(
    "divergence",
    [
        lambda logits, other: divergences.forward_kl(logits, LEGAL, other),
        lambda logits, other: divergences.backward_kl(logits, LEGAL, other, FLOOR),
        lambda logits, other: divergences.proximal_kl(logits, LEGAL, other),
    ],
)
def test_no_gradient_goes_to_the_teacher(way, divergence):
    found = way(
        lambda other: (
            tf.zeros_like(other)
            if gradient(lambda y: divergence(LOGITS, y), other) is None
            else tf.ones_like(other)
        )
    )(TEACHER)
    np.testing.assert_array_equal(found, np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: divergences.cross_entropy(LOGITS[0], LEGAL, [0]), "logits"),
        (lambda: divergences.cross_entropy(LOGITS, LEGAL[:1], [0]), "legal"),
        (
            lambda: divergences.cross_entropy(LOGITS, LEGAL, tf.constant([0])),
            "actions",
        ),
        (lambda: divergences.forward_kl(LOGITS, LEGAL, TEACHER[:1]), "what fits"),
        (
            lambda: divergences.backward_kl(LOGITS, LEGAL, TEACHER[:, :2], FLOOR),
            "what fits",
        ),
        (lambda: divergences.proximal_kl(LOGITS, LEGAL, LOGITS[0]), "what fits"),
        (
            lambda: divergences.jeffreys(LOGITS, LEGAL[0], TEACHER, 0.5, FLOOR),
            "legal",
        ),
    ],
)
def test_wrong_shapes_are_refused(call, name):
    with pytest.raises(ValueError, match=f"{name}.* wrong shape"):
        call()
