"""Regularisers of policies: strongly convex functions h on the simplex of the actions.

Each one comes with its choice map, the gradient of its convex conjugate,

    policy(y) = argmax_p <y, p> - h(p),    conjugate(y) = max_p <y, p> - h(p),

over the distributions p on the legal actions (Perolat et al. 2021, section 3). All
are of one family, whose Hessian is strength * diag(p ** (order - 2)):

    h(p) = strength * (sum_a p_a ** order - 1) / (order * (order - 1)).

The limit at order 1 is the negative entropy, order 2 gives half the squared Euclidean
norm up to a constant, and the orders between and below are Tsallis's. Every h here
vanishes at deterministic policies, is negative elsewhere, and is `strength`-strongly
convex in the Euclidean norm.

The functions act on the last axis alone: [..., A] in, row by row.
"""

from __future__ import annotations

import abc
import dataclasses

import numpy as np
import tensorflow as tf

from algorithms.checked import Checked
from mfg_games import parameters

NAMES = ("entropy", "euclidean", "tsallis")


def softmax(logits: tf.Tensor, legal: tf.Tensor) -> tf.Tensor:
    """Probabilities proportional to exp(logits) on the legal actions, [..., A]."""
    return tf.nn.softmax(tf.where(legal, logits, logits.dtype.min), axis=-1)


def log_softmax(logits: tf.Tensor, legal: tf.Tensor) -> tf.Tensor:
    """Logarithms of `softmax`, [..., A]; as little as can be for illegal actions."""
    return tf.nn.log_softmax(tf.where(legal, logits, logits.dtype.min), axis=-1)


@dataclasses.dataclass(frozen=True)
class Regulariser(metaclass=Checked):
    """A regulariser h.

    Attributes:
      strength: its modulus of strong convexity; the temperature of an entropy. A
        scalar tensor, whose value a graph does not know, is not checked.
    """

    strength: float | tf.Tensor = 1.0

    def __post_init__(self):
        if not tf.is_tensor(self.strength):
            parameters.positive("strength", self.strength)

    def policy(self, scores: tf.Tensor, legal: tf.Tensor) -> tf.Tensor:
        """The maximiser of <scores, p> - h(p), [..., A].

        Args:
          scores: [..., A]; those of illegal actions are ignored.
          legal: bool [..., A]; one action of each row at least.
        """
        return self._choice(scores / self.strength, legal)

    def value(self, policy: tf.Tensor) -> tf.Tensor:
        """The value h of each row, [...]."""
        return self.strength * self._h(policy)

    def conjugate(self, scores: tf.Tensor, legal: tf.Tensor) -> tf.Tensor:
        """The maximum of <scores, p> - h(p), [...]."""
        policy = self.policy(scores, legal)
        return tf.reduce_sum(policy * scores, -1) - self.value(policy)

    @abc.abstractmethod
    def _choice(self, scores: tf.Tensor, legal: tf.Tensor) -> tf.Tensor:
        """`policy` at strength 1."""

    @abc.abstractmethod
    def _h(self, policy: tf.Tensor) -> tf.Tensor:
        """`value` at strength 1."""


class Entropy(Regulariser):
    """The negative entropy, sum_a p_a log p_a; its policies are softmaxes."""

    def _choice(self, scores: tf.Tensor, legal: tf.Tensor) -> tf.Tensor:
        return softmax(scores, legal)

    def _h(self, policy: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.math.xlogy(policy, policy), -1)


@dataclasses.dataclass(frozen=True)
class Tsallis(Regulariser):
    """Minus Tsallis's entropy, (sum_a p_a ** order - 1) / (order (order - 1)).

    Of order 2 it is the Euclidean regulariser, whose policies are the projections of
    the scores on the simplex. Below order 1 all legal actions play, as under an
    entropy; above it those with scores far below the best get nothing.

    Attributes:
      order: above 0, at most 2, and at least 0.01 from 1, where `Entropy` is the limit.
    """

    order: float = 0.5

    def __post_init__(self):
        super().__post_init__()
        parameters.require(
            0 < self.order <= 2 and abs(self.order - 1) >= 0.01,
            "order",
            self.order,
            "above 0, at most 2 and at least 0.01 from 1",
        )

    def _choice(self, scores: tf.Tensor, legal: tf.Tensor) -> tf.Tensor:
        # Stationarity: p = max(0, (order - 1) scores + c) ** power, where c makes the
        # sum 1. The power mean (sum p) ** (1 / power) increases in c and is convex for
        # orders above 1, concave below; c = 1 lies on the side of the root from which
        # Newton's method comes to it without overshooting. At order 2 the mean is
        # piecewise linear and the root exact after finitely many steps.
        power = 1 / (self.order - 1)
        scores = (self.order - 1) * _below_best(scores, legal)

        def policy_and_slopes(c):
            base = tf.where(legal, scores + c, 0.0)
            slopes = tf.where(base > 0, base ** (power - 1), 0.0)
            return base * slopes, slopes

        def newton(c, _):
            mass, slope = (
                tf.reduce_sum(terms, -1, keepdims=True)
                for terms in policy_and_slopes(c)
            )
            step = (mass - mass ** (1 - 1 / power)) / slope
            return c - step, tf.reduce_max(tf.abs(step / c))

        # The error is about the square of the last step.
        accuracy = np.finfo(scores.dtype.as_numpy_dtype).eps ** 0.75
        c, _ = tf.while_loop(
            lambda _, step: step > accuracy,
            newton,
            (tf.ones_like(scores[..., :1]), tf.ones((), scores.dtype)),
            maximum_iterations=100,
        )
        policy, _ = policy_and_slopes(c)
        return policy / tf.reduce_sum(policy, -1, keepdims=True)

    def _h(self, policy: tf.Tensor) -> tf.Tensor:
        scale = self.order * (self.order - 1)
        return (tf.reduce_sum(policy**self.order, -1) - 1) / scale


def regulariser(
    name: str, tsallis_order: float = 0.5, strength: float = 1.0
) -> Regulariser:
    """The regulariser that has a name.

    Args:
      name: one of `NAMES`.
      tsallis_order: the order of "tsallis"; of no effect on the others.
      strength: its strength.

    Raises:
      ValueError: there is no such regulariser, or a number is out of range.
    """
    parameters.one_of("regulariser", name, NAMES)
    if name == "tsallis":
        return Tsallis(strength, tsallis_order)
    return Entropy(strength) if name == "entropy" else Tsallis(strength, 2.0)


def _below_best(scores: tf.Tensor, legal: tf.Tensor) -> tf.Tensor:
    """Scores less the best legal one; those of illegal actions are very low."""
    scores = tf.where(legal, scores, scores.dtype.min)
    return scores - tf.reduce_max(scores, -1, keepdims=True)
