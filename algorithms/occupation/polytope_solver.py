"""What the solvers on the polytope of flows share: the polytope, capacities, tolls."""

from __future__ import annotations

import abc
from collections.abc import Mapping

import numpy as np
import pyspiel
import tensorflow as tf

from algorithms.model import MeanFieldModel
from algorithms.model.array_model import ArrayModel
from algorithms.occupation.flow_polytope import FlowPolytope
from algorithms.occupation.kernel import fixed_kernel
from algorithms.solver import Solver, State, Update, exclusive
from mfg_games import parameters


class PolytopeSolver(Solver):
    """A solver over the flows of a game whose transitions no crowd changes.

    With a capacity, an equilibrium is a flow within it from which no flow within it is
    worth more to a player. It comes with tolls: what each full node charges so that,
    tolls paid, nobody gains by leaving the flow, and none where there is room. Then

    - `exploitability` is what the best response gains if tolls are paid, plus the tolls
      of places that are left free; it bounds from above what a flow within the
      capacity gains, and it is zero exactly at equilibria, if nothing exceeds the
      capacity;
    - `metrics["excess"]` is the largest mass in excess of it.

    Args:
      game: an OpenSpiel mean field game, or its string.
      capacity: largest share of a population in one state; None for no bound.
      capacity_start: decision time from which on it holds.
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.

    Attributes:
      polytope: of the flows.

    Raises:
      ValueError: transitions depend on the crowd, no flow keeps within the capacity, or
        there is one in a game that is not of `mfg_games`.
    """

    def __init__(
        self,
        game: pyspiel.Game | str,
        capacity: float | None,
        capacity_start: int,
        dtype: str,
        device: str | None,
    ):
        super().__init__(game, dtype, device)
        limits = None
        if capacity is not None:
            limits = _capacities(self.model, capacity, capacity_start)
        self.polytope = FlowPolytope(fixed_kernel(self.model), limits)
        self._metrics: Mapping[str, float] = {}

    def fresh_state(self) -> State:
        tolls = tf.zeros(self.model.num_nodes, self.model.dtype)
        return {"policy": self.model.uniform_policy(), "tolls": tolls}

    def _policy(self, state: State) -> tf.Tensor:
        return state["policy"]

    def _update(self, state: State, step_size: tf.Tensor) -> Update:
        """The sweeps, and what actions gain; the step itself is taken in NumPy."""
        policy = state["policy"]
        flow, values = self._sweep(policy)
        value = tf.reduce_sum(policy * values.q, axis=-1, keepdims=True)
        state = {**state, "gains": values.q - value}
        return Update(state, flow, values.totals)

    @abc.abstractmethod
    def _advance(self, update: Update) -> State:
        """The step, from the `gains` [D, A] in the update's state."""

    @property
    def tolls(self) -> np.ndarray:
        """What players pay to be in each decision node, [D]; zero without capacity."""
        return self._state["tolls"].numpy().astype(np.float64)

    @property
    @exclusive
    def exploitability(self) -> float:
        """What the best response gains, tolls included, summed over populations."""
        if self.polytope.capacity is None:
            return super().exploitability
        x, gains = measured(self._evaluated())
        room = np.maximum(self.polytope.capacity - x.sum(axis=1), 0.0)
        charged = self.tolls > 0
        gained = self.polytope.best_value(gains - self.tolls[:, None])
        paid = self.tolls @ x.sum(axis=1)
        return gained + paid + float(self.tolls[charged] @ room[charged])

    @property
    @exclusive
    def metrics(self) -> Mapping[str, float]:
        if self.polytope.capacity is None or not self._metrics:
            return self._metrics
        over = self.flow.mass.numpy() - self.polytope.capacity
        return {**self._metrics, "excess": float(np.maximum(over, 0.0).max())}

    def _measured_at(self, policy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Occupation measure and gains of a policy, [D, A] each."""
        state = {**self._state, "policy": self.model.as_tensor(policy)}
        step = tf.constant(self._pending_step, self.model.dtype)
        return measured(self._compiled_update(state, step))


def measured(update: Update) -> tuple[np.ndarray, np.ndarray]:
    """Occupation measure and gains of an update's policy, float64 [D, A] each."""
    policy = update.state["policy"].numpy().astype(np.float64)
    x = update.flow.mass.numpy()[:, None] * policy
    return x, update.state["gains"].numpy().astype(np.float64)


def _capacities(model: MeanFieldModel, capacity: float, start: int) -> np.ndarray:
    """The largest mass of each node, [D]."""
    if not isinstance(model, ArrayModel):
        raise ValueError(
            "`capacity` needs a game registered by `mfg_games`, whose states and times "
            f"are known. Received: `{model.game}`"
        )
    dynamics = model.game.dynamics
    allowed = "above 0 and at most 1"
    parameters.require(0 < capacity <= 1, "capacity", capacity, allowed)
    parameters.at_least("capacity_start", start, 0)
    limits = np.full(model.num_nodes, np.inf)
    for time in range(start, dynamics.horizon):
        shares = dynamics.history_probabilities(time)
        rows = model.rows(time)
        limits[rows] = capacity * np.repeat(
            shares, (rows.stop - rows.start) // len(shares)
        )
    return limits
