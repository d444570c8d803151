"""Players of a continuous game, many at a time, and the policies that they play.

Shapes: T decision times, K policies, P players, X components of a state, U of an
action, M points of a crowd.
"""

from __future__ import annotations

from collections.abc import Callable
import math
from typing import NamedTuple

import keras
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from algorithms.deep import randomness
from mfg_games.continuous import ContinuousGame, Crowd

# A policy's outputs are the mean and the standard deviation of a normal, which is
# squashed into the bounds of actions.
_LOG_STDS = -5.0, 0.5

Act = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # time, states -> actions


class Shaken(NamedTuple):
    """All chance of an episode.

    Attributes:
      uniforms: [B], that choose among initial laws.
      normals: [T + 1, B, X], of the start and of each step.
    """

    uniforms: tf.Tensor
    normals: tf.Tensor


class Episode(NamedTuple):
    """What players have done.

    Attributes:
      states: [T + 1, ..., X].
      actions: [T, ..., U].
      returns: [...], the sum of all that they were paid.
    """

    states: tf.Tensor
    actions: tf.Tensor
    returns: tf.Tensor


def features(game: ContinuousGame, time: tf.Tensor, states: tf.Tensor) -> tf.Tensor:
    """What networks see, [..., X + 1]: the state to its scale, and the time.

    Args:
      game: the game.
      time: integers, of a shape that broadcasts with the states' but for X.
      states: [..., X].
    """
    share = 2 * tf.cast(time, tf.float32) / game.horizon - 1
    scaled = states / tf.constant(game.scale, tf.float32)
    share = tf.broadcast_to(share[..., None], tf.shape(scaled[..., :1]))
    return tf.concat([scaled, share], axis=-1)


def mean_action(game: ContinuousGame, outputs: tf.Tensor) -> tf.Tensor:
    """The action without chance, [..., U], of a network's outputs [..., 2 U]."""
    return game.largest_action * tf.tanh(outputs[..., : game.num_controls])


def random_action(
    game: ContinuousGame, outputs: tf.Tensor, normals: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """An action [..., U] by standard normals, and the logarithm of its density, [...].

    The density is that of the action over its bound.
    """
    mean, log_std = _normal_of(outputs)
    free = mean + tf.exp(log_std) * normals
    logs = -0.5 * normals**2 - log_std - 0.5 * math.log(2 * math.pi)
    logs -= _log_slope(free)
    return game.largest_action * tf.tanh(free), tf.reduce_sum(logs, axis=-1)


def log_density(
    game: ContinuousGame, outputs: tf.Tensor, actions: tf.Tensor
) -> tf.Tensor:
    """Of actions [..., U] over their bound, [...], inside the bounds by a hair."""
    mean, log_std = _normal_of(outputs)
    free = tf.atanh(tf.clip_by_value(actions / game.largest_action, -0.9999, 0.9999))
    normals = (free - mean) * tf.exp(-log_std)
    logs = -0.5 * normals**2 - log_std - 0.5 * math.log(2 * math.pi)
    return tf.reduce_sum(logs - _log_slope(free), axis=-1)


def chance(game: ContinuousGame, players: int | tf.Tensor, seed: tf.Tensor) -> Shaken:
    """Random numbers of an episode of so many players, from a seed, integers [2]."""
    shape = (game.horizon + 1, players, game.num_components)
    return Shaken(
        randomness.uniform((players,), seed),
        randomness.normal(shape, randomness.branch(seed, 1)),
    )


def play(
    game: ContinuousGame,
    act: Act,
    shaken: Shaken,
    crowds: Crowd | None,
    shape: tuple = (-1,),
    crowd_players: tf.Tensor | None = None,
) -> Episode:
    """Plays an episode. For graphs.

    Args:
      game: the game.
      act: the players' policy, of a time and states [..., X].
      shaken: its chance, of B players in all.
      crowds: the crowd at each time from 0 to T, states [T + 1, M, X]; None for some of
        these players themselves.
      shape: of the players, whose states are [*shape, X].
      crowd_players: the numbers of those players, int [M].
    """
    start = game.initial(tnp, shaken.uniforms, shaken.normals[0])
    size = (*shape, game.num_components)
    states = tf.reshape(start, size)
    horizon = game.horizon

    def crowd_at(time, states):
        if crowds is None:
            flat = tf.reshape(states, (-1, game.num_components))
            return Crowd.of_samples(tnp, tf.gather(flat, crowd_players))
        return Crowd(tf.gather(crowds.states, time), tf.gather(crowds.weights, time))

    def step(time, states, returns, seen, done):
        actions = act(time, states)
        crowd = crowd_at(time, states)
        returns += tf.cast(game.reward(tnp, states, actions, crowd), tf.float32)
        seen, done = seen.write(time, states), done.write(time, actions)
        normals = tf.reshape(tf.gather(shaken.normals, time + 1), tf.shape(states))
        after = game.step(tnp, states, actions, crowd, normals)
        return time + 1, tf.ensure_shape(after, states.shape), returns, seen, done

    arrays = (
        tf.TensorArray(tf.float32, horizon + 1),
        tf.TensorArray(tf.float32, horizon),
    )
    begin = (tf.constant(0), states, tf.zeros_like(states[..., 0]), *arrays)
    time, states, returns, seen, done = tf.while_loop(
        lambda time, *_: time < horizon, step, begin
    )
    end = crowd_at(time, states)
    returns += tf.cast(game.terminal_reward(tnp, states, end), tf.float32)
    return Episode(seen.write(time, states).stack(), done.stack(), returns)


def side_by_side(network: keras.Model, rows: tf.Tensor, inputs: tf.Tensor) -> tf.Tensor:
    """Outputs of several multilayer perceptrons of one kind, each for its own inputs.

    Args:
      network: one of them.
      rows: their weights as `networks.flat_weights` gives them, [K, size].
      inputs: [K, P, F].

    Returns:
      [K, P, outputs].
    """
    shapes = [weight.shape for weight in network.trainable_variables]
    parts = tf.split(rows, [math.prod(shape) for shape in shapes], axis=1)
    values = inputs
    for number in range(0, len(parts), 2):  # a kernel and a bias
        kernel = tf.reshape(parts[number], (-1, *shapes[number]))
        values = tf.matmul(values, kernel) + parts[number + 1][:, None]
        if number + 2 < len(parts):
            values = tf.nn.relu(values)
    return values


def _normal_of(outputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and logarithm of the standard deviation, before squashing."""
    mean, free = tf.split(outputs, 2, axis=-1)
    low, high = _LOG_STDS
    return mean, low + (high - low) * tf.sigmoid(free)


def _log_slope(free: tf.Tensor) -> tf.Tensor:
    """Logarithm of the derivative of tanh."""
    return 2 * (math.log(2) - free - tf.nn.softplus(-2 * free))
