"""A game's functions at one time, for all noise histories at once, as tensors.

Shapes as in `array_model`: H histories, B outcomes of the common noise, N populations,
S states, A actions, K outcomes of the individual noise.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from algorithms.model.push import table
from algorithms.model.segments import Segment
from mfg_games.dynamics import Dynamics


class OneStep:
    """Transitions and rewards of a game.

    They are computed in float64 whatever the dtype.

    Args:
      dynamics: the game.
      dtype: of what the methods return.

    Attributes:
      fixed: whether the successors do not depend on the distribution.
    """

    def __init__(self, dynamics: Dynamics, dtype: tf.DType):
        self._dynamics = dynamics
        self._dtype = dtype
        first, again = (dynamics.initial_transition()[0] for _ in range(2))
        self.fixed = first is again
        self._successors = table(first) if self.fixed else None

    def transition(
        self, segment: Segment, i: tf.Tensor | int, law: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Where players go in the i-th step of a segment.

        Args:
          segment: the segment.
          i: the time in it.
          law: masses, [H, N, S], or [H, N, S, A] in games with a joint law.

        Returns:
          Successors [H * B, S, A, K], or without the first axis where they are fixed,
          and their probabilities, broadcastable to [H * B, N, S, A, K]; where the
          game has moves, the axis A is missing in both.
        """
        d = self._dynamics
        t = segment.start + i
        z = None if segment.z_next is None else tf.gather(segment.z_next, i)
        mu = self._mu(segment, law)
        if segment.branches > 1:
            mu = tf.repeat(mu, segment.branches, axis=0)
        rank = 3 if d.moves is not None else 4

        def step(mu, z):
            successors, probabilities = d.transition(tnp, t, mu, z)
            probabilities = tf.convert_to_tensor(probabilities)
            missing = [1] * (rank - probabilities.ndim)
            probabilities = tf.reshape(probabilities, [*missing, *probabilities.shape])
            return (probabilities,) if self.fixed else (probabilities, successors)

        result = _per_history(step, mu, z)
        successors = self._successors if self.fixed else result[1]
        return successors, tf.cast(result[0], self._dtype)

    def continuation(
        self,
        segment: Segment,
        values: tf.Tensor,
        successors: tf.Tensor,
        probabilities: tf.Tensor,
    ) -> tf.Tensor:
        """Expected later values, [V, H, N, S, A], or [V, H, N, S] after a move.

        Args:
          segment: the segment.
          values: [V, H * B, N, S], several of them, one step later.
          successors: of `transition`.
          probabilities: of `transition`.
        """
        if self.fixed:
            after = tf.gather(values, successors, axis=3)
            after = tf.reduce_sum(after * probabilities, -1)
        else:
            each = [
                tf.gather(column, successors, axis=2, batch_dims=1)
                for column in tf.unstack(values)
            ]
            after = tf.stack([tf.reduce_sum(x * probabilities, -1) for x in each])
        if segment.branches > 1:
            shape = (-1, segment.histories, segment.branches, *after.shape[2:])
            outcomes = tf.cast(segment.outcomes, self._dtype)
            after = tf.einsum("vhb...,b->vh...", tf.reshape(after, shape), outcomes)
        return after

    def reward(self, segment: Segment, i: tf.Tensor | int, law: tf.Tensor) -> tf.Tensor:
        """Discounted rewards of the i-th step of a segment, [H, N, S, A or 1]."""
        d = self._dynamics
        t = segment.start + i
        z = None if segment.z_now is None else tf.gather(segment.z_now, i)
        reward = _per_history(
            lambda mu, z: d.reward(tnp, t, mu, z), self._mu(segment, law), z
        )
        if d.discount != 1.0:
            reward *= tf.constant(d.discount, tf.float64) ** tf.cast(t, tf.float64)
        return tf.cast(reward, self._dtype)

    def terminal_rewards(self, mass: tf.Tensor) -> tf.Tensor:
        """Discounted rewards at the horizon for the masses there, [H, N, S]."""
        d = self._dynamics
        probabilities = d.history_probabilities(d.horizon)[:, None, None]
        mu = tf.cast(mass, tf.float64) / probabilities
        values = d.common_noise.values if d.common_noise else None
        z = None if values is None else tf.constant(values[-1])
        reward = _per_history(lambda mu, z: d.terminal_reward(tnp, mu, z), mu, z)
        return tf.cast(d.discount**d.horizon * reward, self._dtype)

    def _mu(self, segment: Segment, law: tf.Tensor) -> tf.Tensor:
        """What a game's functions take for mu, float64 [H, N, S] or [H, N, S, A]."""
        law = tf.cast(law, tf.float64)
        return law / segment.probabilities.reshape([-1] + [1] * (law.ndim - 1))


def _per_history(function: Callable, mu: tf.Tensor, z: tf.Tensor | None):
    """Applies a game's function to each history's mu [N, S] and z, stacking results."""
    if mu.shape[0] == 1:
        result = function(mu[0], None if z is None else z[0])
        return tf.nest.map_structure(lambda array: array[None], result)
    if z is None:
        return tf.vectorized_map(lambda mu: function(mu, None), mu)
    return tf.vectorized_map(lambda mu_z: function(*mu_z), (mu, z))
