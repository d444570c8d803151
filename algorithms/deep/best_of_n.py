"""Best-of-n improvement of sampled games, learnt as in BOND (Sessa et al. 2024).

    repeat: groups of players walk whole games as the anchor says, each group from one
              start, in the population whose flow is frozen
            the policy learns what the best of n games of a group does, that is, to
              minimise the Jeffreys divergence

                (1 - beta) KL(best of n || policy) + beta KL(policy || best of n)

            anchor <- anchor + rate (policy - anchor)

With every round the best of n is taken anew of a better anchor. A game's return comes
from luck, too: where outcomes are random the best of n are also the lucky ones, so that
the policy leans towards risks.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
from typing import NamedTuple

import tensorflow as tf

from algorithms.deep import best_of_n_losses, divergences, networks, randomness
from algorithms.deep.best_response import NetworkResponse
from algorithms.deep.config import NetworkConfig
from algorithms.deep.networks import NetworkSpec
from algorithms.deep.players import NOWHERE, World, draw, draw_starts, draw_successors
from algorithms.regularisers import softmax
from mfg_games import parameters


@dataclasses.dataclass(frozen=True)
class BestOfNConfig(NetworkConfig):
    """Hyper-parameters of `BestOfN`.

    Attributes:
      rounds: of walking and learning in an iteration.
      groups: how many start rows are drawn in a round.
      group_size: players who start in each of them.
      n: of how many games, drawn from a group, the best is learnt from.
      updates: gradient steps of a round.
      beta: weight of the backward divergence, in [0, 1].
      anchor_weight: weight of KL(policy || anchor), added to the divergence.
      anchor_rate: share of the way that the anchor goes to the policy in a round.
    """

    learning_rate: float = 5e-4
    clip_norm: float = 1.0
    rounds: int = 25
    groups: int = 4
    group_size: int = 16
    n: int = 8
    updates: int = 40
    beta: float = 0.5
    anchor_weight: float = 0.0
    anchor_rate: float = 1.0

    def __post_init__(self):
        super().__post_init__()
        for name in ("rounds", "groups", "group_size", "updates"):
            parameters.at_least(name, getattr(self, name), 1)
        # All games of a group are compared with each other.
        compared = 4 * self.groups * self.group_size**2
        parameters.fits(compared, groups=self.groups, group_size=self.group_size)
        fits = 1 <= self.n <= self.group_size
        parameters.require(fits, "n", self.n, f"in 1..`group_size`={self.group_size}")
        parameters.probability("beta", self.beta)
        parameters.at_least("anchor_weight", self.anchor_weight, 0)
        rate = 0 < self.anchor_rate <= 1
        parameters.require(rate, "anchor_rate", self.anchor_rate, "above 0, at most 1")


class Games(NamedTuple):
    """Moves of a round's games: M of them.

    Attributes:
      places: int64 [M, 2], rows and actions.
      all_moves, best_moves: float32 [M], cumulated weights: of all moves alike, and of
        those in the best of n games.
      ranks: [M], how good the game was that the move belongs to, centred in its group.
    """

    places: tf.Tensor
    all_moves: tf.Tensor
    best_moves: tf.Tensor
    ranks: tf.Tensor


class BestOfN(NetworkResponse):
    """A policy network that learns what the best of n games of its anchor do.

    Args:
      spec: sizes and precision of the networks.
      config: the hyper-parameters.
      seed: of all random numbers.
    """

    def __init__(self, spec: NetworkSpec, config: BestOfNConfig, seed: int):
        self._config = config
        self._walks, self._batches = (
            tf.constant(randomness.derived_seed(seed, name), tf.int64)
            for name in ("walks", "batches")
        )
        weights = randomness.derived_seed(seed, "weights")
        self.network, self._anchor = (
            networks.mlp(spec, config, weights) for _ in range(2)
        )
        self._trainer = networks.Trainer(config, spec, self.network)
        world = World.signature(spec.num_actions, spec.num_features)
        phase = tf.TensorSpec((), tf.int64)
        self._learn = networks.compiled(self._phase, world, phase, xla=False)
        self._scores = networks.on_all_rows(self.network)

    @property
    def variables(self) -> Mapping[str, tf.Variable]:
        """All that it remembers, by name."""
        return networks.named_variables(
            network=self.network.variables,
            anchor=self._anchor.variables,
            optimizer=self._trainer.variables,
        )

    def respond(self, world: World, policy: tf.Tensor, phase: int) -> tf.Tensor:
        config = self._config
        loss, moves = self._learn(world, tf.constant(phase, tf.int64))
        self.metrics = {
            "loss": float(loss),
            "moves": int(moves),
            "updates": config.rounds * config.updates,
        }
        return self.policy_of(self._scores(world.features), world.legal)

    def policy_of(self, outputs: tf.Tensor, legal: tf.Tensor) -> tf.Tensor:
        return softmax(outputs, legal)

    def _phase(self, world: World, phase: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """All rounds of an iteration; the mean loss and how many moves were made."""
        config = self._config

        def improve(number, total, moves):
            counter = phase * config.rounds + number
            games = self._games(world, tf.stack([self._walks, counter]))
            loss = self._updates(world, games, counter)
            networks.blend(self.network, self._anchor, config.anchor_rate)
            moves += tf.cast(games.all_moves[-1], tf.int64)
            return number + 1, total + loss, moves

        zero = tf.constant(0, tf.int64)
        _, total, moves = tf.while_loop(
            lambda number, *_: number < config.rounds,
            improve,
            (zero, tf.constant(0.0), zero),
        )
        return total / config.rounds, moves

    def _games(self, world: World, seed: tf.Tensor) -> Games:
        """Whole games of all groups, as the anchor plays them."""
        config = self._config
        starts = randomness.uniform((config.groups,), seed)
        rows = tf.repeat(draw_starts(world, starts), config.group_size)
        places, playing = self._walk(world, rows, seed)
        rewards = tf.where(playing, tf.gather_nd(world.rewards, places), 0.0)
        returns = tf.reshape(tf.reduce_sum(rewards, axis=0), (config.groups, -1))
        weights = best_of_n_losses.best_weights(returns, config.n)
        ranks = best_of_n_losses.log_ranks(returns)
        ranks -= tf.reduce_mean(ranks, axis=1, keepdims=True)
        played = tf.cast(playing, tf.float32)
        return Games(
            tf.reshape(places, (-1, 2)),
            tf.cumsum(tf.reshape(played, [-1])),
            tf.cumsum(tf.reshape(played * tf.reshape(weights, [-1]), [-1])),
            tf.reshape(tf.ones_like(played) * tf.reshape(ranks, [-1]), [-1]),
        )

    def _walk(
        self, world: World, rows: tf.Tensor, seed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Games from rows [E]: places int64 [T, E, 2], and who still plays, [T, E]."""

        def move(time, rows, places, playing):
            now = tf.random.fold_in(seed, time, alg="philox")
            uniforms = randomness.uniform((2, *rows.shape), now)
            plays = rows != NOWHERE
            here = tf.where(plays, rows, 0)
            actions = draw(self._anchor_policy(world, here), uniforms[0])
            place = tf.stack([here, actions], axis=1)
            after = draw_successors(world, place, uniforms[1])
            after = tf.where(plays, after, NOWHERE)
            places, playing = places.write(time, place), playing.write(time, plays)
            return time + 1, after, places, playing

        empty = (
            tf.TensorArray(kind, 0, dynamic_size=True, element_shape=shape)
            for kind, shape in ((tf.int64, (*rows.shape, 2)), (tf.bool, rows.shape))
        )
        *_, places, playing = tf.while_loop(
            lambda _, rows, *arrays: tf.reduce_any(rows != NOWHERE),
            move,
            (tf.constant(0), rows, *empty),
        )
        return places.stack(), playing.stack()

    def _anchor_policy(self, world: World, rows: tf.Tensor) -> tf.Tensor:
        scores = self._anchor(tf.gather(world.features, rows))
        return softmax(scores, tf.gather(world.legal, rows))

    def _updates(self, world: World, games: Games, counter: tf.Tensor) -> tf.Tensor:
        """The gradient steps of a round; their mean loss."""
        config = self._config

        def descend(step, total):
            seed = tf.stack([self._batches, counter * config.updates + step])
            return step + 1, total + self._descend(world, games, seed)

        _, total = tf.while_loop(
            lambda step, _: step < config.updates,
            descend,
            (tf.constant(0, tf.int64), tf.constant(0.0)),
        )
        return total / config.updates

    def _descend(self, world: World, games: Games, seed: tf.Tensor) -> tf.Tensor:
        """One gradient step; the loss."""
        config = self._config
        shape = (2, config.batch_size)
        uniforms = randomness.uniform(shape, seed)
        chosen = [
            tf.searchsorted(weights, uniforms[number] * weights[-1], side="right")
            for number, weights in enumerate((games.best_moves, games.all_moves))
        ]

        def loss():
            total = 0.0
            if config.beta < 1:
                total += (1 - config.beta) * self._forward(world, games, chosen[0])
            if config.beta > 0 or config.anchor_weight > 0:
                total += self._backward(world, games, chosen[1])
            return total

        return self._trainer.descend(loss)

    def _forward(self, world: World, games: Games, chosen: tf.Tensor) -> tf.Tensor:
        """Cross entropy to moves of the best games."""
        places = tf.gather(games.places, chosen)
        logits = self.network(tf.gather(world.features, places[:, 0]))
        legal = tf.gather(world.legal, places[:, 0])
        return divergences.cross_entropy(logits, legal, places[:, 1])

    def _backward(self, world: World, games: Games, chosen: tf.Tensor) -> tf.Tensor:
        """Beta KL(policy || best of n) and the weighted KL(policy || anchor)."""
        config = self._config
        places = tf.gather(games.places, chosen)
        features = tf.gather(world.features, places[:, 0])
        legal = tf.gather(world.legal, places[:, 0])
        logits, anchor = self.network(features), self._anchor(features)
        proximity = divergences.proximal_kl(logits, legal, anchor)
        gain = best_of_n_losses.reweighted_gain(
            logits, anchor, legal, places[:, 1], tf.gather(games.ranks, chosen)
        )
        weight = config.beta + config.anchor_weight
        return weight * proximity - config.beta * (config.n - 1) * gain
