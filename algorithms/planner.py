"""The planner's problem: a crowd whose players earn as much as possible together.

A planner (mean field control) chooses the policy that maximises the welfare

    W(policy) = sum_t <L_t, r_t(L_t)> + <mu_T, g(mu_T)>,

all rewards of all players, where L_t is the joint law of state and action and mu_t that
of the state; with several populations W is the sum over them. A player in the crowd
earns r; what the player adds to W is also what the others earn or lose by it, now,

    d_t = r_t + sum over y of L_t(y) dr_t(y) / dL_t,

the derivative reward, and, where the crowd moves its players, what the others earn
later because it carries them elsewhere: the derivative of <u_(t+1), L_t P_t(L_t)>
through P_t, with u_(t+1) the value of a place to the planner. With these rewards in
place of r, the backward sweep of the game is the adjoint of the forward sweep: Q is the
derivative of W by a player who takes an action in a state and goes on by the policy
(Pontryagin's principle; Carmona & Delarue 2018, volume I, chapter 6).

Where no policy is a better response to the derivative rewards than the one that they
are taken at, W is stationary. If W is a concave function of the flow and the dynamics
do not depend on the crowd, what the best response gains bounds what is left to gain:

    W* - W(policy) <= optimality gap = sum over populations of (best value - value).

Without concavity the gap only says that W is stationary where it is zero: at local
optima and at saddles too.
"""

from __future__ import annotations

import functools
import math

import pyspiel
import tensorflow as tf

from algorithms import catalogue
from algorithms.model import load_model, tracing
from algorithms.model.array_model import ArrayModel
from algorithms.model.segments import Segment
from mfg_games.openspiel_game import MeanFieldGame

_ZERO = tf.UnconnectedGradients.ZERO


class PlannerModel(ArrayModel):
    """A game in which each player is paid what it adds to the welfare of all.

    Flows are those of the game. `evaluate` takes the policy that the flow belongs to:
    values are then those of the planner.

    Attributes:
      crowd_moves: whether transitions depend on the crowd.
    """

    def __init__(
        self, game: MeanFieldGame, dtype: str = "float64", device: str | None = None
    ):
        super().__init__(game, dtype, device)
        self.crowd_moves = tracing.crowd_moves(self._dynamics)

    def _rewards(self, segment: Segment, i, law, policy, values) -> tf.Tensor:
        """Derivative rewards; `values[0]`, one step later, are the planner's."""
        joint = tf.stop_gradient(self._joint(law, policy))
        masses = tf.cast(joint, tf.float64)
        with tf.GradientTape() as tape:
            tape.watch(law)
            rewards = self._step.reward(segment, i, law)
            welfare = tf.reduce_sum(masses * rewards)
            if self.crowd_moves:
                ones = tf.ones_like(joint[..., 0])
                arriving, _ = self._forward(segment, i, ones, joint, law)
                later = tf.reduce_sum(values[0] * arriving)
                welfare += tf.cast(later, tf.float64)
        others = tape.gradient(welfare, law, unconnected_gradients=_ZERO)
        others = tf.cast(others, tf.float64)
        return rewards + (others if self._dynamics.joint_law else others[..., None])

    def _joint(self, law: tf.Tensor, policy: tf.Tensor) -> tf.Tensor:
        """The joint law of state and action, [H, N, S, A]."""
        return law if self._dynamics.joint_law else law[..., None] * policy

    def _terminal_rewards(self, mass: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(mass)
            masses = tf.cast(mass, tf.float64)
            welfare = tf.reduce_sum(masses * self._step.terminal_rewards(masses))
        others = tape.gradient(welfare, mass, unconnected_gradients=_ZERO)
        return tf.cast(others, tf.float64)


def load_planner(
    game: pyspiel.Game | str, dtype: str = "float64", device: str | None = None
) -> PlannerModel:
    """The planner's problem in a game.

    Args:
      game: a game registered by `mfg_games.register`, or its string.
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.

    Raises:
      ValueError: the game is no mean field game or none of this collection's, whose
        rewards alone are functions to differentiate; or as for `load_model`.
    """
    if isinstance(game, str):
        game = catalogue.load_game(game)
    mean_field = game.get_type().dynamics == pyspiel.GameType.Dynamics.MEAN_FIELD
    if mean_field and not isinstance(game, MeanFieldGame):
        raise ValueError(
            f"`game` must be one registered by mfg_games, whose rewards can be "
            f"differentiated by the distribution. Received: {game}"
        )
    return _planner(load_model(game, dtype, device), device)


@functools.lru_cache(maxsize=8)  # lest programs be compiled anew
def _planner(model: ArrayModel, device: str | None) -> PlannerModel:
    return PlannerModel(model.game, model.dtype.name, device)


def price_of_anarchy(optimum: float, equilibrium: float) -> float:
    """How many times worse an equilibrium is than the optimum; 1 if it is as good.

    Of rewards, both welfares being positive, it is optimum / equilibrium, of costs,
    both being negative, equilibrium / optimum (Koutsoupias & Papadimitriou 1999).

    Args:
      optimum: welfare at the social optimum.
      equilibrium: welfare at an equilibrium.

    Returns:
      The ratio; below 1 only if the optimum is not known well enough. Infinite where
      the worse of rewards or the better of costs is zero, and no number where the two
      differ in sign: there only the difference means something.
    """
    if optimum == equilibrium:
        return 1.0
    if optimum * equilibrium < 0:
        return math.nan
    costs = optimum + equilibrium < 0
    more, less = (equilibrium, optimum) if costs else (optimum, equilibrium)
    return more / less if less else math.inf
