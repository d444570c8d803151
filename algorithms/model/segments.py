"""The layers of a game in time, grouped so that one compiled loop sweeps each group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import dataclasses
import itertools

import numpy as np
import tensorflow as tf

from mfg_games.dynamics import Dynamics


@dataclasses.dataclass(frozen=True)
class Segment:
    """Decision times start..stop-1 that have the same noise histories.

    A time at which common noise is drawn is a segment of its own.

    Attributes:
      start, stop: the decision times.
      histories: H, the number of noise histories.
      branches: B, the outcomes of the common noise after each of the times.
      first_node: the row of the first node.
      layer_size: number of nodes at each of the times.
      probabilities: float64 [H], of the histories.
      outcomes: float64 [B], of the common noise.
      z_now: [times, H, ...], what the game sees of the histories; None for nothing.
      z_next: [times, H * B, ...], the same one step later.
    """

    start: int
    stop: int
    histories: int
    branches: int
    first_node: int
    layer_size: int
    probabilities: np.ndarray
    outcomes: np.ndarray
    z_now: np.ndarray | None
    z_next: np.ndarray | None

    @property
    def length(self) -> int:
        """Number of decision times."""
        return self.stop - self.start

    def rows(self, array: tf.Tensor) -> tf.Tensor:
        """The segment's part of a node array [D, ...], [times, layer_size, ...]."""
        part = array[self.first_node : self.first_node + self.length * self.layer_size]
        return tf.reshape(part, (self.length, self.layer_size, *array.shape[1:]))


def split(dynamics: Dynamics) -> list[Segment]:
    """All segments of a game, in the order of time."""
    bounds = [0]
    for t in range(dynamics.horizon):
        if dynamics.num_common_outcomes(t) > 1:
            bounds += [t, t + 1]
    bounds = sorted({*bounds, dynamics.horizon})
    segments = []
    first_node = 0
    for start, stop in itertools.pairwise(bounds):
        segment = _segment(dynamics, start, stop, first_node)
        segments.append(segment)
        first_node += segment.length * segment.layer_size
    return segments


def _segment(d: Dynamics, start: int, stop: int, first_node: int) -> Segment:
    noise = d.common_noise
    values = noise.values if noise else None
    law = d.outcome_probabilities(start)
    histories = d.num_histories(start)
    return Segment(
        start=start,
        stop=stop,
        histories=histories,
        branches=len(law),
        first_node=first_node,
        layer_size=histories * d.num_populations * d.num_states,
        probabilities=d.history_probabilities(start),
        outcomes=law,
        z_now=None if values is None else np.stack(values[start:stop]),
        z_next=None if values is None else np.stack(values[start + 1 : stop + 1]),
    )


def scan(
    step: Callable, carry: tf.Tensor, times: range, specs: Sequence[tf.TensorSpec]
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Runs `carry, outputs = step(i, carry)` over `times` in one compiled loop.

    Args:
      step: the step; `i` is an integer tensor, or an int if there is one time only.
      carry: initial carry, any structure of tensors.
      times: consecutive indices, ascending or descending.
      specs: of the outputs.

    Returns:
      The last carry, and each output stacked at its index, [times, *shape].
    """
    if len(times) == 1:
        carry, outputs = step(times[0], carry)
        return carry, [output[None] for output in outputs]
    arrays = [
        tf.TensorArray(spec.dtype, len(times), element_shape=spec.shape)
        for spec in specs
    ]

    def body(i, carry, arrays):
        carry, outputs = step(i, carry)
        written = [a.write(i, o) for a, o in zip(arrays, outputs, strict=True)]
        return i + times.step, carry, written

    _, carry, arrays = tf.while_loop(
        lambda *_: True,
        body,
        (tf.constant(times.start), carry, arrays),
        maximum_iterations=len(times),
    )
    return carry, [array.stack() for array in arrays]
