"""One player's decision problem in a game of `mfg_games`, as tables over its rows."""

from __future__ import annotations

import tensorflow as tf

from algorithms.model.base import Flow, Steps
from algorithms.model.one_step import OneStep
from algorithms.model.segments import Segment
from mfg_games.dynamics import Dynamics


def array_steps(
    dynamics: Dynamics, step: OneStep, segments: list[Segment], flow: Flow
) -> Steps:
    """`MeanFieldModel.steps` of the array model.

    The rows of the layer at the horizon would follow those of the D decision nodes, so
    a successor of D + j is the j-th place there, whose reward ends the game.
    """
    tables = [_segment_steps(dynamics, step, segment, flow) for segment in segments]
    num_nodes = segments[-1].first_node + segments[-1].length * segments[-1].layer_size
    outcomes = max(successors.shape[-1] for successors, *_ in tables)
    successors, probabilities, rewards = (
        tf.concat(parts, 0)
        for parts in zip(
            *(_padded(*table, outcomes, num_nodes) for table in tables), strict=True
        )
    )
    last = num_nodes - segments[-1].layer_size
    terminal = tf.cast(step.terminal_rewards(flow.rest), flow.mass.dtype)
    terminal = tf.reshape(terminal, [-1])
    # Padding leads to place 0 there, with probability 0.
    paid = tf.gather(terminal, successors[last:] - num_nodes) * probabilities[last:]
    rewards = tf.concat([rewards[:last], rewards[last:] + tf.reduce_sum(paid, -1)], 0)
    return Steps(tf.minimum(successors, num_nodes), probabilities, rewards)


def _padded(successors, probabilities, rewards, outcomes: int, end: int) -> tuple:
    padding = [[0, 0], [0, 0], [0, outcomes - successors.shape[-1]]]
    return (
        tf.pad(successors, padding, constant_values=end),
        tf.pad(probabilities, padding),
        rewards,
    )


def _segment_steps(
    d: Dynamics, step: OneStep, segment: Segment, flow: Flow
) -> tuple[tf.Tensor, ...]:
    """Successors, probabilities and rewards of a segment's rows."""
    layer = (segment.histories, d.num_populations, d.num_states)
    law = segment.rows(flow.joint if d.joint_law else flow.mass)

    def tables(i):
        here = tf.reshape(law[i], (*layer, *law.shape[2:]))
        rewards = tf.cast(step.reward(segment, i, here), flow.mass.dtype)
        rewards = tf.broadcast_to(rewards, (*layer, d.num_actions))
        successors, probabilities = _outcomes(
            d, segment, *step.transition(segment, i, here)[:2]
        )
        first = segment.first_node + (i + 1) * segment.layer_size
        return successors + first, probabilities, rewards

    outcomes = segment.branches * d.successor_shape[-1]
    per_outcome = (*layer, d.num_actions, outcomes)
    dtype = flow.mass.dtype
    found = tf.map_fn(
        tables,
        tf.range(segment.length),
        fn_output_signature=(
            tf.TensorSpec(per_outcome, tf.int32),
            tf.TensorSpec(per_outcome, dtype),
            tf.TensorSpec(per_outcome[:-1], dtype),
        ),
    )
    return tuple(tf.reshape(array, [-1, *array.shape[4:]]) for array in found)


def _outcomes(
    d: Dynamics, segment: Segment, successors: tf.Tensor, probabilities: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """All outcomes of both noises, for what `OneStep.transition` returns.

    Returns:
      Places in the next layer and their probabilities, each [H, N, S, A, B * K].
    """
    histories = segment.histories * segment.branches
    populations = (histories, d.num_populations)
    sources = successors.shape[-2:] if d.moves is not None else successors.shape[-3:]
    successors = tf.reshape(
        tf.convert_to_tensor(successors, tf.int32), [-1, 1, *sources]
    )
    successors = tf.broadcast_to(successors, (*populations, *sources))
    probabilities = tf.broadcast_to(probabilities, successors.shape)
    if d.moves is not None:
        successors = tf.gather(successors, d.moves, axis=2)
        probabilities = tf.gather(probabilities, d.moves, axis=2)
    layers = tf.reshape(
        tf.range(histories * d.num_populations), (*populations, 1, 1, 1)
    )
    successors += layers * d.num_states
    outcomes = tf.cast(segment.outcomes, probabilities.dtype)
    probabilities *= tf.reshape(
        tf.tile(outcomes, [segment.histories]), [-1, 1, 1, 1, 1]
    )

    def merged(array):
        shape = (segment.histories, segment.branches, *array.shape[1:])
        array = tf.transpose(tf.reshape(array, shape), [0, 2, 3, 4, 1, 5])
        return tf.reshape(array, (*array.shape[:4], -1))

    return merged(successors), merged(probabilities)
