"""The objective of MF-OMO (Guo, Hu & Zhang 2024, section 3) and its variables.

For an occupation measure L [D, A], values v [D] and slacks z [D, A], with the
transitions P(L) and rewards r(L) that a player meets in the crowd that L is,

    f = c1 |A(L) L - b|^2 + c2 |A(L)^T v - r(L) - z|^2 + c3 <z, L>,

where A(L) L = b says that L is the flow of its own policy in its own crowd, and
A(L)^T v = v - P(L) v. With L, z >= 0, f = 0 holds exactly if L is a flow, v and z are
feasible for the dual of a player's linear program and complementary to L: L is an
equilibrium. The paper counts v with another sign where t > 0.

Rewards at the horizon are paid for the last actions, and L at each time and noise
history sums to the probability of the history, as in `algorithms.model`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from algorithms.model import Flow
from algorithms.model.array_model import ArrayModel
from algorithms.model.base import Steps
from mfg_games.dynamics import Dynamics


class Variables(NamedTuple):
    """Where the objective is evaluated.

    Attributes:
      measure: L, [D, A], not negative and 0 for illegal actions.
      values: v, [D].
      slack: z, [D, A]; that of illegal actions does not matter.
    """

    measure: tf.Tensor
    values: tf.Tensor
    slack: tf.Tensor


class OmoObjective:
    """MF-OMO's objective for one game.

    Args:
      model: the game's.
      weights: (c1, c2, c3).
    """

    def __init__(self, model: ArrayModel, weights: tuple[float, float, float]):
        self._model = model
        self._weights = tf.convert_to_tensor(weights, model.dtype)
        start = model.start()
        self._start = tf.scatter_nd(
            start.rows[:, None], start.probabilities, [model.num_nodes]
        )

    def terms(self, at: Variables) -> tf.Tensor:
        """The three terms with their weights, [3]."""
        legal = self._model.legal_actions
        steps = self._model.steps(self._model.flow_of(at.measure))
        flow = tf.reduce_sum(at.measure, axis=1) - self._inflow(at.measure, steps)
        excess = self.advantage(at.values, steps) - at.slack
        terms = (
            tf.reduce_sum((flow - self._start) ** 2),
            tf.reduce_sum(tf.where(legal, excess, 0.0) ** 2),
            tf.reduce_sum(at.slack * at.measure),
        )
        return self._weights * tf.stack(terms)

    def _inflow(self, measure: tf.Tensor, steps: Steps) -> tf.Tensor:
        """The mass that comes to each node, [D]."""
        arriving = tf.reshape(measure[..., None] * steps.probabilities, [-1])
        nodes = tf.reshape(steps.successors, [-1])
        end = self._model.num_nodes
        return tf.math.unsorted_segment_sum(arriving, nodes, end + 1)[:end]

    def advantage(self, values: tf.Tensor, steps: Steps) -> tf.Tensor:
        """What an action loses if nodes are worth `values`, v - P v - r, [D, A]."""
        after = tf.gather(tf.pad(values, [[0, 1]]), steps.successors)
        after = tf.reduce_sum(steps.probabilities * after, axis=-1)
        return values[:, None] - after - steps.rewards

    def with_best_values(self, measure: tf.Tensor) -> Variables:
        """The measure with the values of its best response and what actions lose.

        The second term is then 0, and if the measure is a flow the third one is its
        exploitability times c3 (Proposition 6).
        """
        model, legal = self._model, self._model.legal_actions
        flow: Flow = model.flow_of(measure)
        found = model.evaluate(model.uniform_policy(), flow)
        best_q = tf.cast(model.absolute(found.best_q, found), model.dtype)
        values = tf.reduce_max(tf.where(legal, best_q, best_q.dtype.min), axis=1)
        slack = tf.where(legal, values[:, None] - best_q, 0.0)
        return Variables(measure, values, slack)


def largest_sums(dynamics: Dynamics) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of what is paid from each decision time on, discounted, float64 [T] each.

    Returns:
      (largest magnitude, which bounds values; largest difference, which bounds slacks).
    """
    ranges = np.array(
        [dynamics.reward_range] * dynamics.horizon + [dynamics.terminal_reward_range]
    )
    ranges = np.cumsum((dynamics.discounts[:, None] * ranges)[::-1], axis=0)[:0:-1]
    return np.abs(ranges).max(axis=1), ranges[:, 1] - ranges[:, 0]
