"""Any OpenSpiel mean field game, enumerated through its API and swept in NumPy."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterator, Sequence
import functools
import threading

import numpy as np
import pyspiel
from pyspiel import StateType
import tensorflow as tf

from algorithms.model.base import (
    Evaluation,
    Flow,
    MeanFieldModel,
    ScorePolicy,
    Start,
    Steps,
)
from algorithms.model.enumerated_backward import BackwardSweep
from algorithms.model.enumerated_flow import Clumps, Forward, Sampled
from algorithms.model.enumerated_steps import enumerated_steps
from algorithms.model.enumeration import (
    Discovered,
    Enumeration,
    Layer,
    node_name,
    same_structure,
)
from algorithms.model.forks import use_tensorflow
from algorithms.model.soundness import LAW_TOLERANCE
from algorithms.regularisers import Regulariser

_PROBES = 2  # walks that try whether the distribution changes nodes or edges
_PLAYER = int(pyspiel.PlayerId.DEFAULT_PLAYER_ID)
_MASS_TOLERANCE = 1e-4  # what OpenSpiel's own distributions are held to
_REMEMBERED = 4  # visits of the game, one for each of the last flows


class EnumeratedModel(MeanFieldModel):
    """Sweeps over the nodes of a game that is known by its API alone.

    The game's nodes and edges are found once. Each flow then visits every node once
    more, for its reward under the new distributions and to see that it has not moved.
    Where nodes or probabilities do depend on the distribution (the travel times of
    routing games), each flow finds nodes and edges anew, and `num_nodes` can grow at
    every call of `distribution`:

    - Nodes that were unknown get the next free rows; rows never change.
    - `distribution` and `evaluate` take policies with fewer rows than `num_nodes`;
      what is missing is uniform over the legal actions. They return as many rows.
    - Rows of nodes that cannot be reached under a flow have mass 0 and Q 0.
    - `decision_states` yields None for nodes that are known from a file only;
      `num_met` counts the others.

    Values count the rewards that OpenSpiel's evaluators count: those at decision,
    mean field and terminal nodes, of the population whose node it is. Arithmetic is in
    float64 whatever the dtype. Q of an illegal action is 0.

    Args:
      game: any OpenSpiel mean field game.
      dtype: "float64" or "float32", the storage of masses, values and policies.
      discovered: nodes that another model has met, whose rows come first.

    Raises:
      ValueError: the game is no mean field game, or breaks the contract of
        `Enumeration.walk`.
    """

    def __init__(
        self,
        game: pyspiel.Game,
        dtype: str = "float64",
        discovered: Discovered | None = None,
    ):
        dynamics = game.get_type().dynamics
        if dynamics != pyspiel.GameType.Dynamics.MEAN_FIELD:
            raise ValueError(
                f"`{game}` is no mean field game: its dynamics are {dynamics.name}."
            )
        self.game = game
        self._lock = threading.RLock()
        self.dtype = tf.as_dtype(dtype)
        self.num_actions = game.num_distinct_actions()
        self.num_populations = game.num_players()
        self._nodes = Enumeration(game, discovered)
        self._legal = tf.zeros((0, self.num_actions), tf.bool)
        self._observations = tf.zeros((0, 0))
        self._visits: dict[bytes, list[Layer]] = {}
        self._fixed = self._fixed_layers()

    def _fixed_layers(self) -> list[Layer] | None:
        """The game's layers; None if they are seen to depend on the distribution.

        Compares the uniform policy's flow with crowds that move and clump at random.
        """
        layers = self._nodes.walk(Forward(np.zeros((0, self.num_actions))))
        rng = np.random.default_rng(0)
        for _ in range(_PROBES):
            draws = rng.random((self.num_nodes, self.num_actions))
            actions = np.argmax(np.where(self.legal_actions, draws, -1.0), axis=-1)
            clumps = Clumps(np.eye(self.num_actions)[actions], rng)
            if not same_structure(layers, self._nodes.walk(clumps)):
                return None
        return layers

    @property
    def num_nodes(self) -> int:
        return len(self._nodes.legal_actions)

    @property
    def num_met(self) -> int:
        """Number of decision nodes that some flow has met."""
        return sum(state is not None for state in self._nodes.states)

    @property
    def legal_actions(self) -> tf.Tensor:
        if len(self._legal) < self.num_nodes:
            legal = np.zeros((self.num_nodes, self.num_actions), bool)
            for row, actions in zip(legal, self._nodes.legal_actions, strict=True):
                row[actions] = True
            self._legal = tf.constant(legal)
        return self._legal

    def compile(self, function: Callable) -> Callable:
        @functools.wraps(function)
        def alone(*arguments):
            use_tensorflow()
            with self._lock:  # sweeps find nodes and remember visits
                return function(*arguments)

        return alone

    def lock(self) -> threading.RLock:
        return self._lock

    # ---- sweeps ------------------------------------------------------------------

    def distribution(self, policy: tf.Tensor | ScorePolicy) -> Flow:
        rows = self._array(policy)
        return self._flow(len(rows), *self._sweep(lambda: Forward(rows)))

    def sampled_distribution(
        self, policy: tf.Tensor, players: int, seed: Sequence[int]
    ) -> Flow:
        rows = self._array(policy)
        sweep = self._sweep(lambda: Sampled(rows, players, np.random.default_rng(seed)))
        return self._flow(len(rows), *sweep)

    def _flow(
        self,
        num_rows: int,
        layers: list[Layer],
        masses: list[np.ndarray],
        sound: bool | None = None,
    ) -> Flow:
        rest = self._collect(StateType.MEAN_FIELD, layers, masses)
        mass = self._collect(StateType.DECISION, layers, masses)
        self._remember(rest, layers)
        joint = self.as_tensor(np.zeros((0, self.num_actions)))
        if sound is None:
            sound = _conserved(masses, self.num_populations)
        mass = self.as_tensor(mass[:num_rows])
        return Flow(mass, tf.constant(rest), joint, tf.constant(sound))

    def _sweep(
        self, make_forward: Callable[[], Forward]
    ) -> tuple[list[Layer], list[np.ndarray]]:
        """The layers under a policy's flow and the masses of each."""
        if self._fixed is not None:
            masses = make_forward().masses(self._fixed)
            rest = self._collect(StateType.MEAN_FIELD, self._fixed, masses)
            layers = self._nodes.revisit(self._fixed, rest)
            if layers is not None:
                return layers, masses
            self._fixed = None
        forward = make_forward()
        layers = self._nodes.walk(forward)
        return layers, forward.masses(layers)

    def evaluate(
        self,
        policy: tf.Tensor | ScorePolicy,
        flow: Flow,
        regulariser: Regulariser | None = None,
    ) -> Evaluation:
        rows = self._array(policy)
        layers = self._visit(flow.rest.numpy())
        sweep = BackwardSweep(layers, rows, self.num_nodes, regulariser)
        q, best_q = (
            self.as_tensor(array[: len(rows)])
            for array in (sweep.q, sweep.q + sweep.later_gain)
        )
        base = tf.constant(sweep.base[: len(rows)])
        return Evaluation(q, best_q, q, base, sweep.totals)

    def fault(self, flow: Flow) -> str | None:
        return None  # a walk has met all laws and rewards, and refuses what are none

    def absolute(self, q: tf.Tensor, values: Evaluation) -> tf.Tensor:
        return tf.cast(q, tf.float64) + values.base[:, None]

    def steps(self, flow: Flow) -> Steps:
        layers = self._visit(flow.rest.numpy())
        tables = enumerated_steps(layers, self.num_nodes, self.num_actions)
        successors, *rest = tables
        return Steps(tf.constant(successors), *map(self.as_tensor, rest))

    def start(self) -> Start:
        uniform = Forward(np.zeros((0, self.num_actions)))
        layers = self._fixed or self._nodes.walk(uniform)
        first = [layer.kind for layer in layers].index(StateType.DECISION)
        return Start(
            tf.constant(layers[first].rows, tf.int32),
            self.as_tensor(uniform.masses(layers)[first]),
            tf.constant(layers[first].populations, tf.int32),
        )

    @property
    def observations(self) -> tf.Tensor:
        if len(self._observations) < self.num_nodes:
            self._observations = self._observed()
        return self._observations

    def _observed(self) -> tf.Tensor:
        if not self.game.get_type().provides_observation_tensor:
            raise ValueError(
                f"`{self.game}` has no observation tensor. Deep solvers do without it "
                "where features='table'."
            )
        size = self.game.observation_tensor_size()
        rows = np.zeros((self.num_nodes, size), np.float32)
        populations = np.zeros(self.num_nodes, int)
        for row, state in enumerate(self._nodes.states):
            if state is not None:
                rows[row] = state.observation_tensor(_PLAYER)
                populations[row] = state.mean_field_population()
        if self.num_populations > 1:
            own = np.eye(self.num_populations, dtype=np.float32)[populations]
            rows = np.concatenate([own, rows], axis=1)
        return tf.constant(rows)

    def _visit(self, rest: np.ndarray) -> list[Layer]:
        """The layers as the players see them who face a flow."""
        if rest.tobytes() not in self._visits:
            mean_field = np.zeros(len(self._nodes.rows[StateType.MEAN_FIELD]))
            mean_field[: len(rest)] = rest
            layers = None
            if self._fixed is not None:
                layers = self._nodes.revisit(self._fixed, mean_field)
            if layers is None:
                layers = self._nodes.walk(lambda layers: mean_field[layers[-1].rows])
            self._remember(rest, layers)
        return self._visits[rest.tobytes()]

    def _remember(self, rest: np.ndarray, layers: list[Layer]) -> None:
        self._visits[rest.tobytes()] = layers
        if len(self._visits) > _REMEMBERED:
            del self._visits[next(iter(self._visits))]

    def _collect(
        self, kind: StateType, layers: list[Layer], masses: list[np.ndarray]
    ) -> np.ndarray:
        """Masses of all nodes of one kind, in the order of their rows."""
        collected = np.zeros(len(self._nodes.rows[kind]))
        for layer, mass in zip(layers, masses, strict=True):
            if layer.kind == kind:
                collected[layer.rows] = mass
        return collected

    def _array(self, policy: tf.Tensor | ScorePolicy) -> np.ndarray:
        rows = np.asarray(self.expand(policy), np.float64)
        if rows.shape[1:] != (self.num_actions,) or len(rows) > self.num_nodes:
            raise ValueError(
                f"`policy` must have at most {self.num_nodes} rows of "
                f"{self.num_actions} actions. Received: shape {rows.shape}"
            )
        return rows

    # ---- nodes -------------------------------------------------------------------

    def node_index(self, state: pyspiel.State) -> int:
        name = node_name(state)
        rows = self._nodes.rows[StateType.DECISION]
        if name not in rows:
            raise KeyError(f"`{self.game}` has no decision node {name!r} so far.")
        return rows[name]

    def decision_states(self) -> Iterator[pyspiel.State | None]:
        return iter(self._nodes.states)

    def node_names(self) -> list[str]:
        return [] if self._fixed else list(self._nodes.rows[StateType.DECISION])

    def discovered(self) -> Discovered | None:
        return None if self._fixed else self._nodes.discovered()

    def rows_of(self, names: list[str], legal_actions: np.ndarray) -> np.ndarray | None:
        if not names:
            return None
        if legal_actions.shape != (len(names), self.num_actions):
            raise ValueError(
                f"`legal_actions` must have the shape {(len(names), self.num_actions)}."
                f" Received: {legal_actions.shape}"
            )
        self._fixed = None  # another model has seen that they depend on the flow
        legal = [np.flatnonzero(row).tolist() for row in legal_actions]
        return np.array(list(map(self._nodes.reserve, names, legal)))

    def masses(self, flow: Flow) -> dict[str, float]:
        rows = self._nodes.rows
        by_name = {}
        for kind, mass in (
            (StateType.MEAN_FIELD, flow.rest),
            (StateType.DECISION, flow.mass),
        ):  # a flow may be older than the last nodes
            by_name.update(zip(rows[kind], mass.numpy().tolist(), strict=False))
        return by_name

    def passing_masses(self, policy: tf.Tensor, flow: Flow) -> dict[str, float]:
        layers = self._visit(flow.rest.numpy())
        by_name = collections.defaultdict(float)  # populations may share chance nodes
        masses = Forward(self._array(policy)).masses(layers)
        for layer, mass in zip(layers, masses, strict=True):
            if layer.kind in (StateType.CHANCE, StateType.TERMINAL):
                for name, value in zip(layer.names, mass.tolist(), strict=True):
                    by_name[name] += value
        return dict(by_name)

    def flow_of_masses(self, mass_of: Callable[[str, float], float]) -> Flow:
        def given(layer: Layer) -> np.ndarray:
            if layer.kind not in self._nodes.rows:
                return np.zeros(0)
            masses = np.array([mass_of(name, 0.0) for name in layer.names])
            if layer.kind == StateType.MEAN_FIELD:
                _check_masses(layer, masses, self.num_populations)
            return masses

        layers = self._nodes.walk(lambda layers: given(layers[-1]))
        return self._flow(self.num_nodes, layers, list(map(given, layers)), sound=True)


def _check_masses(layer: Layer, masses: np.ndarray, populations: int) -> None:
    """Raises a ValueError unless a layer's masses are those of some populations."""
    total = masses.sum()
    if not (masses >= 0).all() or abs(total - populations) > _MASS_TOLERANCE:
        raise ValueError(
            "The masses of mean field nodes equally far from the root must not be "
            f"negative and must sum to {populations}, one for each population. "
            f"Received: {total} at {layer.names[0]!r} and its like"
        )


def _conserved(masses: list[np.ndarray], num_populations: int) -> bool:
    """Whether the masses of each layer sum to one for each population."""
    sums = np.array([mass.sum() for mass in masses]) / num_populations
    allowed = LAW_TOLERANCE[tf.float64] * np.arange(1, len(masses) + 1)
    return bool((np.abs(sums - 1) <= allowed).all())
