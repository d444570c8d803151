"""MF-OMO: equilibria as minima of one objective (Guo, Hu & Zhang 2024).

Minimises the objective of `omo_objective.py`, whose minimum is 0 and is taken exactly
at equilibria, by its gradient through rewards and transitions. Nothing is assumed of
the game, neither monotonicity nor that there is one equilibrium only; the objective is
not convex, and what is found depends on the start.

- "lbfgs": L-BFGS-B over the logits of a softmax for each time's L (the paper's
  appendix A.3), v and z within the bounds of a player's sums of rewards.
- "adam": projected Adam over L itself, each time's L on its simplex, z >= 0 and v
  within the l1 and l2 bounds of the paper, widened to rewards of either sign. Rewards
  whose slope is unbounded, such as logarithms of densities, can throw it off.

The measure begins as the flow of the uniform policy, or of a random one if there is a
`spread`, mixed with a little of the uniform measure; v and z begin as the values of the
best response (the paper's hat start). Several equilibria are found by several seeds,
and so is the way out of a stationary point that is none. The policy is read off L, and
the exploitability is the policy's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
import functools

import keras
import numpy as np
import pyspiel
from scipy import optimize
import tensorflow as tf

from algorithms.deep.networks import named_variables
from algorithms.occupation import simplex
from algorithms.occupation.omo_objective import OmoObjective, Variables, largest_sums
from algorithms.programs import program
from algorithms.regularisers import softmax
from algorithms.solver import Solver, State, Update
from mfg_games import parameters
from mfg_games.dynamics import Dynamics

LBFGS, ADAM = OPTIMIZERS = ("lbfgs", "adam")
_MIXED_IN = 1e-3  # share of the uniform measure at the start: logits must be finite
_MEMORY = 20  # pairs of steps that L-BFGS remembers
_TERMS = ("imbalance_term", "value_term", "slack_term")


class MFOMO(Solver):
    """Mean-field occupation measure optimisation: one objective, zero at equilibria.

    Args:
      game: a game of `mfg_games`, or its string.
      optimizer: "lbfgs" or "adam".
      lr: Adam's rate.
      steps: the optimiser's steps in an iteration; L-BFGS forgets the past after each.
      balance_weight, value_weight, slack_weight: c1, c2 and c3.
      spread: standard deviation of the normal logits of the policy at the start; 0 for
        the uniform policy.
      seed: of these logits.
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.

    Raises:
      ValueError: a parameter is out of range, or the game is not one of `mfg_games`.
    """

    graph_options = ("_optimizer", "_weights")

    own_games_only = "whose rewards have gradients"

    def __init__(
        self,
        game: pyspiel.Game | str,
        optimizer: str = LBFGS,
        lr: float = 0.1,
        steps: int = 20,
        balance_weight: float = 1.0,
        value_weight: float = 1.0,
        slack_weight: float = 1.0,
        spread: float = 0.0,
        seed: int = 0,
        dtype: str = "float64",
        device: str | None = None,
    ):
        parameters.one_of("optimizer", optimizer, OPTIMIZERS)
        parameters.positive("lr", lr)
        parameters.at_least("steps", steps, 1)
        parameters.positive("balance_weight", balance_weight)
        parameters.positive("value_weight", value_weight)
        parameters.positive("slack_weight", slack_weight)
        parameters.at_least("spread", spread, 0.0)
        parameters.at_least("seed", seed, 0)
        self._optimizer = optimizer
        self._lr = lr
        self._steps = steps
        self._weights = (balance_weight, value_weight, slack_weight)
        self._spread = spread
        self._seed = seed
        self._metrics: Mapping[str, float] = {}
        super().__init__(game, dtype, device)
        self._compiled_slopes = program(self, "_slopes")
        if optimizer == ADAM:
            weights = [keras.Variable(array) for array in self._state.values()]
            self._adam = keras.optimizers.Adam(lr)
            self._adam.build(weights)
            self._trained = weights
            self._adam_step = tf.function(self._apply, autograph=False)
            self.variables = named_variables(adam=self._adam.variables)

    @property
    def metrics(self) -> Mapping[str, float]:
        """The objective and its three terms."""
        return self._metrics

    @property
    def objective(self) -> float:
        """MF-OMO's objective, zero exactly at equilibria."""
        terms, _ = self._compiled_slopes(self._state)
        return float(np.sum(terms.numpy()))

    def step_size(self) -> float:
        return self._lr

    def fresh_state(self) -> State:
        legal = self.model.legal_actions
        draws = np.random.default_rng(self._seed).normal(size=legal.shape)
        policy = softmax(self.model.as_tensor(self._spread * draws), legal)
        mass = self.model.compiled_distribution(policy).mass
        return program(self, "_start")(policy, mass)

    @functools.cached_property
    def _objective(self) -> OmoObjective:
        return OmoObjective(self.model, self._weights)

    @functools.cached_property
    def _totals(self) -> np.ndarray:
        return _totals(self.game.dynamics)

    def _start(self, policy: tf.Tensor, mass: tf.Tensor) -> State:
        states = self.game.dynamics.num_states
        even = np.repeat(self._totals / states, states)
        mass = (1 - _MIXED_IN) * mass + _MIXED_IN * tf.cast(even, mass.dtype)
        weights = mass[:, None] * policy
        logits = tf.math.log(tf.where(weights > 0, weights, 1.0))
        at = self._objective.with_best_values(self._softmax(logits))
        first = {"logits": logits} if self._optimizer == LBFGS else {"measure": at[0]}
        return {**first, "values": at.values, "slack": at.slack}

    def _softmax(self, logits: tf.Tensor) -> tf.Tensor:
        """The measure whose times have these logits, [D, A]."""
        blocks = [len(self._totals), -1]
        legal = tf.reshape(self.model.legal_actions, blocks)
        shares = softmax(tf.reshape(logits, blocks), legal)
        totals = tf.cast(self._totals, logits.dtype)
        return tf.reshape(totals[:, None] * shares, logits.shape)

    def _measure(self, state: State) -> tf.Tensor:
        if self._optimizer == LBFGS:
            return self._softmax(state["logits"])
        return state["measure"]

    def _policy(self, state: State) -> tf.Tensor:
        measure = self._measure(state)
        mass = tf.reduce_sum(measure, axis=1, keepdims=True)
        policy = tf.math.divide_no_nan(measure, mass)
        return tf.where(mass > 0, policy, self.model.uniform_policy())

    def _update(self, state: State, step_size: tf.Tensor) -> Update:
        """The sweeps; the optimiser's steps are taken outside of the graph."""
        flow, values = self._sweep(self._policy(state))
        return Update(state, flow, values.totals)

    def _slopes(self, state: State) -> tuple[tf.Tensor, State]:
        """The three terms of the objective, and its gradient."""
        with tf.GradientTape() as tape:
            tape.watch(state)
            measure = self._measure(state)
            at = Variables(measure, state["values"], state["slack"])
            terms = self._objective.terms(at)
            total = tf.reduce_sum(terms)
        return terms, tape.gradient(total, state)

    def _advance(self, update: Update) -> State:
        descend = self._lbfgs if self._optimizer == LBFGS else self._projected_adam
        state = descend()
        terms, _ = self._compiled_slopes(state)
        terms = dict(zip(_TERMS, map(float, terms.numpy()), strict=True))
        self._metrics = {"objective": sum(terms.values()), **terms}
        return state

    def _lbfgs(self) -> State:
        """The state after a few steps of L-BFGS-B."""
        state = self._state
        ends = np.cumsum([np.size(array) for array in state.values()])[:-1]

        def unpacked(x):
            parts = zip(state.items(), np.split(x, ends), strict=True)
            return {
                name: self.model.as_tensor(part.reshape(array.shape))
                for (name, array), part in parts
            }

        def loss(x):
            terms, slopes = self._compiled_slopes(unpacked(x))
            return float(np.sum(terms.numpy())), _packed(slopes)

        bounds = self._bounds()
        found = optimize.minimize(
            loss,
            np.clip(_packed(state), bounds.lb, bounds.ub),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": self._steps, "maxcor": _MEMORY, "ftol": 0, "gtol": 0},
        )
        if not np.isfinite(found.fun):
            raise self._lost()
        return unpacked(found.x)

    def _bounds(self) -> optimize.Bounds:
        """Of logits, values and slacks: those of the latter hold at equilibria."""
        magnitudes, differences = self._node_bounds()
        actions = self.model.num_actions
        free = np.full(magnitudes.size * actions, np.inf)
        differences = np.repeat(differences, actions)
        return optimize.Bounds(
            np.concatenate([-free, -magnitudes, 0 * differences]),
            np.concatenate([free, magnitudes, differences]),
        )

    def _node_bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """`largest_sums` of each node, [D] each."""
        dynamics = self.game.dynamics
        rows = [self.model.rows(time) for time in range(dynamics.horizon)]
        counts = [part.stop - part.start for part in rows]
        return tuple(np.repeat(sums, counts) for sums in largest_sums(dynamics))

    def _projected_adam(self) -> State:
        """The state after a few steps of Adam, each projected."""
        names = list(self._state)
        self._adam.learning_rate = self._pending_step
        self._hold(self._state.values())
        for _ in range(self._steps):
            terms, slopes = self._compiled_slopes(self._held())
            if not np.isfinite(terms.numpy()).all():
                raise self._lost()
            self._adam_step([slopes[name] for name in names])
            self._hold(self._projected(*(w.numpy() for w in self._trained)))
        return self._held()

    def _apply(self, slopes: list[tf.Tensor]) -> None:
        self._adam.apply(slopes, self._trained)

    def _hold(self, arrays: Iterable) -> None:
        """Puts a state's arrays into the variables that Adam moves."""
        for variable, array in zip(self._trained, arrays, strict=True):
            variable.assign(array)

    def _held(self) -> State:
        held = [variable.value.value() for variable in self._trained]
        return dict(zip(self._state, held, strict=True))

    def _projected(self, measure, values, slack) -> tuple[np.ndarray, ...]:
        """Onto the simplexes, the ball and the l1 ball of the paper."""
        magnitudes, differences = self._node_bounds()
        legal = self.model.legal_actions.numpy()
        blocks = np.where(legal, measure, -np.inf).reshape(len(self._totals), -1)
        measure = simplex.project(blocks, self._totals).reshape(measure.shape)
        values = values * min(1.0, magnitudes.sum() / np.linalg.norm(values))
        slack = np.where(legal, np.maximum(slack, 0.0), 0.0)
        total = differences.sum() * measure.shape[1]
        if slack.sum() > total:
            slack = simplex.project(slack.reshape(1, -1), np.array([total]))
        return measure, values, slack.reshape(measure.shape)

    def _lost(self) -> FloatingPointError:
        return FloatingPointError(
            f"{type(self).__name__}: the objective is no number at iteration "
            f"{self.num_iterations}."
        )


def _packed(arrays: Mapping[str, tf.Tensor]) -> np.ndarray:
    return np.concatenate(
        [array.numpy().ravel().astype(np.float64) for array in arrays.values()]
    )


def _totals(dynamics: Dynamics) -> np.ndarray:
    """Mass of the rows of each time, noise history and population, float64 [blocks]."""
    shares = map(dynamics.history_probabilities, range(dynamics.horizon))
    return np.concatenate([np.repeat(p, dynamics.num_populations) for p in shares])
