"""A game's functions at one time, for all noise histories at once, as tensors.

Shapes as in `array_model`: H histories, B outcomes of the common noise, N populations,
S states, A actions, K outcomes of the individual noise.
"""

from __future__ import annotations

from collections.abc import Callable
import functools
import itertools
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from algorithms.model import soundness, tracing
from algorithms.model.push import table
from algorithms.model.segments import Segment
from algorithms.model.tracing import METHODS
from mfg_games.dynamics import Dynamics


class Transition(NamedTuple):
    """Where players go in one step.

    Attributes:
      successors: int32 [H * B, S, A, K], or without the first axis where they are
        fixed.
      probabilities: of the successors, broadcastable to [H * B, N, S, A, K]; where the
        game has moves, the axis A is missing in both.
      sound: bool scalar, whether the probabilities are those of laws.
    """

    successors: tf.Tensor
    probabilities: tf.Tensor
    sound: tf.Tensor


class OneStep:
    """Transitions and rewards of a game.

    They are computed in float64 whatever the dtype.

    Args:
      dynamics: the game.
      dtype: of what the methods return.

    Attributes:
      by_number: the methods that are called with numbers, not tensors, for t and z:
        once for each time and noise history.
      fixed: the successors, int32 [S, A, K], or [S, K] after a move, where they are
        alike at all times, in all crowds and noise histories; else None.

    Raises:
      ValueError: a function of the game does not take tensors, see `tracing`.
    """

    def __init__(self, dynamics: Dynamics, dtype: tf.DType):
        self._dynamics = dynamics
        self._dtype = dtype
        self.by_number = {
            method for method in METHODS if tracing.needs_numbers(dynamics, method)
        }
        self.fixed = self._fixed_successors()
        self._table = None if self.fixed is None else table(self.fixed)

    def _fixed_successors(self) -> np.ndarray | None:
        if "transition" in self.by_number:
            return None
        successors, _ = tracing.trace(self._dynamics, "transition")[0]
        if tf.is_tensor(successors):
            successors = tf.get_static_value(successors)
        return None if successors is None else np.asarray(successors, np.int32)

    def transition(
        self, segment: Segment, i: tf.Tensor | int, law: tf.Tensor
    ) -> Transition:
        """Where players go in the i-th step of a segment.

        Args:
          segment: the segment.
          i: the time in it.
          law: masses, [H, N, S], or [H, N, S, A] in games with a joint law.
        """
        mu = self._mu(segment, law)
        if segment.branches > 1:
            mu = tf.repeat(mu, segment.branches, axis=0)
        times = range(segment.start, segment.stop)
        result = self._per_history("transition", times, i, mu, segment.z_next)
        successors, probabilities = (self._table, *result)[-2:]
        sound = tf.reduce_all(soundness.are_laws(probabilities))
        return Transition(successors, tf.cast(probabilities, self._dtype), sound)

    def _transition(self, t, mu: tf.Tensor, z) -> tuple[tf.Tensor, ...]:
        """Of one history: successors unless they are fixed, and probabilities."""
        successors, probabilities = tracing.call(self._dynamics, "transition", t, mu, z)
        if self.fixed is not None:
            return (probabilities,)
        if "transition" in self.by_number:  # whose times may differ in it
            shape = (self._dynamics.num_populations, *successors.shape)
            probabilities = tf.broadcast_to(probabilities, shape)
        return tf.cast(successors, tf.int32), probabilities

    def continuation(
        self,
        segment: Segment,
        values: tf.Tensor,
        where: Transition,
    ) -> tf.Tensor:
        """Expected later values, [V, H, N, S, A], or [V, H, N, S] after a move.

        Args:
          segment: the segment.
          values: [V, H * B, N, S], several of them, one step later.
          where: of `transition`.
        """
        successors, probabilities, _ = where
        if self.fixed is not None:
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
        """Discounted rewards of the i-th step, float64 [H, N, S, A or 1]."""
        d = self._dynamics
        times = range(segment.start, segment.stop)
        mu = self._mu(segment, law)
        reward = self._per_history("reward", times, i, mu, segment.z_now)
        if d.discount != 1.0:
            reward *= tf.gather(d.discounts, segment.start + i)
        return reward

    def terminal_rewards(self, mass: tf.Tensor) -> tf.Tensor:
        """Discounted rewards at the horizon of the masses there, float64 [H, N, S]."""
        d = self._dynamics
        mu = d.given_histories(d.horizon, tf.cast(mass, tf.float64))
        values = d.common_noise.values if d.common_noise else None
        z = None if values is None else values[-1][None]
        times = range(d.horizon, d.horizon + 1)
        reward = self._per_history("terminal_reward", times, 0, mu, z)
        return d.discounts[d.horizon] * reward

    def _mu(self, segment: Segment, law: tf.Tensor) -> tf.Tensor:
        """What a game's functions take for mu, float64 [H, N, S] or [H, N, S, A]."""
        law = tf.cast(law, tf.float64)
        return self._dynamics.given_histories(segment.start, law)

    def _per_history(self, method: str, times: range, i, mu: tf.Tensor, z):
        """What a function of the game gives in each history, stacked.

        Args:
          method: its name.
          times: that `i` counts.
          i: int or integer tensor.
          mu: [histories, N, S, ...].
          z: [times, histories, ...], or None.
        """
        function = self._transition
        if method != "transition":
            function = functools.partial(tracing.call, self._dynamics, method)
        if method not in self.by_number:
            z = None if z is None else tf.gather(z, i)
            return _mapped(functools.partial(function, times.start + i), mu, z)

        def at(i):
            seen = mu.shape[0] * [None] if z is None else z[i]
            found = itertools.starmap(
                functools.partial(function, times[i]),
                zip(tf.unstack(mu), seen, strict=True),
            )
            return tf.nest.map_structure(lambda *each: tf.stack(each), *found)

        if isinstance(i, int):
            return at(i)
        return tf.switch_case(i, [functools.partial(at, k) for k in range(len(times))])


def _mapped(function: Callable, mu: tf.Tensor, z: tf.Tensor | None):
    """Applies a game's function to each history's mu [N, S] and z, stacking results."""
    if mu.shape[0] == 1:
        result = function(mu[0], None if z is None else z[0])
        return tf.nest.map_structure(lambda array: array[None], result)
    if z is None:
        return tf.vectorized_map(lambda mu: function(mu, None), mu)
    return tf.vectorized_map(lambda mu_z: function(*mu_z), (mu, z))
