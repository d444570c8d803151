"""How far a student's policy is from its teacher's, as pure functions.

Shapes: B samples, A actions. A student is given by its logits, of which those of
illegal actions do not count, and a teacher by its probabilities, or by actions drawn
from them. All functions return the mean over the samples, in nats, and work eagerly,
in graphs and under XLA.
"""

from __future__ import annotations

import tensorflow as tf

from algorithms.regularisers import log_softmax


def cross_entropy(logits: tf.Tensor, legal: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
    """Hard targets: -log student(a), a scalar.

    Args:
      logits: [B, A].
      legal: bool [B, A].
      actions: integers [B], drawn from the teacher's policy.

    Raises:
      ValueError: the shapes do not fit.
    """
    _check(logits, legal)
    _require(actions.shape.is_compatible_with(logits.shape[:1]), "actions", actions)
    log_student = log_softmax(logits, legal)
    return -tf.reduce_mean(tf.gather(log_student, actions, axis=1, batch_dims=1))


def forward_kl(logits: tf.Tensor, legal: tf.Tensor, teacher: tf.Tensor) -> tf.Tensor:
    """Soft targets: KL(teacher || student), a scalar.

    Args:
      logits: [B, A].
      legal: bool [B, A].
      teacher: [B, A], 0 for illegal actions; no gradient goes to it.

    Raises:
      ValueError: the shapes do not fit.
    """
    _check(logits, legal, teacher)
    teacher = tf.stop_gradient(teacher)
    ratios = _log(teacher) - log_softmax(logits, legal)
    terms = tf.where(teacher > 0, teacher * ratios, 0.0)
    return tf.reduce_mean(tf.reduce_sum(terms, axis=-1))


def backward_kl(
    logits: tf.Tensor,
    legal: tf.Tensor,
    teacher: tf.Tensor,
    smallest_probability: float,
) -> tf.Tensor:
    """Soft targets: KL(student || teacher), a scalar.

    Args:
      logits: [B, A].
      legal: bool [B, A].
      teacher: [B, A], 0 for illegal actions; no gradient goes to it.
      smallest_probability: smaller ones of the teacher's count as this one, as the
        divergence from a teacher who never plays an action is infinite.

    Raises:
      ValueError: the shapes do not fit.
    """
    _check(logits, legal, teacher)
    log_student = log_softmax(logits, legal)
    floored = tf.maximum(tf.stop_gradient(teacher), smallest_probability)
    terms = tf.exp(log_student) * (log_student - tf.math.log(floored))
    return tf.reduce_mean(tf.reduce_sum(tf.where(legal, terms, 0.0), axis=-1))


def jeffreys(
    logits: tf.Tensor,
    legal: tf.Tensor,
    teacher: tf.Tensor,
    beta: float,
    smallest_probability: float,
) -> tf.Tensor:
    """(1 - beta) KL(teacher || student) + beta KL(student || teacher), a scalar.

    The divergence of BOND (Sessa et al. 2024). Its forward part covers all that the
    teacher does, its backward part keeps to what the teacher does most.

    Args:
      logits: [B, A].
      legal: bool [B, A].
      teacher: [B, A], 0 for illegal actions; no gradient goes to it.
      beta: share of the backward part, in [0, 1].
      smallest_probability: of the teacher's in the backward part.

    Raises:
      ValueError: the shapes do not fit.
    """
    forward = forward_kl(logits, legal, teacher)
    backward = backward_kl(logits, legal, teacher, smallest_probability)
    return (1 - beta) * forward + beta * backward


def proximal_kl(logits: tf.Tensor, legal: tf.Tensor, anchor: tf.Tensor) -> tf.Tensor:
    """KL(student || anchor) from an anchor's logits [B, A], a scalar.

    No gradient goes to the anchor. As a term of a loss it is the proximal term of
    mirror descent.

    Raises:
      ValueError: the shapes do not fit.
    """
    _check(logits, legal, anchor)
    log_student = log_softmax(logits, legal)
    log_anchor = tf.stop_gradient(log_softmax(anchor, legal))
    terms = tf.exp(log_student) * (log_student - log_anchor)
    return tf.reduce_mean(tf.reduce_sum(tf.where(legal, terms, 0.0), axis=-1))


def _log(probabilities: tf.Tensor) -> tf.Tensor:
    """Logarithms, finite where they do not count."""
    return tf.math.log(tf.where(probabilities > 0, probabilities, 1.0))


def _check(logits, legal, teacher=None) -> None:
    """Shapes that would broadcast to something else must not."""
    _require(logits.shape.rank == 2, "logits", logits)
    _require(legal.shape.is_compatible_with(logits.shape), "legal", legal)
    if teacher is not None:
        fits = teacher.shape.is_compatible_with(logits.shape)
        _require(fits, "what fits logits", teacher)


def _require(condition: bool, name: str, array: tf.Tensor) -> None:
    if not condition:
        raise ValueError(f"`{name}` has the wrong shape: {array.shape}")
