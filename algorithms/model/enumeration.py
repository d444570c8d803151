"""The nodes and edges of an OpenSpiel mean field game, found through its API.

A node is an observation string, as in OpenSpiel's own evaluators, and stands for the
first state met with that string: layer by layer, with children in the order of legal
actions and chance outcomes, which is the order of first visits of a depth-first search
too. The order counts where rewards depend on more than the string shows.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterator, Sequence
import dataclasses
import math

import numpy as np
import pyspiel
from pyspiel import StateType
import tensorflow as tf

from algorithms.model.soundness import LAW_TOLERANCE

_PLAYER = int(pyspiel.PlayerId.DEFAULT_PLAYER_ID)


def node_name(state: pyspiel.State) -> str:
    """The string by which OpenSpiel's evaluators know a state."""
    return state.observation_string(_PLAYER)


class Edges:
    """Edges from the n nodes of a layer to the next layer, sorted by source.

    Attributes:
      sources, targets: int [E], places in this layer and in the next one.
      labels: int [E], actions or chance outcomes; zero at mean field nodes.
      probabilities: float64 [E], of chance outcomes; ones at other nodes.
      starts: int [n], the first edge of each node.
      branches: n lists, the labels on which a node is the first to visit its child.
    """

    def __init__(self, edges: list[tuple[int, int, int, float]]):
        sources, targets, labels, probabilities = zip(*edges, strict=True)
        self.sources = np.array(sources)
        self.targets = np.array(targets)
        self.labels = np.array(labels)
        self.probabilities = np.array(probabilities, np.float64)
        self.starts = np.unique(self.sources, return_index=True)[1]
        self.branches = [[] for _ in self.starts]
        for first in np.unique(self.targets, return_index=True)[1].tolist():
            self.branches[sources[first]].append(labels[first])

    def equal(self, other: Edges) -> bool:
        """Whether all edges and their probabilities are those of another layer."""
        return all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("sources", "targets", "labels", "probabilities")
        )


@dataclasses.dataclass(eq=False)
class Layer:
    """The n nodes that lie equally many steps from the root.

    Attributes:
      kind: the type of all of them.
      names: their observation strings.
      populations: the population of each.
      rows: int [n], numbers of decision or of mean field nodes; empty for others.
      rewards: float64 [n], to the population whose node it is; zero at chance nodes.
      supports: n tuples of strings, what mean field nodes ask the masses of; equal
        ones are one object. Empty for others.
      edges: to the next layer; None at terminal nodes.
    """

    kind: StateType
    names: list[str]
    populations: list[int]
    rows: np.ndarray
    rewards: np.ndarray
    supports: list[tuple[str, ...]]
    edges: Edges | None = None


def same_structure(layers: list[Layer], others: list[Layer]) -> bool:
    """Whether two walks met the same nodes and edges."""
    return len(layers) == len(others) and all(
        a.names == b.names and (a.edges is None or a.edges.equal(b.edges))
        for a, b in zip(layers, others, strict=True)
    )


@dataclasses.dataclass(frozen=True)
class Discovered:
    """The decision and mean field nodes that an enumeration knows, in its order.

    Attributes:
      decisions: the legal actions of decision nodes by their names.
      mean_fields: names of mean field nodes.
    """

    decisions: dict[str, list[int]]
    mean_fields: list[str]


