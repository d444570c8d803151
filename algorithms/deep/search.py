"""Tree search with PUCT in a frozen world, from many roots side by side.

A simulation walks down from the root to a node that is new to the tree, where learnt
values stand for all that follows. On its way it takes the legal action of the largest

    Q(x, a) + c_puct P(a | x) sqrt(sum_b N(x, b)) / (1 + N(x, a))

(Rosin 2011; Silver et al. 2017, "Mastering the game of Go without human knowledge",
methods): N counts visits, P is the prior, and Q is scaled to 0 for the least and 1 for
the largest value seen (Schrittwieser et al. 2020, "Mastering Atari, Go, chess and shogi
by planning with a learned model", appendix B). Those are values of the same node here,
since values shrink as a game comes to its end. Outcomes are drawn from the kernel.

On the way back each action taken is worth what it pays and its expectation, under the
kernel, of the largest values of the nodes that it leads to; learnt values stand for
actions not taken yet. These are the partial Bellman backups of Keller and Helmert
(2013, "Trial-based heuristic tree search for finite horizon MDPs"): means of returns
would need many visits to see through the noise that the kernel knows.

A decision's row knows its time, so that no game returns to it, and paths that meet
again share the node where they meet: the tree is a graph without cycles.

Shapes: B roots, M nodes of a tree, D decision nodes, A actions, K outcomes.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from algorithms.deep.players import NOWHERE, World, draw
from algorithms.regularisers import softmax

_ABSENT = -1  # the place of a row that is not in the tree


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
      values: float32 [B, A], of the legal actions: searched where they were visited,
        the guide's where not.
    """

    visits: tf.Tensor
    values: tf.Tensor


class _Trees(NamedTuple):
    """One tree for each root. A node's place is the number of its simulation.

    Attributes:
      places: int32 [B, D], of the rows; `_ABSENT` if they are not in the tree.
      visits: [B, M, A].
      values: [B, M, A]; the least number there is for illegal actions.
    """

    places: tf.Tensor
    visits: tf.Tensor
    values: tf.Tensor


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
    # Illegal actions may have values whose differences are no numbers.
    values = tf.where(legal, values, low)
    return tf.math.divide_no_nan(values - low, high - low)


def search(
    world: World,
    guide: Guide,
    roots: tf.Tensor,
    simulations: int,
    c_puct: float,
    seed: tf.Tensor,
) -> Found:
    """Searches from decision nodes; part of a graph.

    Args:
      world: what players meet; its probabilities are the kernel.
      guide: what is known beforehand.
      roots: int64 [B], rows.
      simulations: of each root; 0 finds what the guide knows.
      c_puct: weight of the prior.
      seed: int64 [2].
    """
    trees = _Search(world, guide, roots, simulations, c_puct, seed).trees()
    return Found(trees.visits[:, 0], trees.values[:, 0])


class _Search:
    """What stays the same while trees grow; the arguments are those of `search`."""

    def __init__(self, world, guide, roots, simulations, c_puct, seed):
        self._world, self._roots, self._seed = world, roots, seed
        self._simulations, self._c_puct = simulations, c_puct
        self._prior = guide.prior
        self._values = tf.where(world.legal, guide.values, guide.values.dtype.min)
        self._number = tf.range(tf.shape(roots, tf.int64)[0])  # of the roots

    def trees(self) -> _Trees:
        """The trees after all simulations."""
        size, (num_nodes, actions) = tf.shape(self._roots)[0], tf.shape(self._values)
        nothing = tf.zeros((size, self._simulations + 1, actions))
        bare = _Trees(tf.fill([size, num_nodes], _ABSENT), nothing, nothing)
        _, trees = tf.while_loop(
            lambda number, _: number <= self._simulations,
            lambda number, trees: (number + 1, self._simulate(trees, number)),
            (1, self._join(bare, 0, self._roots)),
        )
        return trees

    def _simulate(self, trees: _Trees, number: tf.Tensor) -> _Trees:
        """The trees after the simulation of this number, from 1 on."""
        path, leaves = self._down(trees, _fold_in(self._seed, number))
        return self._up(self._join(trees, number, leaves), path)

    def _join(self, trees: _Trees, number: tf.Tensor, rows: tf.Tensor) -> _Trees:
        """The trees with nodes [B] that are new, or `NOWHERE` for none."""
        joining = rows != NOWHERE
        rows = tf.maximum(rows, 0)
        spots = tf.stack([self._number, rows], axis=1)
        here = tf.where(joining, number, tf.gather_nd(trees.places, spots))
        places = tf.tensor_scatter_nd_update(trees.places, spots, here)
        spots = tf.stack([self._number, tf.fill(tf.shape(rows), number)], axis=1)
        return trees
