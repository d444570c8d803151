"""The backward sweep over the layers of an enumerated game, in NumPy."""

from __future__ import annotations

import numpy as np
from pyspiel import StateType
import tensorflow as tf

from algorithms.model.base import Totals
from algorithms.model.enumerated_flow import edge_weights
from algorithms.model.enumeration import Layer
from algorithms.regularisers import Regulariser


class BackwardSweep:
    """Values of a policy and what the best response gains, as in `backward.decide`.

    Args:
      layers: as the players see them who face a flow.
      policy: float64 [D', A]; nodes without a row play uniformly.
      num_nodes: D.
      regulariser: of `MeanFieldModel.evaluate`.

    Attributes:
      q: [D, A], what actions are worth to the policy, less the best of them.
      later_gain: [D, A], what the best response gains after each action.
      base: [D], what the best action is worth to the policy.
      totals: at the start.
    """

    def __init__(
        self,
        layers: list[Layer],
        policy: np.ndarray,
        num_nodes: int,
        regulariser: Regulariser | None,
    ):
        self._policy = policy
        self._regulariser = regulariser
        self.q, self.later_gain = np.zeros((2, num_nodes, policy.shape[1]))
        self.base = np.zeros(num_nodes)
        values = layers[-1].rewards
        gains = np.zeros(len(values))
        rounding = 0.0
        for layer in reversed(layers[:-1]):
            values, gains = self._step(layer, values, gains)
            rounding += np.abs(values).max() + np.abs(layer.rewards).max()
        resolution = np.finfo(np.float64).eps * rounding
        self.totals = Totals(*map(tf.constant, (values, gains, resolution)))

    def _step(
        self, layer: Layer, values: np.ndarray, gains: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Values and gains of a layer's nodes, [n] each, from the next layer's."""
        edges = layer.edges
        after = layer.rewards[edges.sources] + values[edges.targets]
        later = gains[edges.targets]
        weights = edge_weights(layer, self._policy)
        if layer.kind == StateType.DECISION:
            return self._decide(layer, after, later, weights)
        return (
            np.add.reduceat(after * weights, edges.starts),
            np.add.reduceat(later * weights, edges.starts),
        )

    def _decide(
        self, layer: Layer, after: np.ndarray, later: np.ndarray, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same for decisions, of what each edge is worth, leads to and weighs."""
        edges = layer.edges
        most = np.maximum.reduceat(after, edges.starts)
        behind = most[edges.sources] - after
        row = layer.rows[edges.sources]
        self.q[row, edges.labels] = -behind
        self.later_gain[row, edges.labels] = later
        self.base[layer.rows] = most
        lost = np.add.reduceat(weights * behind, edges.starts)
        if self._regulariser is None:
            best = np.maximum.reduceat(later - behind, edges.starts)
            return most - lost, best + lost
        legal, chosen, ahead = np.zeros((3, len(layer.rows), self._policy.shape[1]))
        place = (edges.sources, edges.labels)
        legal[place], chosen[place], ahead[place] = 1.0, weights, later - behind
        lost += self._regulariser.value(tf.constant(chosen)).numpy()
        best = self._regulariser.conjugate(tf.constant(ahead), legal > 0).numpy()
        kept = np.add.reduceat(weights * later, edges.starts)
        return most - lost, np.maximum(best + lost, kept)