class Enumeration:
    """All nodes of a game that were met so far.

    Args:
      game: the game.
      discovered: nodes that come first; None for none.

    Attributes:
      game: the game.
      rows: numbers of the decision nodes and of the mean field nodes by their names.
      states: a state of each decision node; None while it is known by `reserve` only.
      legal_actions: the legal actions of each decision node.
    """

    def __init__(self, game: pyspiel.Game, discovered: Discovered | None = None):
        self.game = game
        self.rows: dict[StateType, dict[str, int]] = {
            StateType.DECISION: {},
            StateType.MEAN_FIELD: {},
        }
        self.states: list[pyspiel.State | None] = []
        self.legal_actions: list[list[int]] = []
        self._supports: dict[str, tuple[str, ...]] = {}
        self._distinct_supports: dict[tuple[str, ...], tuple[str, ...]] = {}
        if discovered is not None:
            for name, legal in discovered.decisions.items():
                self.reserve(name, legal)
            for name in discovered.mean_fields:
                self._mean_field_row(name)

    def discovered(self) -> Discovered:
        """What another enumeration needs to give the same nodes the same rows."""
        names = self.rows[StateType.DECISION]
        decisions = dict(zip(names, self.legal_actions, strict=True))
        return Discovered(decisions, list(self.rows[StateType.MEAN_FIELD]))

    def walk(self, mass_of: Callable[[list[Layer]], np.ndarray]) -> list[Layer]:
        """Visits all nodes and edges of the game, whose players face a given flow.

        Args:
          mass_of: called with the layers so far, of which the last one holds mean
            field nodes; gives the masses of these, [n].

        Raises:
          ValueError: the nodes of a layer differ in type, or a string stands for
            nodes of two layers or two populations.
        """
        states = self.game.new_initial_states()
        names = _names(states)
        layers = []
        seen: set[str] = set()
        while True:
            _check_new(names, seen)
            layer = self._layer(states, names)
            layers.append(layer)
            if layer.kind == StateType.TERMINAL:
                return layers
            if layer.kind == StateType.MEAN_FIELD:
                _register(layer, states, mass_of(layers))
            states, names, layer.edges = _expand(layer, states)

    def revisit(
        self, layers: list[Layer], mean_field: np.ndarray
    ) -> list[Layer] | None:
        """Visits each node once, on the way of its first visit, for its reward.

        Args:
          layers: of an earlier walk.
          mean_field: float64, masses of all mean field nodes.

        Returns:
          The layers with the rewards under this mean field, or None if a node is no
          longer where it was.
        """
        states = self.game.new_initial_states()
        revisited = []
        for layer in layers:
            # A chance node that moved shows at its children.
            if layer.kind != StateType.CHANCE and layer.names != _names(states):
                return None
            rewards = _rewards(layer.kind, states, layer.populations)
            revisited.append(dataclasses.replace(layer, rewards=rewards))
            if layer.kind == StateType.MEAN_FIELD:
                _register(layer, states, mean_field[layer.rows])
            if layer.edges is not None:
                states = [
                    child
                    for state, labels in zip(states, layer.edges.branches, strict=True)
                    if labels
                    for child in _children(layer.kind, state, labels)
                ]
        return revisited

    def _layer(self, states: list[pyspiel.State], names: list[str]) -> Layer:
        kind = _common_type(states, names)
        rows, supports = [], []
        if kind in self.rows:
            _check_distinct(names)
        if kind == StateType.DECISION:
            rows = list(map(self._decision_row, states, names))
        elif kind == StateType.MEAN_FIELD:
            rows = list(map(self._mean_field_row, names))
            supports = list(map(self._support, states, names))
        populations = [state.mean_field_population() for state in states]
        rewards = _rewards(kind, states, populations)
        return Layer(kind, names, populations, np.array(rows, int), rewards, supports)

    def reserve(self, name: str, legal_actions: list[int]) -> int:
        """Row of a decision node that may not have been met yet."""
        rows = self.rows[StateType.DECISION]
        if name not in rows:
            rows[name] = len(rows)
            self.states.append(None)
            self.legal_actions.append(legal_actions)
        return rows[name]

    def _decision_row(self, state: pyspiel.State, name: str) -> int:
        row = self.rows[StateType.DECISION].get(name)
        if row is None:
            legal = state.legal_actions()
            if not legal:
                raise ValueError(f"No action is legal at {name!r}.")
            row = self.reserve(name, legal)
        if self.states[row] is None:
            self.states[row] = state.clone()
        return row

    def _mean_field_row(self, name: str) -> int:
        rows = self.rows[StateType.MEAN_FIELD]
        return rows.setdefault(name, len(rows))

    def _support(self, state: pyspiel.State, name: str) -> tuple[str, ...]:
        """The support of a mean field node.

        Asking the game is slow: it writes as many strings as there are states.
        """
        if name not in self._supports:
            support = tuple(state.distribution_support())
            self._supports[name] = self._distinct_supports.setdefault(support, support)
        return self._supports[name]


