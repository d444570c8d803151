"""What all exact solvers share: one update rule on top of a model's sweeps.

A solver's state is a dict of arrays over the decision nodes. `_update` computes, in
one compiled function, the flow of the current policy, its values and the best
response's, and the next state. Exploitability is thus a by-product of the update:
reading it costs nothing if the update follows.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
import functools
import inspect
import types
from typing import ClassVar, NamedTuple

import numpy as np
import pyspiel
import tensorflow as tf

from algorithms import array_file, catalogue, pickled
from algorithms.checked import Checked
from algorithms.distribution import DistributionPolicy
from algorithms.model import Evaluation, Flow, Totals, load_model
from algorithms.model.forks import use_tensorflow
from algorithms.openspiel_arguments import OBJECTS
from algorithms.policy import ArrayPolicy
from algorithms.programs import program
from mfg_games.openspiel_game import MeanFieldGame
from mfg_games.parameters import LARGEST, require

State = dict[str, tf.Tensor]


class Update(NamedTuple):
    """What one update computes.

    Attributes:
      state: the next state.
      flow: of the policy before the update.
      totals: what that policy earns, and what a best response gains.
      best_q: [D, A], that of `Evaluation`, where a solver needs it after the update.
    """

    state: State
    flow: Flow
    totals: Totals
    best_q: tf.Tensor | None = None


def exclusive(method: Callable) -> Callable:
    """A method of a `Solver` in which there is one thread at a time."""

    @functools.wraps(method)
    def alone(self, *args, **kwargs):
        use_tensorflow()
        with self._lock:
            return method(self, *args, **kwargs)

    return alone


class IterativeSolver(metaclass=Checked):
    """What `algorithms.run.run` runs, and writes to checkpoints and goes on from.

    Attributes:
      parameters: the constructor's arguments but game and device, by name.
      num_iterations: iterations done.
      variables: what iterations change in place, by name: networks, buffers, counters.
      largest_step: the largest learning rate that makes sense.
    """

    parameters: dict
    num_iterations: int
    largest_step = LARGEST
    variables: Mapping[str, tf.Variable] = types.MappingProxyType({})

    def __new__(cls, *args, **kwargs):
        solver = super().__new__(cls)
        bound = inspect.signature(cls.__init__).bind(solver, *args, **kwargs)
        bound.apply_defaults()
        names = bound.arguments.keys() - {"self", "game", "device", *OBJECTS}
        solver.parameters = {name: bound.arguments[name] for name in sorted(names)}
        return solver

    @classmethod
    def options(cls) -> dict[str, object]:
        """What `make` takes besides the game, with the defaults."""
        arguments = inspect.signature(cls.__init__).parameters
        names = [name for name in arguments if name not in ("self", "game", *OBJECTS)]
        return {name: arguments[name].default for name in names}

    @classmethod
    def make(cls, game, **options) -> IterativeSolver:
        """A solver by its options, which are numbers and strings."""
        return cls(game, **options)

    def __reduce__(self):
        state = {name: np.asarray(array) for name, array in self.state.items()}
        game = pickled.packed(self.game)
        arrays = self.node_arrays()
        done = self.num_iterations
        return (_restored, (type(self), game, self.parameters, state, arrays, done))

    @property
    @abc.abstractmethod
    def game_identity(self) -> dict:
        """Name and parameters of the game, as values for JSON."""

    @property
    @abc.abstractmethod
    def exploitability(self) -> float:
        """What a player could gain by leaving the current policy."""

    @property
    def resolution(self) -> float:
        """How much of the exploitability may be rounding; 0 where it is not known."""
        return 0.0

    @property
    @abc.abstractmethod
    def state(self) -> State:
        """All arrays that the next iterations depend on; never changed in place."""

    @abc.abstractmethod
    def iteration(self) -> None:
        """Runs one iteration.

        Raises:
          FloatingPointError: a value became infinite or no number.
        """

    @abc.abstractmethod
    def restore(self, state: dict[str, np.ndarray], num_iterations: int) -> None:
        """Continues from an earlier `state`, with equal numbers.

        Raises:
          ValueError: the arrays are of another solver or game.
        """

    @property
    def metrics(self) -> Mapping[str, float]:
        """What the last iteration measured, by name; `moves` and `updates` are counts.

        Empty before the first iteration, and for solvers that only compute.
        """
        return {}

    def node_arrays(self) -> dict[str, np.ndarray]:
        """What tells the rows of the state's arrays later, in another process."""
        return {}

    def in_own_rows(
        self, state: dict[str, np.ndarray], arrays: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """A state in this solver's rows.

        Args:
          state: its arrays as they were saved.
          arrays: `node_arrays` among others, saved with them.
        """
        return state

    def as_tensor(self, array: np.ndarray) -> tf.Tensor:
        """An array of a saved state as it is held."""
        return tf.constant(array)

    def _require_shapes(
        self, expected: Mapping[str, tf.TensorShape], state: Mapping[str, np.ndarray]
    ) -> None:
        """Raises a ValueError unless the arrays are such; None in a shape is open."""
        found = {name: tf.TensorShape(array.shape) for name, array in state.items()}
        fits = expected.keys() == found.keys() and all(
            shape.is_compatible_with(found[name]) for name, shape in expected.items()
        )
        if not fits:
            raise ValueError(
                f"The state of {type(self).__name__} on `{self.game}` has the arrays "
                f"{dict(expected)}. Received: {found}"
            )

    def _assign(self, state: Mapping[str, np.ndarray]) -> None:
        """Puts arrays into `variables`."""
        for name, variable in self.variables.items():
            variable.assign(np.asarray(state[name], variable.dtype.as_numpy_dtype))


def _restored(
    solver_class: type, game, parameters: dict, state: dict, arrays: dict, done: int
) -> IterativeSolver:
    """A solver that was pickled; on TensorFlow's choice of a device."""
    solver = solver_class.make(pickled.unpacked(game), **parameters)
    solver.restore(solver.in_own_rows(state, arrays), done)
    return solver


class Solver(IterativeSolver):
    """An iterative solver of one mean field game.

    Of the solver, `_policy`, `_update` and whatever else becomes a program (see
    `programs.py`) may read its model, its game and the `graph_options`.

    Args:
      game: any OpenSpiel mean field game, or its string.
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.

    Attributes:
      game, model: the game and its model.
      own_games_only: why only games registered by `mfg_games.register` are taken; ""
        where any mean field game is.
      graph_options: names of the attributes that compiled methods read, of the class.
        They are set before `Solver.__init__` runs, and fixed. Real numbers come as
        scalar tensors, all others as they are.
    """

    own_games_only: ClassVar[str] = ""
    graph_options: tuple[str, ...] = ()

    def __init__(
        self,
        game: pyspiel.Game | str,
        dtype: str = "float64",
        device: str | None = None,
    ):
        self.model = load_model(self._taken(game), dtype, device)
        self.game = self.model.game
        self.num_iterations = 0
        self._lock = self.model.lock()
        self._compiled_update = program(self, "_update")
        self._compiled_policy = program(self, "_policy")
        self._state = self.fresh_state()
        self._pending: Update | None = None
        self._pending_step: float | None = None

    @abc.abstractmethod
    def fresh_state(self) -> State:
        """The state before the first iteration: arrays [D, ...] and scalars by name."""

    @abc.abstractmethod
    def _policy(self, state: State) -> tf.Tensor:
        """The policy of a state, [D, A]."""

    @abc.abstractmethod
    def _update(self, state: State, step_size: tf.Tensor) -> Update:
        """One iteration from a state."""

    def _taken(self, game: pyspiel.Game | str) -> pyspiel.Game:
        """The game, if it is one that the solver takes.

        Raises:
          ValueError: it is not.
        """
        if isinstance(game, str):
            game = catalogue.load_game(game)
        if self.own_games_only and not isinstance(game, MeanFieldGame):
            raise ValueError(
                "`game` must be registered by `mfg_games.register`, "
                f"{self.own_games_only}. Received: game=`{game}`"
            )
        return game

    def step_size(self) -> float:
        """The step of the coming iteration."""
        return 1.0

    @exclusive
    def iteration(self, learning_rate: float | None = None) -> None:
        """Runs one iteration.

        Args:
          learning_rate: the step of this iteration instead of the solver's own.

        Raises:
          FloatingPointError: a value became infinite or no number.
          ValueError: the learning rate is out of range.
        """
        self._require_step(learning_rate)
        update = self._evaluated(learning_rate)
        self._state = self._advance(update)
        self._pending = None
        self.num_iterations += 1

    def _require_step(self, learning_rate: float | None) -> None:
        """Requires None or a learning rate that makes sense."""
        if learning_rate is not None:
            allowed = f"above 0 and at most {self.largest_step:g}"
            valid = 0 < learning_rate <= self.largest_step
            require(valid, "learning_rate", learning_rate, allowed)

    def _advance(self, update: Update) -> State:
        """The next state, where `_update` does not know it before an iteration."""
        return update.state

    def get_policy(self) -> ArrayPolicy:
        """The current policy."""
        return self.policy_of(self._state)

    @exclusive
    def policy_of(self, state: State) -> ArrayPolicy:
        """The policy of a state that this solver has had."""
        state = {name: state[name] for name in self._state}
        return ArrayPolicy(self.model, self._compiled_policy(self._padded(state)))

    @property
    @exclusive
    def exploitability(self) -> float:
        """NashConv of the current policy, summed over populations.

        Raises:
          FloatingPointError: a value became infinite or NaN.
          GameFault: a function of the game returns what is no law, or no reward.
        """
        # In NumPy: operations of eager TensorFlow take 0.05 ms each.
        return float(np.sum(self._evaluated().totals.gain.numpy()))

    @property
    @exclusive
    def resolution(self) -> float:
        """How much of the exploitability may be rounding."""
        return float(self._evaluated().totals.resolution.numpy())

    @property
    @exclusive
    def values(self) -> np.ndarray:
        """Value of the current policy for each population, [N]."""
        return self._evaluated().totals.value.numpy()

    @property
    def game_identity(self) -> dict:
        return array_file.game_identity(self.game)

    def node_arrays(self) -> dict[str, np.ndarray]:
        return array_file.node_arrays(self.model)

    def in_own_rows(
        self, state: dict[str, np.ndarray], arrays: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        rows = array_file.rows_in(self.model, arrays)
        if rows is None:
            return state
        placed = {name: np.array(array) for name, array in self.fresh_state().items()}
        for name, array in state.items():
            if name not in placed:
                placed[name] = array  # of the solver's variables, which have no nodes
            elif array.ndim:
                placed[name][rows[: len(array)]] = array
            else:
                placed[name][...] = array
        return placed

    def as_tensor(self, array: np.ndarray) -> tf.Tensor:
        return self.model.as_tensor(array)

    @property
    @exclusive
    def flow(self) -> Flow:
        """The current policy's flow."""
        return self._evaluated().flow

    @property
    def distribution(self) -> DistributionPolicy:
        """The current policy's distribution, by OpenSpiel's strings."""
        return DistributionPolicy(self.game, self.get_policy())

    @property
    @exclusive
    def state(self) -> State:
        copies = {name: array.value() for name, array in self.variables.items()}
        return {**self._state, **copies}

    @exclusive
    def restore(self, state: dict[str, np.ndarray], num_iterations: int) -> None:
        named = {**self.fresh_state(), **self.variables}
        # Variables that grow leave a dimension open.
        shapes = {name: array.shape for name, array in named.items()}
        self._require_shapes(shapes, state)
        self.num_iterations = num_iterations
        self._state = {name: self.model.as_tensor(state[name]) for name in self._state}
        self._assign(state)
        self._pending = None

    def _evaluated(self, learning_rate: float | None = None) -> Update:
        step = self.step_size() if learning_rate is None else learning_rate
        if step != self._pending_step:
            self._pending, self._pending_step = None, step
            self._step_tensor = tf.constant(step, self.model.dtype)
        if self._pending is None:
            update = self._grown_update(self._step_tensor)
            self._check(update)
            self._pending = update
        return self._pending

    def _check(self, update: Update) -> None:
        """Sees to it that an update's numbers are right before anybody reads them."""
        try:
            self.model.require_sound(update.flow, update.totals)
        except FloatingPointError as error:
            raise type(error)(
                f"{type(self).__name__}: {error} at iteration {self.num_iterations}."
            ) from None

    def _grown_update(self, step: tf.Tensor) -> Update:
        """The update, redone as long as it discovers nodes of the game."""
        while True:
            num_nodes = self.model.num_nodes
            self._state = self._padded(self._state)
            update = self._compiled_update(self._state, step)
            if self.model.num_nodes == num_nodes:
                return update

    def _padded(self, state: State) -> State:
        """A state with fresh rows for the nodes discovered since it was made."""
        rows = {len(array) for array in state.values() if array.shape.rank}
        if rows == {self.model.num_nodes}:
            return state
        fresh = self.fresh_state()
        return {
            name: tf.concat([array, fresh[name][len(array) :]], axis=0)
            if array.shape.rank
            else array
            for name, array in state.items()
        }

    def _sweep(self, policy: tf.Tensor) -> tuple[Flow, Evaluation]:
        flow = self.model.distribution(policy)
        return flow, self.model.evaluate(policy, flow)
