"""Online mirror descent (Perolat et al. 2021, Algorithm 1).

    y <- 0
    repeat: policy <- argmax_p <y, p> - h(p), the softmax of y if h is the entropy
            mu <- flow of the policy
            Q <- values of the policy against mu
            y <- (1 - damping) * y + lr * Q

The paper's algorithm has no damping. With it, y forgets old values, and what it
converges to is a policy that its own Q / temperature chooses, temperature being
damping / lr. At a damping of 1 nothing is left but Boltzmann policy iteration.

OpenSpiel's class of the same name updates the table that the policy under evaluation
reads; this one is the paper's algorithm.
"""

from __future__ import annotations

from open_spiel.python.mfg import value as openspiel_value
import pyspiel
import tensorflow as tf

from algorithms import openspiel_arguments, regularisers
from algorithms.model import Evaluation, Flow, ScorePolicy
from algorithms.policy import ArrayPolicy
from algorithms.solver import Solver, State, Update
from mfg_games import parameters


class MirrorDescent(Solver):
    """Online mirror descent: the policy that the sum of all values so far chooses.

    Args:
      game: any OpenSpiel mean field game, or its string.
      state_value: of no effect, as in OpenSpiel's class of the same name.
      lr: learning rate.
      root_state: the game's start, which is the default.
      regulariser: "entropy", whose choices are softmaxes; "euclidean", which projects
        the sum on the simplex; or "tsallis", between and below the two.
      tsallis_order: the order of "tsallis", 1 being the entropy's and 2 the Euclidean.
      damping: share of the sum that is forgotten in each iteration, in [0, 1].
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.
    """

    graph_options = ("_temperature", "_regulariser")

    def __init__(
        self,
        game: pyspiel.Game | str,
        state_value: openspiel_value.ValueFunction | None = None,
        lr: float = 0.01,
        root_state: pyspiel.State | None = None,
        regulariser: str = "entropy",
        tsallis_order: float = 0.5,
        damping: float = 0.0,
        dtype: str = "float64",
        device: str | None = None,
    ):
        parameters.positive("lr", lr)
        parameters.probability("damping", damping)
        self._lr = lr
        self._temperature = damping / lr
        if damping > 0:  # what an iteration forgets is proportional to its step
            self.largest_step = min(self.largest_step, lr / damping)
        self._regulariser = regularisers.regulariser(regulariser, tsallis_order)
        super().__init__(game, dtype, device)
        openspiel_arguments.require_value_function(state_value)
        openspiel_arguments.require_start(self.game, root_state)

    def step_size(self) -> float:
        return self._lr

    def fresh_state(self) -> State:
        return {"scores": self.model.zero_scores()}

    def get_projected_policy(self) -> ArrayPolicy:
        """`get_policy`, under OpenSpiel's name."""
        return self.get_policy()

    def _policy(self, state: State) -> tf.Tensor:
        return self.model.expand(self._score_policy(state))

    def _score_policy(self, state: State) -> ScorePolicy:
        return ScorePolicy(state["scores"], self._regulariser.policy)

    def _update(self, state: State, step_size: tf.Tensor) -> Update:
        policy = self._score_policy(state)
        flow, values = self._sweep(policy)
        kept = (1 - self._temperature * step_size) * state["scores"]
        scores = kept + step_size * self._gains(policy, flow, values)
        return Update({"scores": scores}, flow, values.totals)

    def _gains(self, policy: ScorePolicy, flow: Flow, values: Evaluation) -> tf.Tensor:
        """What the scores gain at rate 1, in the shape of `Evaluation.scores`."""
        return values.scores
