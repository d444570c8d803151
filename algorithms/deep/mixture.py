"""Policies of a continuous game of which each player draws one and keeps to it.

Shapes: T decision times, K policies, P players of each, X components of a state, U of
an action, M points of a crowd.
"""

from __future__ import annotations

from collections.abc import Mapping
import math

import keras
import numpy as np
import tensorflow as tf

from algorithms.deep import networks, randomness
from algorithms.deep.continuous_play import (
    Act,
    Episode,
    Shaken,
    chance,
    features,
    mean_action,
    play,
    random_action,
    side_by_side,
)
from mfg_games.continuous import ContinuousGame, Crowd


class Mixture:
    """A weighted list of networks that play.

    At first there is one, of weight 1, that does not act.

    Args:
      game: the game.
      network: one of them, whose outputs are the parameters of a squashed normal.
      crowd_size: M, of crowds that the players make up themselves.
      draws: whether actions are drawn, or are the normals' means.
    """

    def __init__(
        self,
        game: ContinuousGame,
        network: keras.Model,
        crowd_size: int,
        draws: bool = False,
    ):
        self._game, self._network = game, network
        self._crowd_size, self._draws = crowd_size, draws
        row = tf.zeros_like(networks.flat_weights(network))[None]
        self._members = tf.Variable(row, shape=(None, row.shape[1]))
        self._weights = tf.Variable(tf.ones(1), shape=(None,))
        points = (game.horizon + 1, crowd_size)
        crowds = Crowd(
            tf.TensorSpec((*points, game.num_components)), tf.TensorSpec(points)
        )
        number = tf.TensorSpec((), tf.int64)
        mixture = tf.TensorSpec(self._members.shape), tf.TensorSpec([None])
        spec = *mixture, number, number
        self._among_themselves = networks.compiled(self._simulate, *spec, xla=False)
        self._in_crowds = networks.compiled(self._simulate, *spec, crowds, xla=False)

    @property
    def variables(self) -> Mapping[str, tf.Variable]:
        """All that it remembers, by name."""
        return {"members": self._members, "weights": self._weights}

    @property
    def weights(self) -> np.ndarray:
        """Of the policies, [K], float32."""
        return self._weights.numpy()

    def add(self, network: keras.Model, weight: float) -> None:
        """Mixes a network in as it is now; weight 1 leaves no other."""
        row = networks.flat_weights(network)[None]
        if weight == 1:
            self._members.assign(row)
            self._weights.assign([1.0])
            return
        older = (1 - weight) * self._weights
        self._members.assign(tf.concat([self._members, row], axis=0))
        self._weights.assign(tf.concat([older, [weight]], axis=0))

    def simulate(
        self, num_players: int, seed: int, crowds: Crowd | None = None
    ) -> Episode:
        """Plays an episode.

        Args:
          num_players: at least; every policy has equally many, so many that the
            likeliest one has its share.
          seed: of their chance.
          crowds: whom they meet at each time from 0 to T, states [T + 1, M, X]; None
            for M of themselves, of each policy its share.

        Returns:
          States [T + 1, K, P, X], actions [T, K, P, U] and returns [K, P].
        """
        share = float(self.weights.max())
        per_member = max(1, math.ceil(num_players * share - 1e-3))
        numbers = (tf.constant(number, tf.int64) for number in (per_member, seed))
        mixture = self._members.value(), self._weights.value()
        if crowds is None:
            return self._among_themselves(*mixture, *numbers)
        return self._in_crowds(*mixture, *numbers, crowds)

    def simulate_last(self, num_players: int, seed: int, crowds: Crowd) -> Episode:
        """`simulate`, but everybody, P = `num_players`, plays the newest policy."""
        numbers = (tf.constant(number, tf.int64) for number in (num_players, seed))
        last = self._members.value()[-1:]
        return self._in_crowds(last, tf.ones(1), *numbers, crowds)

    def actions(self, time: int, states: np.ndarray) -> np.ndarray:
        """What each policy does in states [B, X] without chance, [K, B, U]."""
        states = tf.constant(states, tf.float32)
        everywhere = tf.tile(states[None], [len(self.weights), 1, 1])
        outputs = self._outputs(self._members.value(), tf.constant(time), everywhere)
        return mean_action(self._game, outputs).numpy()

    def gains(self, act: Act, players: int, seed: tf.Tensor, crowds: Crowd):
        """What others earn more than players of each policy. For graphs.

        Args:
          act: what the others do, in states [P, X].
          players: P, of each kind, who meet the same chance.
          seed: integer, of that chance.
          crowds: whom they meet.

        Returns:
          Float32 [P, K].
        """
        game, rows = self._game, self._members.value()
        seed = tf.stack([seed, 0 * seed])
        shaken = chance(game, players, seed)
        theirs = play(game, act, shaken, crowds, (players,)).returns
        number = tf.shape(rows)[0]
        everybody = Shaken(
            tf.tile(shaken.uniforms, [number]),
            tf.tile(shaken.normals, [1, number, 1]),
        )
        shape = (number, players)
        ours = play(game, self._act(rows, shape, seed), everybody, crowds, shape)
        return theirs[:, None] - tf.transpose(ours.returns)

    def equally_likely(
        self, values: tf.Tensor, count: int, rng: np.random.Generator
    ) -> tf.Tensor:
        """Players of all policies, by their weights, in any order.

        Args:
          values: [T, K, P, X], what P players of each policy did or were; too few of
            a policy stand for more than one.
          count: how many.
          rng: draws them.

        Returns:
          [T, count, X].
        """
        positions = (rng.random() + np.arange(count)) / count
        shares = np.cumsum(self.weights, dtype=np.float64)
        members = np.searchsorted(shares / shares[-1], positions, side="right")
        first = np.searchsorted(members, members)  # of the same policy
        players = (np.arange(count) - first) % values.shape[2]
        rows = (members * values.shape[2] + players)[rng.permutation(count)]
        flat = tf.reshape(values, (values.shape[0], -1, values.shape[3]))
        return tf.gather(flat, rows, axis=1)

    def _outputs(self, rows: tf.Tensor, time: tf.Tensor, states: tf.Tensor):
        seen = features(self._game, time, states)
        return side_by_side(self._network, rows, seen)

    def _act(self, rows: tf.Tensor, shape: tuple, seed: tf.Tensor) -> Act:
        """What policies with such weights do in states [K, P, X], (K, P) = `shape`."""
        game = self._game
        if not self._draws:
            return lambda time, states: mean_action(
                game, self._outputs(rows, time, states)
            )
        size = (game.horizon, *shape, game.num_controls)
        normals = randomness.normal(size, randomness.branch(seed, 2))

        def act(time, states):
            outputs = self._outputs(rows, time, states)
            return random_action(game, outputs, tf.gather(normals, time))[0]

        return act

    def _simulate(
        self,
        rows: tf.Tensor,
        weights: tf.Tensor,
        players: tf.Tensor,
        number: tf.Tensor,
        crowds: Crowd | None = None,
    ) -> Episode:
        """`simulate` as a graph."""
        shape = (tf.shape(rows, tf.int64)[0], players)
        seed = tf.stack([number, 0 * number])
        shaken = chance(self._game, shape[0] * players, seed)
        # Those who stand for all: of each policy its share.
        ranks = tf.range(self._crowd_size, dtype=tf.int64)
        positions = (tf.cast(ranks, tf.float32) + 0.5) / self._crowd_size
        policies = tf.searchsorted(tf.cumsum(weights)[:-1], positions, side="right")
        crowd = tf.cast(policies, tf.int64) * players + ranks % players
        act = self._act(rows, shape, seed)
        return play(self._game, act, shaken, crowds, shape, crowd)
