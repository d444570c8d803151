"""One player's decision problem with the kernel of a game and rewards that are given.

Transitions must not depend on the crowd. Shapes: D decision nodes, A actions; H noise
histories, N populations and S states of one time.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from algorithms.model import MeanFieldModel, segments
from algorithms.model.array_model import ArrayModel
from algorithms.model.segments import Segment


class ArrayProblem(ArrayModel):
    """The problem in a game of `mfg_games`, one compiled sweep."""

    def solve(self, rewards: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The best value, summed over populations, and Q [D, A], for rewards [D, A]."""
        histories = self._dynamics.num_histories(self._dynamics.horizon)
        values = tf.zeros((1, histories, *self._layer), self.dtype)
        layers = []
        for segment in reversed(self._segments):
            rows = segment.rows(rewards)
            values, (q,) = segments.scan(
                lambda i, values, s=segment, r=rows: self._best(
                    s, i, values, self._layered(s, r[i])
                ),
                values,
                range(segment.length - 1, -1, -1),
                [self._spec(segment, self.num_actions)],
            )
            layers.append(tf.reshape(q, [-1, self.num_actions]))
        return tf.reduce_sum(self._start() * values), tf.concat(layers[::-1], 0)

    def _best(self, segment: Segment, i, values: tf.Tensor, rewards: tf.Tensor):
        """One step back: values [1, H, N, S] now, and Q [H, N, S, A]."""
        law = self._dynamics.uniform_law()  # any, since no transition depends on it
        law = segment.probabilities.reshape([-1] + [1] * law.ndim) * law
        step = self._step.transition(segment, i, law)
        after = self._step.continuation(segment, values, step)[0]
        q = rewards + self._by_action(after)
        allowed = tf.where(self._legal, q, q.dtype.min) if self._restricted else q
        return tf.reduce_max(allowed, axis=-1)[None], (q,)


class TableProblem:
    """The problem in a game that is known by its API alone, row by row.

    Args:
      model: of the game.
    """

    def __init__(self, model: MeanFieldModel):
        self._model = model
        steps = model.steps(model.distribution(model.uniform_policy()))
        self._successors = steps.successors.numpy()
        self._probabilities = steps.probabilities.numpy()
        self._legal = model.legal_actions.numpy()

    def solve(self, rewards: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The best value, summed over populations, and Q [D, A], for rewards [D, A]."""
        q = rewards.numpy().astype(np.float64)
        values = np.zeros(len(q) + 1)
        for row in reversed(range(len(q))):  # successors have later rows
            after = values[self._successors[row]] * self._probabilities[row]
            q[row] += after.sum(axis=-1)
            values[row] = q[row, self._legal[row]].max()
        start = self._model.start()
        value = start.probabilities.numpy() @ values[start.rows.numpy()]
        return tf.constant(value), self._model.as_tensor(q)
