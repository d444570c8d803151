"""The social optimum by the sweeps of the game (mean field control).

Where a solver of the game moves towards what pays for a single player, these move
towards what pays for all: their values are those of the derivative rewards (see
`planner.py`), along which mirror descent is mirror ascent on the welfare W, Frank-Wolfe
maximises W over the flows, and its step 1 / (k + 1) is the planner's fictitious play.

`exploitability` is still that of the game: what a player gains by leaving the planner's
policy, which is no equilibrium in general, so that it does not fall to zero. What does
is the metric `optimality_gap`, which a run takes in its place to tell its best policy
and when to stop; `welfare` is the other metric. The gap bounds the welfare that is
missing if W is concave and the crowd does not move its players; else the solvers may
end at a local optimum, or stay at a saddle that they start from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
import functools

import pyspiel
import tensorflow as tf

from algorithms import frank_wolfe
from algorithms.adaptive_mirror_descent import AdaptiveMirrorDescent
from algorithms.history import OPTIMALITY_GAP
from algorithms.model import Evaluation, Flow, ScorePolicy
from algorithms.planner import PlannerModel, load_planner
from algorithms.programs import program
from algorithms.solver import Solver, State, exclusive
from mfg_games import parameters


class PlannersSolver(Solver):
    """A solver whose action values are those of the planner.

    The exploitability, the values and the flow are those of the game.
    """

    own_games_only = "whose rewards have gradients"
    graph_options = ("_planner",)
    _planner: PlannerModel

    def _plan(
        self, game: pyspiel.Game | str, dtype: str, device: str | None
    ) -> pyspiel.Game:
        """Makes the planner's problem before anything else; the game."""
        self._planner = load_planner(game, dtype, device)
        return self._planner.game

    def _sweep(self, policy: tf.Tensor | ScorePolicy) -> tuple[Flow, Evaluation]:
        flow, values = super()._sweep(policy)
        planned = self._planner.evaluate(policy, flow)
        return flow, planned._replace(totals=values.totals)

    def _gap(self, state: State, flow: Flow) -> tf.Tensor:
        return self._planner.evaluate(self._policy(state), flow).totals.exploitability

    @functools.cached_property
    def _compiled_gap(self) -> Callable[[State, Flow], tf.Tensor]:
        return program(self, "_gap")

    @property
    @exclusive
    def metrics(self) -> Mapping[str, float]:
        """The welfare of the current policy and its optimality gap."""
        gap = float(self._compiled_gap(self._state, self.flow))
        return {"welfare": float(self.values.sum()), OPTIMALITY_GAP: gap}


class SocialOptimum(PlannersSolver, AdaptiveMirrorDescent):
    """Mirror ascent on the welfare of all players, whose steps adapt to the game.

    Args:
      game: a game registered by `mfg_games.register`, or its string.
      regulariser: as in `MirrorDescent`.
      tsallis_order: as in `MirrorDescent`.
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.

    Raises:
      ValueError: the game's rewards cannot be differentiated.
    """

    graph_options = (
        *PlannersSolver.graph_options,
        *AdaptiveMirrorDescent.graph_options,
    )

    def __init__(
        self,
        game: pyspiel.Game | str,
        regulariser: str = "entropy",
        tsallis_order: float = 0.5,
        dtype: str = "float64",
        device: str | None = None,
    ):
        game = self._plan(game, dtype, device)
        super().__init__(game, regulariser, tsallis_order, dtype, device)


class SocialFrankWolfe(PlannersSolver, frank_wolfe.FrankWolfe):
    """Frank-Wolfe on the welfare of all players, with the best step on each segment.

    Args:
      game: a game registered by `mfg_games.register`, or its string, whose transitions
        do not depend on the crowd: flows are a polytope then.
      step: as in `FrankWolfe`; "1/(k+1)" is the planner's fictitious play.
      away_atoms: as in `FrankWolfe`.
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.

    Raises:
      ValueError: the game's rewards cannot be differentiated, or its transitions depend
        on the crowd; or a parameter is out of range.
    """

    graph_options = (
        *PlannersSolver.graph_options,
        *frank_wolfe.FrankWolfe.graph_options,
    )

    def __init__(
        self,
        game: pyspiel.Game | str,
        step: str = frank_wolfe.LINE_SEARCH,
        away_atoms: int = 0,
        dtype: str = "float64",
        device: str | None = None,
    ):
        game = self._plan(game, dtype, device)
        allowed = "one whose transitions do not depend on the crowd"
        parameters.require(not self._planner.crowd_moves, "game", str(game), allowed)
        super().__init__(game, step, away_atoms, dtype, device)
