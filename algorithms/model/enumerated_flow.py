"""Forward sweeps over the layers of an enumerated game."""

from __future__ import annotations

import collections

import numpy as np
from pyspiel import StateType

from algorithms.model.enumeration import Layer


class Forward:
    """The masses of all layers under a policy, as far as the layers are known."""

    def __init__(self, policy: np.ndarray):
        self._policy = policy
        self._masses: list[np.ndarray] = []

    def __call__(self, layers: list[Layer]) -> np.ndarray:
        """Masses of the last layer."""
        return self.masses(layers)[-1]

    def masses(self, layers: list[Layer]) -> list[np.ndarray]:
        """Masses of each layer."""
        if not self._masses:
            first = np.ones(len(layers[0].names))
            self._masses.append(self._seen(layers[0], first))
        for k in range(len(self._masses), len(layers)):
            edges = layers[k - 1].edges
            flow = self._masses[-1][edges.sources] * edge_weights(
                layers[k - 1], self._policy
            )
            mass = np.bincount(edges.targets, flow, len(layers[k].names))
            self._masses.append(self._seen(layers[k], mass))
        return self._masses

    def _seen(self, layer: Layer, mass: np.ndarray) -> np.ndarray:
        """What is met in a layer in place of its mass."""
        return mass


class Sampled(Forward):
    """The masses that so many players of each mean field's support show."""

    def __init__(self, policy: np.ndarray, players: int, rng: np.random.Generator):
        super().__init__(policy)
        self._players = players
        self._rng = rng

    def _seen(self, layer: Layer, mass: np.ndarray) -> np.ndarray:
        if layer.kind != StateType.MEAN_FIELD:
            return mass
        shown = np.zeros(len(mass))
        for places in _supports(layer):
            total = mass[places].sum()
            if total > 0:
                counts = self._rng.multinomial(self._players, mass[places] / total)
                shown[places] = counts / self._players * total
        return shown


class Clumps(Forward):
    """Masses as far from each other as can be while all supports keep their totals.

    Each population puts what it has in a support on one node, drawn anew each time.
    """

    def __init__(self, policy: np.ndarray, rng: np.random.Generator):
        super().__init__(policy)
        self._rng = rng

    def __call__(self, layers: list[Layer]) -> np.ndarray:
        mass = super().__call__(layers)
        clumped = np.zeros(len(mass))
        for places in _supports(layers[-1]):
            clumped[self._rng.choice(places)] = mass[places].sum()
        self._masses[-1] = clumped
        return clumped


def _supports(layer: Layer) -> list[list[int]]:
    """Places of a mean field layer by population and support."""
    groups = collections.defaultdict(list)
    for place, support in enumerate(layer.supports):
        groups[id(support), layer.populations[place]].append(place)
    return list(groups.values())


def edge_weights(layer: Layer, policy: np.ndarray) -> np.ndarray:
    """Probability of each edge; nodes without a row in the policy play uniformly."""
    edges = layer.edges
    if layer.kind != StateType.DECISION:
        return edges.probabilities
    rows = layer.rows[edges.sources]
    known = rows < len(policy)
    if known.all():
        return policy[rows, edges.labels]
    weights = 1.0 / np.bincount(edges.sources)[edges.sources]
    weights[known] = policy[rows[known], edges.labels[known]]
    return weights
