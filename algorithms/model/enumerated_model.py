"""Any OpenSpiel mean field game, enumerated through its API and swept in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyspiel
from pyspiel import StateType
import tensorflow as tf

from algorithms.model.base import Evaluation, Flow, MeanFieldModel
from algorithms.model.enumeration import Enumeration, Layer, node_name

_REMEMBERED = 4  # visits of the game, one for each of the last flows


class EnumeratedModel(MeanFieldModel):
    """Sweeps over the nodes of a game that is known by its API alone.

    The game is walked once, and each sweep visits every node once more to read its
    reward under the new distributions. Where nodes or probabilities depend on the
    distribution (the travel times of routing games), each forward sweep walks the
    game anew instead. Then `num_nodes` can grow at every call of `distribution`:

    - Nodes that were unknown get the next free rows; rows never change.
    - `distribution` and `evaluate` take policies with fewer rows than `num_nodes`;
      what is missing is uniform over the legal actions. They return as many rows.
    - Rows of nodes that cannot be reached under a flow have mass 0 and Q 0.

    Values count the rewards that OpenSpiel's evaluators count: those at decision,
    mean field and terminal nodes, of the population whose node it is. Arithmetic is in
    float64 whatever the dtype. Q of an illegal action is 0.

    Args:
      game: any OpenSpiel mean field game.
      dtype: "float64" or "float32", the storage of masses, values and policies.

    Raises:
      ValueError: the game is no mean field game, or breaks the contract of
        `Enumeration.walk`.
    """

    def __init__(self, game: pyspiel.Game, dtype: str = "float64"):
        dynamics = game.get_type().dynamics
        if dynamics != pyspiel.GameType.Dynamics.MEAN_FIELD:
            raise ValueError(
                f"`{game}` is no mean field game: its dynamics are {dynamics.name}."
            )
        self.game = game
        self.dtype = tf.as_dtype(dtype)
        self.num_actions = game.num_distinct_actions()
        self.num_populations = game.num_players()
        self._nodes = Enumeration(game)
        self._visits: dict[bytes, list[Layer]] = {}
        self._fixed = self._fixed_layers()

    def _fixed_layers(self) -> list[Layer] | None:
        """The game's layers; None if they are seen to depend on the distribution.

        Compares the flows of the uniform policy and of a random deterministic one.
        """
        layers = self._nodes.walk(_Forward(np.zeros((0, self.num_actions))))
        draws = np.random.default_rng(0).random((self.num_nodes, self.num_actions))
        actions = np.argmax(np.where(self.legal_actions, draws, -1.0), axis=-1)
        others = self._nodes.walk(_Forward(np.eye(self.num_actions)[actions]))
        fixed = len(layers) == len(others) and all(
            layer.leads_as(other) for layer, other in zip(layers, others, strict=True)
        )
        return layers if fixed else None

    @property
    def num_nodes(self) -> int:
        return len(self._nodes.decisions)

    @property
    def legal_actions(self) -> tf.Tensor:
        legal = np.zeros((self.num_nodes, self.num_actions), bool)
        for row, actions in zip(legal, self._nodes.legal_actions, strict=True):
            row[actions] = True
        return tf.constant(legal)

    def compile(self, function: Callable) -> Callable:
        return function

    # ---- sweeps ------------------------------------------------------------------

    def distribution(self, policy: tf.Tensor) -> Flow:
        rows = self._array(policy)
        layers = masses = None
        if self._fixed is not None:
            masses = _Forward(rows).masses(self._fixed)
            rest = self._collect(self._fixed, masses, StateType.MEAN_FIELD)
            layers = self._nodes.revisit(self._fixed, rest)
        if layers is None:
            self._fixed = None
            forward = _Forward(rows)
            layers = self._nodes.walk(forward)
            masses = forward.masses(layers)
            rest = self._collect(layers, masses, StateType.MEAN_FIELD)
        self._remember(rest, layers)
        mass = self._collect(layers, masses, StateType.DECISION)
        return Flow(self.as_tensor(mass[: len(rows)]), tf.constant(rest))

    def evaluate(self, policy: tf.Tensor, flow: Flow) -> Evaluation:
        rows = self._array(policy)
        layers = self._visit(flow.rest.numpy())
        q = np.zeros((2, self.num_nodes, self.num_actions))
        values = np.stack([layers[-1].rewards] * 2)
        for layer in reversed(layers[:-1]):
            values = _backward(layer, values, rows, q)
        return Evaluation(*map(self.as_tensor, (*q[:, : len(rows)], *values)))

    def _array(self, policy: tf.Tensor) -> np.ndarray:
        rows = np.asarray(policy, np.float64)
        if rows.shape[1:] != (self.num_actions,) or len(rows) > self.num_nodes:
            raise ValueError(
                f"`policy` must have at most {self.num_nodes} rows of "
                f"{self.num_actions} actions. Received: shape {rows.shape}"
            )
        return rows

    def _collect(self, layers: list[Layer], masses: list, kind: StateType):
        """Masses of all nodes of one kind, in the order of their rows."""
        nodes = self._nodes
        known = nodes.decisions if kind == StateType.DECISION else nodes.mean_fields
        collected = np.zeros(len(known))
        for layer, mass in zip(layers, masses, strict=True):
            if layer.kind == kind:
                collected[layer.rows] = mass
        return collected

    def _visit(self, rest: np.ndarray) -> list[Layer]:
        """The layers as they are under a flow."""
        if rest.tobytes() not in self._visits:
            mass = np.zeros(len(self._nodes.mean_fields))
            mass[: len(rest)] = rest
            layers = self._fixed and self._nodes.revisit(self._fixed, mass)
            if layers is None:
                layers = self._nodes.walk(lambda layers: _pick(mass, layers[-1].rows))
            self._remember(rest, layers)
        return self._visits[rest.tobytes()]

    def _remember(self, rest: np.ndarray, layers: list[Layer]) -> None:
        self._visits[rest.tobytes()] = layers
        if len(self._visits) > _REMEMBERED:
            del self._visits[next(iter(self._visits))]

    # ---- nodes -------------------------------------------------------------------

    def node_index(self, state: pyspiel.State) -> int:
        name = node_name(state)
        if name not in self._nodes.decisions:
            raise KeyError(f"`{self.game}` has no decision node {name!r} so far.")
        return self._nodes.decisions[name]

    def decision_states(self) -> Iterator[pyspiel.State]:
        return iter(self._nodes.states)

    def masses(self, flow: Flow) -> dict[str, float]:
        nodes = self._nodes
        mean_fields = zip(nodes.mean_fields, flow.rest.numpy().tolist(), strict=False)
        decisions = zip(nodes.decisions, flow.mass.numpy().tolist(), strict=False)
        return {**dict(mean_fields), **dict(decisions)}


def _pick(mass, rows):
    return mass[rows]


class _Forward:
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
            self._masses.append(np.ones(len(layers[0].names)))
        for k in range(len(self._masses), len(layers)):
            edges = layers[k - 1].edges
            flow = self._masses[-1][edges.sources] * _weights(
                layers[k - 1], self._policy
            )
            size = len(layers[k].names)
            self._masses.append(np.bincount(edges.targets, flow, size))
        return self._masses


def _weights(layer: Layer, policy: np.ndarray) -> np.ndarray:
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


def _backward(
    layer: Layer, values: np.ndarray, policy: np.ndarray, q: np.ndarray
) -> np.ndarray:
    """Values of the policy and of the best response, [2, n], from the next layer's.

    Writes what the actions are worth into `q`, [2, D, A].
    """
    edges = layer.edges
    after = layer.rewards[edges.sources] + values[:, edges.targets]
    mean = np.add.reduceat(after * _weights(layer, policy), edges.starts, axis=1)
    if layer.kind == StateType.DECISION:
        q[:, layer.rows[edges.sources], edges.labels] = after
        mean[1] = np.maximum.reduceat(after[1], edges.starts)
    return mean
