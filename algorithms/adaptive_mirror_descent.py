"""Online mirror descent that finds its own step and gathers momentum.

Mirror descent (Perolat et al. 2021) needs a rate: too small and it crawls, too large
and it diverges. Both ends are games' own. Here every iteration measures the largest
step that the last one would have borne, from numbers that it has anyway.

Let the step d of the scores lead from the policy p with flow m and values Q to p', m',
Q'. What the crowd gains by p' instead of p is, before and after it has moved
(performance difference lemma, Kakade & Langford 2002),

    G  = J(p', m) - J(p, m)   = sum_x m'(x) <Q(x), p'(x) - p(x)>,
    G' = J(p', m') - J(p, m') = sum_x m(x) <Q'(x), p'(x) - p(x)>.

A game is monotone if G - G' >= 0, and without interaction the two are equal, however
long the step. Where p' overtakes the equilibrium, G' < 0: the crowd regrets the move.
So the curvature of the game along the step is G - G' relative to the distance that
mirror descent measures, the regulariser's symmetrised Bregman divergence (of the
entropy: the Kullback-Leibler divergence both ways), in the crowd's eyes,

    D = sum_x m'(x) <d(x), p'(x) - p(x)>,
    curvature = sum_x |m'(x) <Q(x), p'(x) - p(x)> - m(x) <Q'(x), p'(x) - p(x)>| / D,

node by node, lest what one time or population gains hides what another one loses. If
d = step * Q, then D = step * G, and step * curvature = 1 marks the point where the gain
is used up; half of it is where the gain is largest in a game with a quadratic potential.
The rule, with constants that no game needs to know:

    step * curvature > 1: reject p' and go on from p with a shorter step;
    otherwise:            go on from p' with the step min(GROWTH * step, AIM / curvature).

A rejected policy has been evaluated like any other and counts as an iteration. Steps
gather momentum as in Nesterov's method, d = step * Q + j / (j + 3) * (last d), in the
j-th step since the crowd last regretted one (G' < 0) or a policy was rejected: the
adaptive restart of O'Donoghue & Candes (2015). Scaling all rewards by a constant scales
the steps by its inverse and leaves the policies as they are. Like mirror descent it
sweeps once forwards and once backwards an iteration.
"""

from __future__ import annotations

import pyspiel
import tensorflow as tf

from algorithms.mirror_descent import MirrorDescent
from algorithms.model import ScorePolicy
from algorithms.solver import State, Update

_AIM = 0.1  # of step * curvature
_FIRST_GROWTH, _GROWTH = 2.0, 1.1  # of the step, until it is first limited and after
_SHRINKAGE = 0.1  # of the step after a rejection, at least


class AdaptiveMirrorDescent(MirrorDescent):
    """Mirror descent with momentum and with steps that adapt to the game.

    An iteration's `learning_rate` is a factor of the step that it finds.

    Args:
      game: any OpenSpiel mean field game, or its string.
      regulariser: as in `MirrorDescent`.
      tsallis_order: as in `MirrorDescent`.
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.
    """

    def __init__(
        self,
        game: pyspiel.Game | str,
        regulariser: str = "entropy",
        tsallis_order: float = 0.5,
        dtype: str = "float64",
        device: str | None = None,
    ):
        super().__init__(
            game,
            lr=1.0,
            regulariser=regulariser,
            tsallis_order=tsallis_order,
            dtype=dtype,
            device=device,
        )

    def fresh_state(self) -> State:
        """The policy on trial, and the last one that was accepted.

        Of both the scores, [D, ...]; of the accepted one also gains, [D, ...], and
        mass, [D]; and two scalars: the step that led from one to the other, and the
        number of steps since the last restart.
        """
        scores = self.model.zero_scores()
        zero = tf.zeros((), self.model.dtype)
        return {
            "scores": scores,
            "accepted_scores": scores,
            "accepted_gains": scores,
            "accepted_mass": tf.zeros(self.model.num_nodes, self.model.dtype),
            "step": zero,
            "growth": zero + _FIRST_GROWTH,
            "age": zero,
        }

    def _update(self, state: State, step_size: tf.Tensor) -> Update:
        policy = self._score_policy(state)
        flow, values = self._sweep(policy)
        trial = {
            "accepted_scores": state["scores"],
            "accepted_gains": self._gains(policy, flow, values),
            "accepted_mass": flow.mass,
        }
        curvature, late_gain = self._curvature(state, trial)
        accepted = state["step"] * curvature <= 1
        new = {name: tf.where(accepted, trial[name], state[name]) for name in trial}
        step, growth = self._next_step(state, trial, curvature, accepted)
        step *= step_size
        age = tf.where(accepted & (late_gain >= 0), state["age"] + 1, 0)
        last_move = state["scores"] - state["accepted_scores"]
        move = step * new["accepted_gains"] + age / (age + 3) * last_move
        new |= {"scores": new["accepted_scores"] + move, "step": step}
        new |= {"growth": growth, "age": age}
        return Update(new, flow, values.value, values.best_value)

    def _curvature(self, state: State, trial: State) -> tuple[tf.Tensor, tf.Tensor]:
        """The curvature along the last move, and the gain by it after the crowd."""
        change = self._probabilities(trial) - self._probabilities(state)

        def gain(mass: tf.Tensor, scores: tf.Tensor) -> tf.Tensor:
            return mass * tf.reduce_sum(self._by_action(scores) * change, -1)

        early = gain(trial["accepted_mass"], state["accepted_gains"])
        late = gain(state["accepted_mass"], trial["accepted_gains"])
        move = trial["accepted_scores"] - state["accepted_scores"]
        distance = tf.reduce_sum(gain(trial["accepted_mass"], move))
        bend = tf.reduce_sum(tf.abs(early - late))
        curvature = tf.math.divide_no_nan(bend, tf.maximum(distance, 0.0))
        return curvature, tf.reduce_sum(late)

    def _next_step(
        self, state: State, trial: State, curvature: tf.Tensor, accepted: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The step of the next move, and by how much the one after it may grow."""
        step, growth = state["step"], state["growth"]
        longest = tf.where(curvature > 0, _AIM / curvature, step.dtype.max)
        shortest = tf.where(accepted, tf.zeros_like(step), _SHRINKAGE * step)
        limited = longest < growth * step
        next_step = tf.where(limited, tf.maximum(longest, shortest), growth * step)
        first = state["step"] == 0
        return (
            tf.where(first, self._first_step(trial), next_step),
            tf.where(limited, tf.constant(_GROWTH, step.dtype), growth),
        )

    def _first_step(self, trial: State) -> tf.Tensor:
        """The step whose distance D is 1, to second order."""
        policy = self._probabilities(trial)
        gains = self._by_action(trial["accepted_gains"])
        mean = tf.reduce_sum(policy * gains, -1, keepdims=True)
        variance = tf.reduce_sum(policy * (gains - mean) ** 2, -1)
        return tf.math.divide_no_nan(
            tf.ones((), mean.dtype),
            tf.sqrt(tf.reduce_sum(trial["accepted_mass"] * variance)),
        )

    def _probabilities(self, state: State) -> tf.Tensor:
        policy = self._score_policy({"scores": state["accepted_scores"]})
        return self.model.expand(policy)

    def _by_action(self, scores: tf.Tensor) -> tf.Tensor:
        """Scores as [D, A], 0 for illegal actions."""
        return self.model.expand(
            ScorePolicy(scores, lambda row, legal: tf.where(legal, row, 0.0))
        )
