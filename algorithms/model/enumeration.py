"""The nodes and edges of an OpenSpiel mean field game, found through its API.

A node is an observation string, as in OpenSpiel's own evaluators, and stands for the
first state met with that string: layer by layer, with children in the order of legal
actions and chance outcomes, which is the order of first visits of a depth-first search
too. The order counts where rewards depend on more than the string shows.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Iterator
import dataclasses

import numpy as np
import pyspiel
from pyspiel import StateType

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
        columns = zip(*edges, strict=True)
        self.sources, self.targets, self.labels, self.probabilities = map(
            np.array, columns
        )
        self.starts = np.unique(self.sources, return_index=True)[1]
        self.branches = [[] for _ in self.starts]
        first = np.unique(self.targets, return_index=True)[1]
        visits = zip(
            self.sources[first].tolist(), self.labels[first].tolist(), strict=True
        )
        for source, label in visits:
            self.branches[source].append(label)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Edges) and all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("sources", "targets", "labels", "probabilities")
        )


@dataclasses.dataclass
class Layer:
    """The n nodes that lie equally many steps from the root.

    Attributes:
      kind: the type of all of them.
      names: their observation strings.
      populations: the population of each.
      rows: int [n], numbers of decision or of mean field nodes; empty for others.
      rewards: float64 [n], to the population whose node it is; zero at chance nodes.
      edges: to the next layer; None at terminal nodes.
    """

    kind: StateType
    names: list[str]
    populations: list[int]
    rows: np.ndarray
    rewards: np.ndarray
    edges: Edges | None = None

    def leads_as(self, other: Layer) -> bool:
        """Whether the nodes and the edges are those of another layer."""
        return self.names == other.names and self.edges == other.edges


class Enumeration:
    """All nodes of a game met so far; `walk` meets them.

    Attributes:
      game: the game.
      decisions: number of each decision node by its name.
      states: a state of each decision node.
      legal_actions: the legal actions of each decision node.
      mean_fields: number of each mean field node by its name, nodes of supports
        that nobody can reach included.
    """

    def __init__(self, game: pyspiel.Game):
        self.game = game
        self.decisions: dict[str, int] = {}
        self.states: list[pyspiel.State] = []
        self.legal_actions: list[list[int]] = []
        self.mean_fields: dict[str, int] = {}
        self._supports: dict[int, np.ndarray] = {}
        self._distinct_supports: dict[tuple[str, ...], np.ndarray] = {}

    def walk(self, mass_of: Callable[[list[Layer]], np.ndarray]) -> list[Layer]:
        """Visits the whole game under the distributions met on the way.

        Args:
          mass_of: from the layers so far, which end at mean field nodes, the masses
            of these nodes, [n].

        Raises:
          ValueError: the nodes of a layer differ in type, or a string stands for
            nodes of two layers or two populations.
        """
        states = self.game.new_initial_states()
        names = _names(states)
        layers = []
        seen: set[str] = set()
        while True:
            layer = self._layer(states, names)
            _check_new(layer.names, seen)
            layers.append(layer)
            if layer.kind == StateType.TERMINAL:
                return layers
            if layer.kind == StateType.MEAN_FIELD:
                self._register(layer, states, mass_of(layers))
            states, names, layer.edges = _expand(layer, states)

    def revisit(
        self, layers: list[Layer], mean_field: np.ndarray
    ) -> list[Layer] | None:
        """Visits every node once, along first visits, for its reward.

        Args:
          layers: of an earlier walk.
          mean_field: float64, masses of all mean field nodes.

        Returns:
          The layers with the rewards under this mean field; None if some node is no
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
                self._register(layer, states, mean_field[layer.rows])
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
        rows = np.zeros(0, int)
        if kind in (StateType.DECISION, StateType.MEAN_FIELD):
            if len(set(names)) < len(names):
                shared = collections.Counter(names).most_common(1)[0][0]
                raise ValueError(
                    f"Two populations have a node with the same string: {shared!r}"
                )
            if kind == StateType.DECISION:
                rows = self._decision_rows(states, names)
            else:
                rows = self._mean_field_rows(names)
        populations = [state.mean_field_population() for state in states]
        rewards = _rewards(kind, states, populations)
        return Layer(kind, names, populations, rows, rewards)

    def _decision_rows(self, states: list, names: list[str]) -> np.ndarray:
        for state, name in zip(states, names, strict=True):
            if name not in self.decisions:
                legal = state.legal_actions()
                if not legal:
                    raise ValueError(f"No action is legal at {name!r}.")
                self.decisions[name] = len(self.decisions)
                self.states.append(state.clone())
                self.legal_actions.append(legal)
        return np.array([self.decisions[name] for name in names])

    def _mean_field_rows(self, names: Iterable[str]) -> np.ndarray:
        rows = self.mean_fields
        return np.array([rows.setdefault(name, len(rows)) for name in names], int)

    def _support(self, row: int, state: pyspiel.State) -> np.ndarray:
        """Numbers of the nodes in the support of a mean field node.

        Nodes of a layer mostly share their support; it is looked up once.
        """
        if row not in self._supports:
            names = tuple(state.distribution_support())
            if names not in self._distinct_supports:
                self._distinct_supports[names] = self._mean_field_rows(names)
            self._supports[row] = self._distinct_supports[names]
        return self._supports[row]

    def _register(self, layer: Layer, states: list, mass: np.ndarray) -> None:
        """Tells the states of mean field nodes the masses of the layer, [n]."""
        supports = [
            self._support(row, state)
            for row, state in zip(layer.rows.tolist(), states, strict=True)
        ]
        masses = np.zeros(len(self.mean_fields))
        masses[layer.rows] = mass
        values, last = [], None
        for state, support in zip(states, supports, strict=True):
            if support is not last:
                values, last = masses[support].tolist(), support
            state.update_distribution(values.copy())  # games may keep the list