def _names(states: list[pyspiel.State]) -> list[str]:
    return [state.observation_string(_PLAYER) for state in states]


def _check_new(names: list[str], seen: set[str]) -> None:
    again = seen.intersection(names)
    if again:
        raise ValueError(f"A string stands for nodes of two layers: {min(again)!r}")
    seen.update(names)


def _check_distinct(names: list[str]) -> None:
    name, count = collections.Counter(names).most_common(1)[0]
    if count > 1:
        raise ValueError(f"A string stands for nodes of two populations: {name!r}")


def _common_type(states: list[pyspiel.State], names: list[str]) -> StateType:
    kinds = [state.get_type() for state in states]
    if len(set(kinds)) > 1:
        examples = {kind.name: name for kind, name in zip(kinds, names, strict=True)}
        raise ValueError(
            "Nodes that lie equally many steps from the root must have one type. "
            f"Received: {examples}"
        )
    return kinds[0]


def _rewards(
    kind: StateType, states: list[pyspiel.State], populations: list[int]
) -> np.ndarray:
    if kind == StateType.CHANCE:  # OpenSpiel's evaluators ignore these
        return np.zeros(len(states))
    pairs = zip(states, populations, strict=True)
    rewards = np.array([state.rewards()[population] for state, population in pairs])
    if not np.isfinite(rewards).all():
        place = int(np.argmin(np.isfinite(rewards)))
        raise ValueError(
            f"The reward at {node_name(states[place])!r} is {rewards[place]}."
        )
    return rewards


def _register(layer: Layer, states: list[pyspiel.State], mass: np.ndarray) -> None:
    """Tells the states of mean field nodes the masses of the layer, [n]."""
    masses = dict(zip(layer.names, mass.tolist(), strict=True))
    looked_up: dict[int, list[float]] = {}
    for state, support in zip(states, layer.supports, strict=True):
        if id(support) not in looked_up:
            looked_up[id(support)] = [masses.get(name, 0.0) for name in support]
        state.update_distribution(looked_up[id(support)].copy())


def _expand(
    layer: Layer, states: list[pyspiel.State]
) -> tuple[list[pyspiel.State], list[str], Edges]:
    """The next layer's states and names, and the edges to them.

    Uses the states up: each becomes its own last child.
    """
    children, names, edges = [], [], []
    places = collections.defaultdict(dict)  # populations may share chance nodes
    pairs = zip(states, layer.populations, strict=True)
    for source, (state, population) in enumerate(pairs):
        known = places[population]
        labels, probabilities = _moves(layer.kind, state)
        after = _children(layer.kind, state, labels)
        for label, probability, child in zip(labels, probabilities, after, strict=True):
            name = node_name(child)
            target = known.setdefault(name, len(children))
            if target == len(children):
                children.append(child)
                names.append(name)
            edges.append((source, target, label, probability))
    return children, names, Edges(edges)


def _moves(
    kind: StateType, state: pyspiel.State
) -> tuple[Sequence[int], Sequence[float]]:
    """Actions or chance outcomes at a node, and the probabilities of the latter."""
    if kind == StateType.CHANCE:
        outcomes, probabilities = zip(*state.chance_outcomes(), strict=True)
        total = math.fsum(probabilities)
        if min(probabilities) < 0 or not abs(total - 1) <= LAW_TOLERANCE[tf.float64]:
            raise ValueError(
                f"The chance outcomes at {node_name(state)!r} must have probabilities "
                f"that sum to one. Received: {list(probabilities)[:8]}, sum {total}"
            )
        return outcomes, probabilities
    labels = state.legal_actions() if kind == StateType.DECISION else [0]
    return labels, [1.0] * len(labels)


def _children(
    kind: StateType, state: pyspiel.State, labels: Sequence[int]
) -> Iterator[pyspiel.State]:
    """The children on some edges; the last is the state itself, to save a copy."""
    if kind != StateType.MEAN_FIELD:
        for label in labels[:-1]:
            yield state.child(label)
        state.apply_action(labels[-1])
    yield state
