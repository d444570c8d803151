"""Tree search with PUCT in a frozen world, from many roots side by side.

A simulation walks down from the root to a node that is new to the tree, where learnt
values stand for all that follows. On its way it takes the legal action of the largest

    Q(x, a) + c_puct P(a | x) sqrt(sum_b N(x, b)) / (1 + N(x, a))

(Rosin 2011; Silver et al. 2017, "Mastering the game of Go without human knowledge",
methods): N counts visits, P is the prior, and Q is scaled to 0 for the least and 1 for
the largest value seen (Schrittwieser et al. 2020, "Mastering Atari, Go, chess and shogi
by planning with a learned model", appendix B). Those are values of the same node here,
since values shrink as a game comes to its end. Outcomes are drawn from the kernel.

A node that joins the tree looks one step ahead: each action is worth what it pays and
the expectation, under the kernel, of the largest values of the nodes that it may lead
to. On the way back the nodes of the path look again. These are the Bellman backups of
real-time dynamic programming (Barto, Bradtke and Singh 1995, "Learning to act using
real-time dynamic programming") and of Keller and Helmert (2013, "Trial-based heuristic
tree search for finite horizon MDPs"): means of returns would need many visits to see
through the noise that the kernel knows, and would not compare with learnt values.

A decision's row knows its time, so that no game returns to it, and paths that meet
again share the node where they meet: the tree is a graph without cycles.

Shapes: B roots, M nodes of a tree, D decision nodes, A actions, K outcomes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from algorithms.deep.players import NOWHERE, World, draw_successors
from algorithms.regularisers import softmax

_ABSENT = np.int64(-1)  # the place of a row that is not in the tree


class Guide(NamedTuple):
    """What a search knows beforehand.

    Attributes:
      values: float32 [D, A], of the actions.
      prior: float32 [D, A], probabilities of the actions.
    """

    values: tf.Tensor
    prior: tf.Tensor


class Found(NamedTuple):
    """What a search has found at its roots.

    Attributes:
      visits: float32 [B, A]; they sum to the simulations.
      values: float32 [B, A], of the legal actions.
    """

    visits: tf.Tensor
    values: tf.Tensor


class _Trees(NamedTuple):
    """One tree for each root. A node's place is the number of its simulation.

    Attributes:
      places: int64 [B, D], of the rows; `_ABSENT` if they are not in the tree.
      visits: [B, M, A].
      values: [B, M, A].
      best: [B, M], of the legal actions' values.
    """

    places: tf.Tensor
    visits: tf.Tensor
    values: tf.Tensor
    best: tf.Tensor


def prior_of(values: tf.Tensor, legal: tf.Tensor, temperature: float) -> tf.Tensor:
    """softmax(values / (temperature * their range over the legal actions)), [..., A].

    It knows no units: one temperature serves all games and all times of a game.
    """
    return softmax(_scaled(values, legal) / temperature, legal)


def puct_scores(
    values: tf.Tensor,
    visits: tf.Tensor,
    prior: tf.Tensor,
    legal: tf.Tensor,
    c_puct: float,
) -> tf.Tensor:
    """What the next action maximises, [..., A], from arrays of that shape."""
    total = tf.reduce_sum(visits, axis=-1, keepdims=True)
    bonus = c_puct * prior * tf.sqrt(total) / (1 + visits)
    scores = _scaled(values, legal) + bonus
    return tf.where(legal, scores, scores.dtype.min)


def _scaled(values: tf.Tensor, legal: tf.Tensor) -> tf.Tensor:
    """Values of the legal actions from 0 to 1; 0 where all are alike."""
    most, least = values.dtype.max, values.dtype.min
    low = tf.reduce_min(tf.where(legal, values, most), axis=-1, keepdims=True)
    high = tf.reduce_max(tf.where(legal, values, least), axis=-1, keepdims=True)
    return tf.math.divide_no_nan(values - low, high - low)


def search(
    world: World,
    guide: Guide,
    roots: tf.Tensor,
    simulations: tf.Tensor,
    c_puct: float,
    seed: tf.Tensor,
) -> Found:
    """Searches from decision nodes; part of a graph.

    Args:
      world: what players meet; its probabilities are the kernel.
      guide: what is known beforehand.
      roots: int64 [B], rows.
      simulations: int64, of each root; 0 looks one step ahead.
      c_puct: weight of the prior.
      seed: int64 [2].
    """
    trees = _Search(world, guide, roots, simulations, c_puct, seed).trees()
    return Found(trees.visits[:, 0], trees.values[:, 0])


class _Search:
    """What stays the same while trees grow; the arguments are those of `search`."""

    def __init__(self, world, guide, roots, simulations, c_puct, seed):
        self._world, self._prior = world, guide.prior
        self._roots, self._simulations = roots, simulations
        self._c_puct, self._seed = c_puct, seed
        self._numbers = tf.range(tf.shape(roots, tf.int64)[0])
        self._learnt = _best(guide.values, world.legal)

    def trees(self) -> _Trees:
        """The trees after all simulations."""
        size = tf.shape(self._roots, tf.int64)[0]
        num_nodes, actions = tf.shape(self._prior, tf.int64)[0], self._prior.shape[-1]
        nothing = tf.zeros((size, self._simulations + 1, actions))
        absent = tf.fill([size, num_nodes], _ABSENT)
        bare = _Trees(absent, nothing, nothing, nothing[..., 0])
        first = tf.constant(0, tf.int64)
        _, trees = tf.while_loop(
            lambda number, _: number <= self._simulations,
            lambda number, trees: (number + 1, self._simulate(trees, number)),
            (first + 1, self._join(bare, self._roots, first)),
        )
        return trees

    def _simulate(self, trees: _Trees, number: tf.Tensor) -> _Trees:
        """The trees after the simulation of this number, from 1 on."""
        leaves, path, steps = self._down(trees, _fold_in(self._seed, number))
        return self._up(self._join(trees, leaves, number), path, steps)

    def _join(self, trees: _Trees, rows: tf.Tensor, number: tf.Tensor) -> _Trees:
        """The trees with new nodes [B]; `NOWHERE` for none."""
        joins = rows != NOWHERE
        rows = tf.maximum(rows, 0)
        spots = tf.stack([self._numbers, rows], axis=1)
        stays = tf.gather_nd(trees.places, spots)
        here = tf.where(joins, number, stays)
        places = tf.tensor_scatter_nd_update(trees.places, spots, here)
        number += tf.zeros_like(rows)
        return self._look(trees._replace(places=places), rows, number)

    def _down(self, trees: _Trees, seed: tf.Tensor):
        """Walks down all trees.

        Returns:
          The rows [B] of nodes to join the trees, or `NOWHERE`; the paths, a tensor
          array of places, rows and actions [B, 3], with places `_ABSENT` where a walk
          has ended; and how long the longest one is.
        """

        def step(rows, places, leaves, path, number):
            taken, after = self._move(trees, rows, places, _fold_in(seed, number))
            going = places != _ABSENT
            path = path.write(number, tf.concat([places[:, None], taken], axis=1))
            reached = tf.where(
                going, self._places(trees, after[:, None])[:, 0], _ABSENT
            )
            leaves = tf.where(going & (reached == _ABSENT), after, leaves)
            return tf.maximum(after, 0), reached, leaves, path, number + 1

        root = tf.zeros_like(self._roots)
        path = tf.TensorArray(tf.int64, 0, dynamic_size=True, element_shape=(None, 3))
        _, _, leaves, path, steps = tf.while_loop(
            lambda rows, places, *_: tf.reduce_any(places != _ABSENT),
            step,
            (self._roots, root, root + NOWHERE, path, 0),
        )
        return leaves, path, steps

    def _move(self, trees: _Trees, rows: tf.Tensor, places: tf.Tensor, seed: tf.Tensor):
        """Moves from nodes [B]: rows and actions [B, 2], and the next rows [B]."""
        places = tf.maximum(places, 0)
        scores = puct_scores(
            tf.gather(trees.values, places, batch_dims=1),
            tf.gather(trees.visits, places, batch_dims=1),
            tf.gather(self._prior, rows),
            tf.gather(self._world.legal, rows),
            self._c_puct,
        )
        taken = tf.stack([rows, tf.argmax(scores, axis=-1)], axis=1)
        uniforms = tf.random.stateless_uniform(tf.shape(rows), seed, alg="philox")
        return taken, draw_successors(self._world, taken, uniforms)

    def _up(self, trees: _Trees, path: tf.TensorArray, steps: tf.Tensor) -> _Trees:
        """Visits and values along the paths, from their ends to the roots."""

        def back(step, trees):
            places, rows, actions = tf.unstack(path.read(step), 3, axis=1)
            on = tf.cast(places != _ABSENT, trees.visits.dtype)
            # Those who have arrived before look again from their roots.
            rows = tf.where(places == _ABSENT, self._roots, rows)
            places = tf.maximum(places, 0)
            taken = tf.stack([self._numbers, places, actions], axis=1)
            visits = tf.tensor_scatter_nd_add(trees.visits, taken, on)
            return step - 1, self._look(trees._replace(visits=visits), rows, places)

        return tf.while_loop(lambda step, _: step >= 0, back, (steps - 1, trees))[1]

    def _look(self, trees: _Trees, rows: tf.Tensor, places: tf.Tensor) -> _Trees:
        """The trees after a look one step ahead from rows [B], which are at places."""
        world, spots = self._world, tf.stack([self._numbers, places], axis=1)
        successors = tf.gather(world.successors, rows)
        there = self._places(trees, successors)
        searched = tf.gather(trees.best, tf.maximum(there, 0), batch_dims=1)
        learnt = tf.gather(self._learnt, tf.maximum(successors, 0))
        after = tf.where(there == _ABSENT, learnt, searched)
        after = tf.where(successors == NOWHERE, 0.0, after)
        expected = tf.reduce_sum(tf.gather(world.probabilities, rows) * after, axis=-1)
        values = tf.gather(world.rewards, rows) + expected
        best = _best(values, tf.gather(world.legal, rows))
        return trees._replace(
            values=tf.tensor_scatter_nd_update(trees.values, spots, values),
            best=tf.tensor_scatter_nd_update(trees.best, spots, best),
        )

    def _places(self, trees: _Trees, rows: tf.Tensor) -> tf.Tensor:
        """Where rows [B, ...] are in their trees; `_ABSENT` if they are not."""
        places = tf.gather(trees.places, tf.maximum(rows, 0), batch_dims=1)
        return tf.where(rows == NOWHERE, _ABSENT, places)


def _best(values: tf.Tensor, legal: tf.Tensor) -> tf.Tensor:
    """The largest values of legal actions, [...] from [..., A]."""
    return tf.reduce_max(tf.where(legal, values, values.dtype.min), axis=-1)


def _fold_in(seed: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
    return tf.random.fold_in(seed, number, alg="philox")