def _names(states: list[pyspiel.State]) -> list[str]:
    return [state.observation_string(_PLAYER) for state in states]


def _common_type(states: list[pyspiel.State], names: list[str]) -> StateType:
    kinds = [state.get_type() for state in states]
    if len(set(kinds)) > 1:
        examples = {kind.name: name for kind, name in zip(kinds, names, strict=True)}
        raise ValueError(
            "Nodes that are equally many steps from the root must have one type. "
            f"Received: {examples}"
        )
    return kinds[0]


def _check_new(names: list[str], seen: set[str]) -> None:
    again = seen.intersection(names)
    if again:
        raise ValueError(f"A string stands for nodes of two layers: {min(again)!r}")
    seen.update(names)


def _rewards(kind: StateType, states: list, populations: list[int]) -> np.ndarray:
    if kind == StateType.CHANCE:  # OpenSpiel's evaluators ignore these
        return np.zeros(len(states))
    pairs = zip(states, populations, strict=True)
    return np.array([state.rewards()[population] for state, population in pairs])


def _expand(layer: Layer, states: list) -> tuple[list, list[str], Edges]:
    """The next layer's states and names, and the edges to them.

    Uses the states up: each becomes its own last child.
    """
    children, names, edges = [], [], []
    places = collections.defaultdict(dict)  # populations may share chance nodes
    for source, (state, population) in enumerate(
        zip(states, layer.populations, strict=True)
    ):
        known = places[population]
        labels, probabilities = _moves(layer.kind, state)
        after = _children(layer.kind, state, labels)
        for label, probability, child in zip(labels, probabilities, after, strict=True):
            name = child.observation_string(_PLAYER)
            target = known.setdefault(name, len(children))
            if target == len(children):
                children.append(child)
                names.append(name)
            edges.append((source, target, label, probability))
    return children, names, Edges(edges)


def _moves(kind: StateType, state: pyspiel.State):
    """Actions or chance outcomes at a node, and the probabilities of the latter."""
    if kind == StateType.CHANCE:
        return zip(*state.chance_outcomes(), strict=True)
    labels = state.legal_actions() if kind == StateType.DECISION else [0]
    return labels, [1.0] * len(labels)


def _children(kind: StateType, state: pyspiel.State, labels) -> Iterator[pyspiel.State]:
    """The children on some edges; the last is the state itself, to save a copy."""
    if kind != StateType.MEAN_FIELD:
        for label in labels[:-1]:
            yield state.child(label)
        state.apply_action(labels[-1])
    yield state
