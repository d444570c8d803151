"""Mean-field PSRO (Muller et al. 2021; 2022).

    policies <- {uniform},  device <- always draws it
    repeat: policies <- policies and the best responses to the device
            nu_1, nu_2, ... <- a regret minimiser's play on these policies, each paid
                               in the crowd of nu
            device <- draws nu_t with the probabilities of the least gap

A best response to all that the device may draw leads to coarse correlated equilibria;
one to each policy that is recommended, with a minimiser of internal regret, leads to
correlated ones. See `device.py` for the gaps, `linear_game.py` for the payoffs.

Deviations from the papers: payoffs are scaled by the largest difference between two
policies so far; where the highest welfare is asked for, the crowds of single policies
are candidates for the device too; and whenever no best response is new although
somebody gains, the minimiser is given `regret_steps` more steps from then on. At an
equilibrium the solver rests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyspiel
from scipy import sparse
import tensorflow as tf

from algorithms.correlated import regret_minimisers
from algorithms.correlated.device import (
    COARSE,
    CORRELATED,
    EQUILIBRIA,
    CorrelationDevice,
    Deviation,
)
from algorithms.correlated.linear_game import load_linear_game
from algorithms.correlated.weights import GAP, OBJECTIVES, WELFARE, best_weights
from algorithms.history import OPTIMALITY_GAP
from algorithms.solver import Solver, State, Update
from mfg_games import parameters

_SAME = 1e-12  # squared distance of measures, as a share, that counts as none
_ROUNDING = 1e-9  # gap, as a share of the values, that counts as none


class MeanFieldPSRO(Solver):
    """Mean-field PSRO: correlated equilibria of a growing set of best responses.

    The solver's policy is what the device's players play on average, whose
    exploitability is that as a Nash equilibrium and does not fall to zero in general.
    What does is the metric `optimality_gap`, the gap of the kind of equilibrium that is
    looked for or zero if that is negative, which a run takes in its place.

    What is kept are the occupation measures of all policies, twelve bytes for each
    node that a best response reaches; correlated equilibria need an array of nodes and
    actions for each nu of the device besides.

    Args:
      game: an OpenSpiel mean field game whose transitions do not depend on the crowd,
        or its string.
      equilibrium: "coarse" or "correlated".
      regret_minimiser: one of `regret_minimisers.NAMES`.
      regret_steps: of the minimiser in each iteration, a forward and a backward sweep
        each.
      weights: "gap", "welfare" or "uniform": see `weights.best_weights`.
      dtype: "float64" or "float32", of the sweeps.
      device: a TensorFlow device; None for TensorFlow's choice.

    Raises:
      ValueError: a parameter is out of range, or transitions depend on the crowd.
    """

    def __init__(
        self,
        game: pyspiel.Game | str,
        equilibrium: str = COARSE,
        regret_minimiser: str = "regret_matching",
        regret_steps: int = 30,
        weights: str = GAP,
        dtype: str = "float64",
        device: str | None = None,
    ):
        parameters.one_of("equilibrium", equilibrium, EQUILIBRIA)
        parameters.one_of("regret_minimiser", regret_minimiser, regret_minimisers.NAMES)
        parameters.at_least("regret_steps", regret_steps, 1)
        # A nu and the payoffs in each step, of a policy at least.
        parameters.fits(16 * regret_steps, regret_steps=regret_steps)
        parameters.one_of("weights", weights, OBJECTIVES)
        self._equilibrium = equilibrium
        self._minimiser = regret_minimiser
        self._objective = weights
        super().__init__(game, dtype, device)
        self._linear_game = load_linear_game(self.model.game, dtype, device)
        first = self._linear_game.measure(self.model.uniform_policy())
        start = sparse.csr_array(first[None])
        one = np.ones(1)
        with tf.device(device):
            self.variables = {
                "entries": _growing(tf.float64, None),
                "places": _growing(tf.int64, None),
                "firsts": _growing(tf.int64, None),
                "nus": _growing(tf.float64, None, None),
                "weights": _growing(tf.float64, None),
                "steps": tf.Variable(regret_steps, dtype=tf.int64),
            }
        self._keep(CorrelationDevice(self._linear_game, start, one[None], one))

    def fresh_state(self) -> State:
        return {"policy": self.model.uniform_policy()}

    def _policy(self, state: State) -> tf.Tensor:
        return state["policy"]

    def _update(self, state: State, step_size: tf.Tensor) -> Update:
        """The sweeps of the average policy; the iteration itself is in `_advance`."""
        flow, values = self._sweep(state["policy"])
        return Update(state, flow, values.totals)

    @property
    def correlation_device(self) -> CorrelationDevice:
        """The device that was found last, with its policies, gaps and welfare."""
        if self._found is None:
            arrays = {name: array.numpy() for name, array in self.variables.items()}
            parts = (arrays["entries"], arrays["places"], arrays["firsts"])
            size = self.model.num_nodes * self.model.num_actions
            shape = (len(arrays["firsts"]) - 1, size)
            measures = sparse.csr_array(parts, shape=shape)
            self._found = CorrelationDevice(
                self._linear_game, measures, arrays["nus"], arrays["weights"]
            )
        return self._found

    @property
    def metrics(self) -> Mapping[str, float]:
        """The device's gaps, its welfare and how many policies there are."""
        gaps = {"cce_gap": self.correlation_device.cce_gap}
        if self._equilibrium == CORRELATED:
            gaps["ce_gap"] = self.correlation_device.ce_gap
        return {
            **gaps,
            OPTIMALITY_GAP: max(sum(each.gain for each in self._deviations), 0.0),
            "welfare": self.correlation_device.welfare,
            "policies": float(self.correlation_device.measures.shape[0]),
        }

    @property
    def _deviations(self) -> list[Deviation]:
        """The best responses that the kind of equilibrium asks for."""
        if self._equilibrium == COARSE:
            return [self.correlation_device.coarse_deviation]
        return self.correlation_device.deviations

    def restore(self, state: dict[str, np.ndarray], num_iterations: int) -> None:
        super().restore(state, num_iterations)
        self._found = None

    def _advance(self, update: Update) -> State:
        least = _ROUNDING * (1 + abs(self.correlation_device.welfare))
        found = [each for each in self._deviations if each.gain > least]
        if not found:
            return update.state
        measures = _grown(self.correlation_device.measures, found)
        if measures is self.correlation_device.measures:
            self.variables["steps"].assign_add(self.parameters["regret_steps"])
        nus, payoffs = self._play(measures)
        weights = best_weights(nus, payoffs, self._equilibrium, self._objective)
        drawn = weights > 0
        self._keep(
            CorrelationDevice(self._linear_game, measures, nus[drawn], weights[drawn])
        )
        return {
            "policy": self.model.as_tensor(self.correlation_device.policy.probabilities)
        }

    def _keep(self, device: CorrelationDevice) -> None:
        self._found = device
        arrays = {
            "entries": device.measures.data,
            "places": device.measures.indices,
            "firsts": device.measures.indptr,
            "nus": device.nus,
            "weights": device.weights,
        }
        for name, array in arrays.items():
            variable = self.variables[name]
            variable.assign(array.astype(variable.dtype.as_numpy_dtype))

    def _play(self, measures: sparse.csr_array) -> tuple[np.ndarray, np.ndarray]:
        """What the minimiser plays and what the policies are paid then, [T, P] each."""
        count, steps = measures.shape[0], int(self.variables["steps"].numpy())
        internal = self._equilibrium == CORRELATED
        minimiser = regret_minimisers.make(self._minimiser, count, steps, internal)
        nus, payoffs, scale = [], [], 0.0
        for _ in range(steps):
            nus.append(minimiser.nu)
            payoffs.append(self._payoffs(measures, nus[-1]))
            scale = max(scale, np.ptp(payoffs[-1]))
            minimiser.observe((payoffs[-1] - payoffs[-1].max()) / (scale or 1.0))
        if self._objective == WELFARE:
            nus += list(np.eye(count))
            payoffs += [self._payoffs(measures, nu) for nu in nus[-count:]]
        return np.array(nus), np.array(payoffs)

    def _payoffs(self, measures: sparse.csr_array, nu: np.ndarray) -> np.ndarray:
        """What each policy is paid in the crowd of a nu, [P]."""
        crowd = self._linear_game.meet(nu @ measures)
        payoffs = crowd.value + measures @ crowd.advantages
        if not np.isfinite(payoffs).all():
            raise FloatingPointError(
                f"MeanFieldPSRO: the policies' payoffs are {payoffs} at iteration "
                f"{self.num_iterations}."
            )
        return payoffs


def _growing(dtype: tf.DType, *shape: int | None) -> tf.Variable:
    """A variable whose open dimensions grow."""
    empty = tf.zeros([0 for _ in shape], dtype)
    return tf.Variable(empty, shape=shape)


def _grown(measures: sparse.csr_array, found: Sequence[Deviation]) -> sparse.csr_array:
    """The measures [P, D * A] and those of the responses that are new."""
    for deviation in found:
        if not _knows(measures, deviation.measure):
            row = sparse.csr_array(deviation.measure[None])
            measures = sparse.vstack([measures, row], format="csr")
    return measures


def _knows(measures: sparse.csr_array, measure: np.ndarray) -> bool:
    """Whether one of the measures is the same up to rounding."""
    squares = measures.multiply(measures).sum(axis=1)
    distances = squares + measure @ measure - 2 * (measures @ measure)
    return bool((distances <= _SAME * squares).any())
