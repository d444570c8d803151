"""Moves mass along edges: the adjoint of a gather."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

# Padding the predecessor table to the largest in-degree may at most multiply its
# size by this; beyond, a scatter is cheaper.
_MAX_PADDING = 4

# Larger tables are no constants of the graph: compilation copies those several times.
_MAX_CONSTANT = 2**20


def table(array: np.ndarray) -> np.ndarray | tf.Tensor:
    """A fixed array for compiled functions.

    A constant of the graph costs nothing, but every tensor that a compiled function
    captures costs 20-30 microseconds a call.
    """
    return array if array.size <= _MAX_CONSTANT else tf.constant(array)


class Push:
    """Sums what flows along fixed edges at their targets.

    A gather over each target's predecessors runs several times faster than a scatter
    on a CPU and is deterministic on a GPU.

    Args:
      targets: int [...], the target of each edge.
      num_targets: how many there are.
    """

    def __init__(self, targets: np.ndarray, num_targets: int):
        self._edge_dims = targets.ndim
        self._num_targets = num_targets
        edges = targets.ravel()
        degrees = np.bincount(edges, minlength=num_targets)
        self._table = self._filled = None
        if degrees.max() * num_targets <= _MAX_PADDING * len(edges):
            sources, filled = _predecessors(edges, degrees)
            self._table = table(sources)
            self._filled = None if filled.all() else table(filled)
        else:
            self._targets = table(edges)

    def __call__(self, flow: tf.Tensor) -> tf.Tensor:
        """Flow [..., *edges] gives its sum at the targets, [..., num_targets]."""
        lead = flow.shape[: flow.ndim - self._edge_dims]
        flow = tf.reshape(flow, [lead.num_elements(), -1])
        if self._table is not None:
            arriving = tf.gather(flow, self._table, axis=1)
            if self._filled is not None:
                arriving = tf.where(self._filled, arriving, 0)
            summed = tf.reduce_sum(arriving, 1)
        else:
            summed = tf.math.unsorted_segment_sum(
                tf.transpose(flow), self._targets, self._num_targets
            )
            summed = tf.transpose(summed)
        return tf.reshape(summed, [*lead, self._num_targets])


def _predecessors(
    edges: np.ndarray, degrees: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Edges into each target, [max degree, targets], and which entries are filled."""
    order = np.argsort(edges, kind="stable").astype(np.int32)
    first = np.cumsum(degrees) - degrees
    rank = np.arange(degrees.max())[:, None]
    filled = rank < degrees
    return order[np.where(filled, first + rank, 0)], filled


def push_moving(flow: tf.Tensor, successors: tf.Tensor, num_states: int) -> tf.Tensor:
    """The same along edges that differ from history to history.

    Args:
      flow: [H, N, S, A, K], or [H, N, S, K] after a move.
      successors: int [H, S, A, K], or [H, S, K].
      num_states: S.

    Returns:
      [H, N, S].
    """
    histories, populations = flow.shape[:2]
    layer = tf.range(histories * populations, dtype=successors.dtype) * num_states
    layer = tf.reshape(layer, [histories, populations] + [1] * (flow.ndim - 2))
    summed = tf.math.unsorted_segment_sum(
        tf.reshape(flow, [-1]),
        tf.reshape(layer + successors[:, None], [-1]),
        histories * populations * num_states,
    )
    return tf.reshape(summed, [histories, populations, num_states])
