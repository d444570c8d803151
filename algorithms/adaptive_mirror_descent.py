"""Online mirror descent that finds its own step and gathers momentum.

Mirror descent (Perolat et al. 2021) needs a rate: too small and it crawls, too large
and it diverges, and what is large differs a thousandfold between games. Here every
iteration measures how large a step the last move would have borne, from numbers that
it has anyway.

Let a move d of the scores lead from the policy p with flow m and values Q to p', m' and
Q'. What a player gains by p' before and after the crowd has moved is (performance
difference lemma, Kakade & Langford 2002)

    G  = J(p', m) - J(p, m)   = sum_x m'(x) <Q(x), p'(x) - p(x)>,
    G' = J(p', m') - J(p, m') = sum_x m(x) <Q'(x), p'(x) - p(x)>.

Without interaction the two are equal, however long the move; in monotone games
G - G' >= 0 (Lasry & Lions 2007). So what bounds the step is this difference, relative
to the distance between the policies that mirror descent goes by, the symmetrised
Bregman divergence of its regulariser, in the crowd's eyes:

    curvature = sum_x |m'(x) <Q(x), p'(x) - p(x)> - m(x) <Q'(x), p'(x) - p(x)>| / D,
    D         = sum_x m'(x) <d(x), p'(x) - p(x)>.

It is summed node by node, lest what one time or population gains hide what another one
loses. If d = step * Q, then D = step * G: where step * curvature = 1 nothing is left of
the gain, and half of that step gains most in a game with a quadratic potential. Hence:

- If step * curvature > 1, p' is rejected, and the next move starts from p again.
- The next step is 1/2 / curvature, but it grows by no more than a tenth (twofold until
  the curvature has first limited it), and shrinks to no less than a tenth.
- A move is step * Q + momentum * (last move), where the momentum is j / (j + 3), at
  most 0.9, in the j-th move since one was rejected or regretted, G' < 0: Nesterov's
  method with the restarts of O'Donoghue & Candes (2015). As each Q then moves the
  scores by step / (1 - momentum) in the end, the step is 1 - momentum of the above.

Scaling all rewards scales the steps inversely and leaves the policies as they are. An
iteration costs one sweep forwards and one backwards, as in mirror descent; a rejected
policy has been evaluated and counts as an iteration.
"""

from __future__ import annotations

import numpy as np
import pyspiel
import tensorflow as tf

from algorithms.mirror_descent import MirrorDescent
from algorithms.model import ScorePolicy
from algorithms.solver import State, Update

_FIRST_GROWTH, _GROWTH, _SHRINKAGE = 2.0, 1.1, 0.1
_MOST_MOMENTUM = 0.9


class AdaptiveMirrorDescent(MirrorDescent):
    """Mirror descent with momentum whose steps adapt to the game: nothing to tune.

    The learning rate of an iteration is a factor of the step that it finds.

    Args:
      game: any OpenSpiel mean field game, or its string.
      regulariser: as in `MirrorDescent`.
      tsallis_order: as in `MirrorDescent`.
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.
    """

    graph_options = ("_regulariser",)

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

        Of both the scores, [D, ...]; of the accepted one also the gains, [D, ...], and
        the mass, [D]; and scalars: the step and the age of the last move, and by how
        much the next step may grow.
        """
        scores = self.model.zero_scores()
        zero = tf.zeros((), self.model.dtype)
        return {
            "scores": scores,
            "accepted_scores": scores,
            "accepted_gains": scores,
            "accepted_mass": tf.zeros(self.model.num_nodes, self.model.dtype),
            "step": zero,
            "age": zero,
            "growth": zero + _FIRST_GROWTH,
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
        age = tf.where(accepted & (late_gain >= 0), state["age"] + 1, 0)
        momentum = tf.minimum(age / (age + 3), _MOST_MOMENTUM)
        longest = (1 - momentum) / (2 * curvature)  # infinite without curvature
        step, growth = self._next_step(state, trial, longest)
        step *= step_size
        start = {name: tf.where(accepted, trial[name], state[name]) for name in trial}
        last_move = state["scores"] - state["accepted_scores"]
        move = step * start["accepted_gains"] + momentum * last_move
        scores = start["accepted_scores"] + move
        new = {"scores": scores, **start, "step": step, "age": age, "growth": growth}
        return Update(new, flow, values.totals)

    def _curvature(self, state: State, trial: State) -> tuple[tf.Tensor, tf.Tensor]:
        """The curvature along the last move, and G'."""
        change = self._probabilities(trial) - self._probabilities(state)

        def gain(mass: tf.Tensor, scores: tf.Tensor) -> tf.Tensor:
            return mass * tf.reduce_sum(self._by_action(scores) * change, -1)

        before = gain(trial["accepted_mass"], state["accepted_gains"])
        after = gain(state["accepted_mass"], trial["accepted_gains"])
        move = trial["accepted_scores"] - state["accepted_scores"]
        distance = tf.reduce_sum(gain(trial["accepted_mass"], move))
        difference = tf.reduce_sum(tf.abs(before - after))
        curvature = tf.math.divide_no_nan(difference, tf.maximum(distance, 0))
        return curvature, tf.reduce_sum(after)

    def _next_step(
        self, state: State, trial: State, longest: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The step of the next move, and by how much the one after it may grow."""
        last, growth = state["step"], state["growth"]
        unlimited = growth * last <= longest
        step = tf.maximum(tf.minimum(longest, growth * last), _SHRINKAGE * last)
        step = tf.where(last > 0, step, self._first_step(trial))
        # A larger one would make scores of what is but rounding in the gains.
        accuracy = np.finfo(step.dtype.as_numpy_dtype).eps
        largest = tf.reduce_max(tf.abs(self._by_action(trial["accepted_gains"])))
        step = tf.minimum(step, tf.math.divide_no_nan(1 / accuracy, largest))
        return step, tf.where(unlimited, growth, _GROWTH)

    def _first_step(self, trial: State) -> tf.Tensor:
        """The step at which D is 1, to second order; 0 if the crowd is indifferent."""
        policy = self._probabilities(trial)
        gains = self._by_action(trial["accepted_gains"])
        mean = tf.reduce_sum(policy * gains, -1, keepdims=True)
        variance = tf.reduce_sum(policy * (gains - mean) ** 2, -1)
        total = tf.reduce_sum(trial["accepted_mass"] * variance)
        return tf.math.divide_no_nan(tf.ones_like(total), tf.sqrt(total))

    def _probabilities(self, state: State) -> tf.Tensor:
        policy = self._score_policy({"scores": state["accepted_scores"]})
        return self.model.expand(policy)

    def _by_action(self, scores: tf.Tensor) -> tf.Tensor:
        """Scores for each action, [D, A]; 0 for illegal ones."""
        return self.model.expand(
            ScorePolicy(scores, lambda row, legal: tf.where(legal, row, 0))
        )
