"""A game seen layer by layer, as OpenSpiel's evaluators see it.

The walk follows the flow of a fixed policy that is not uniform, registers that flow at
the mean field nodes, and keeps several histories for every string, so that two
histories with one string can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator
import dataclasses

import pyspiel

_ARRIVALS_KEPT = 4


def key(state: pyspiel.State) -> str:
    """The string under which OpenSpiel's mean field algorithms know a state."""
    return state.observation_string(pyspiel.PlayerId.DEFAULT_PLAYER_ID)


@dataclasses.dataclass(frozen=True)
class Arrival:
    """A state and how it was reached.

    Attributes:
      state: the state.
      path: the moves made, "mu" for a registered distribution.
      last_action: the last action that was taken where there was a choice.
    """

    state: pyspiel.State
    path: tuple[int | str, ...]
    last_action: int | None

    def __str__(self) -> str:
        return " ".join(map(str, self.path)) or "no move"


@dataclasses.dataclass
class Node:
    """All that is known of one string in one layer.

    Attributes:
      string: the string.
      populations: the populations whose walks reached it.
      mass: its probability under the walk's policy.
      arrivals: a few states with this string, reached by different last actions.
    """

    string: str
    populations: set[int]
    mass: float
    arrivals: list[Arrival]

    @property
    def state(self) -> pyspiel.State:
        """The state that was met first, the one OpenSpiel's evaluators use."""
        return self.arrivals[0].state

    @property
    def type(self) -> pyspiel.StateType:
        """Its node type."""
        return self.state.get_type()

    def add(self, arrival: Arrival) -> None:
        """Keeps an arrival if it may differ from those kept."""
        actions = {kept.last_action for kept in self.arrivals}
        if len(self.arrivals) < _ARRIVALS_KEPT and (
            arrival.last_action not in actions or len(self.arrivals) == 1
        ):
            self.arrivals.append(arrival)


class TooManyStatesError(Exception):
    """The walk has made as many states as it may."""


class Walk:
    """The layers of a game, up to a limit on the number of states made.

    Attributes:
      layers: dictionaries from string to `Node`.
      cut: whether the limit was reached; the layers there are remain complete.
      error: the exception that ended the walk, or None.
    """

    def __init__(self, game: pyspiel.Game, max_states: int):
        self.layers: list[dict[str, Node]] = []
        self.cut = False
        self.error: Exception | None = None
        self._left = max_states
        try:
            layer = self._first_layer(game)
            while layer:
                self.layers.append(layer)
                layer = self._next_layer(layer)
        except TooManyStatesError:
            self.cut = True
        except Exception as error:  # whatever a stranger's game raises
            self.error = error

    def nodes(self, *types: pyspiel.StateType) -> Iterator[Node]:
        """All nodes of the given types (all, if none is given), in order."""
        for layer in self.layers:
            for node in layer.values():
                if not types or node.type in types:
                    yield node

    def samples(self, kind: pyspiel.StateType, count: int) -> list[Node]:
        """A few nodes of a type, spread evenly from the first to the last."""
        nodes = list(self.nodes(kind))
        if len(nodes) <= count:
            return nodes
        return [nodes[i * (len(nodes) - 1) // (count - 1)] for i in range(count)]

    def registered(self, node: Node) -> list[float]:
        """The masses that the walk registers at a mean field node."""
        layer = next(x for x in self.layers if x.get(node.string) is node)
        return _masses(node.state, layer)

    def _first_layer(self, game: pyspiel.Game) -> dict[str, Node]:
        layer = {}
        for population, state in enumerate(game.new_initial_states()):
            _merge(layer, Arrival(state, (), None), {population}, 1.0)
        return layer

    def _next_layer(self, layer: dict[str, Node]) -> dict[str, Node]:
        following = {}
        for rank, node in enumerate(layer.values()):
            for i, arrival in enumerate(node.arrivals):
                for child, probability in _children(arrival, rank, layer):
                    self._left -= 1
                    if self._left < 0:
                        raise TooManyStatesError
                    mass = node.mass * probability if i == 0 else 0.0
                    _merge(following, child, node.populations, mass)
        return following


def _merge(
    layer: dict[str, Node], arrival: Arrival, populations: set[int], mass: float
) -> None:
    string = key(arrival.state)
    if string not in layer:
        layer[string] = Node(string, set(populations), mass, [arrival])
        return
    node = layer[string]
    node.populations |= populations
    node.mass += mass
    node.add(arrival)


def _children(
    arrival: Arrival, rank: int, layer: dict[str, Node]
) -> Iterator[tuple[Arrival, float]]:
    """Children and their probabilities; the policy differs from node to node."""
    state, path = arrival.state, arrival.path
    match state.get_type():
        case pyspiel.StateType.CHANCE:
            for outcome, probability in state.chance_outcomes():
                child = state.child(outcome)
                yield (
                    Arrival(child, (*path, outcome), arrival.last_action),
                    probability,
                )
        case pyspiel.StateType.DECISION:
            legal = state.legal_actions()
            total = len(legal) * (len(legal) + 1) / 2
            for i, action in enumerate(legal):
                chosen = action if len(legal) > 1 else arrival.last_action
                child = Arrival(state.child(action), (*path, action), chosen)
                yield child, (1 + (i + rank) % len(legal)) / total
        case pyspiel.StateType.MEAN_FIELD:
            child = state.clone()
            child.update_distribution(_masses(state, layer))
            yield Arrival(child, (*path, "mu"), arrival.last_action), 1.0


def _masses(state: pyspiel.State, layer: dict[str, Node]) -> list[float]:
    return [
        layer[string].mass if string in layer else 0.0
        for string in state.distribution_support()
    ]
