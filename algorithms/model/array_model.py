"""Games of `mfg_games` as TensorFlow sweeps, compiled by XLA for CPU or GPU.

Nodes are ordered by time, noise history, population and state. With H histories, B
outcomes of the common noise, N populations, S states, A actions and K outcomes of the
individual noise, one layer is [H, N, S] and the next one [H * B, N, S].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
import functools

import numpy as np
import tensorflow as tf

from algorithms.model import array_nodes, segments
from algorithms.model.array_steps import array_steps
from algorithms.model.base import (
    Evaluation,
    Flow,
    MeanFieldModel,
    ScorePolicy,
    Start,
    Steps,
)
from algorithms.model.compiled import Compiled
from algorithms.model.one_step import OneStep
from algorithms.model.push import Push, push_moving, table
from algorithms.model.sampling import sampled
from algorithms.model.segments import Segment
from algorithms.regularisers import Regulariser
from mfg_games.nodes import Node
from mfg_games.observer import decision_observations
from mfg_games.openspiel_game import MeanFieldGame, MeanFieldState

# Policies with more entries (half a gigabyte) are never made as a whole in a sweep.
_LARGE_POLICY = 2**26


class ArrayModel(MeanFieldModel):
    """Sweeps over the arrays of a `Dynamics`.

    Rewards and transition probabilities are computed in float64 whatever the dtype.

    Args:
      game: a game registered by `mfg_games.register`.
      dtype: "float64" or "float32", the storage of masses, values and policies.
      device: a TensorFlow device such as "/GPU:0"; None for TensorFlow's choice.
    """

    def __init__(
        self, game: MeanFieldGame, dtype: str = "float64", device: str | None = None
    ):
        self.game = game
        self.dtype = tf.as_dtype(dtype)
        self._device = device
        self._dynamics = d = game.dynamics
        self.num_actions = d.num_actions
        self.num_populations = d.num_populations
        self._layer = (d.num_populations, d.num_states)
        self._firsts = np.cumsum(
            [0]
            + [
                d.num_histories(t) * d.num_populations * d.num_states
                for t in range(d.horizon)
            ]
        )
        self._segments = segments.split(d)
        with tf.device(device):
            self._make_tables()

    def _make_tables(self) -> None:
        d = self._dynamics
        legal = d.legal_actions
        self._restricted = legal is not None and not legal.all()
        self._legal = table(legal) if self._restricted else None
        initial = d.initial_laws / len(d.initial_laws)
        self._initial = table(initial.astype(self.dtype.as_numpy_dtype))
        # The state that a move leads to says all about it, if it costs nothing itself.
        # Choosing layer by layer, twice an iteration, is slower by a tenth to a third.
        self._scores_states = (
            d.moves is not None
            and not d.has_action_rewards()
            and self.num_nodes * self.num_actions > _LARGE_POLICY
        )
        if d.moves is not None:
            self._moves = table(d.moves)
            self._push_moves = Push(d.moves, d.num_states)
        self._step = OneStep(d, self.dtype)
        if self._step.fixed is not None:
            self._push_noise = Push(self._step.fixed, d.num_states)

    @property
    def num_nodes(self) -> int:
        return int(self._firsts[-1])

    @property
    def legal_actions(self) -> tf.Tensor:
        if not self._restricted:  # a constant, which the compiler drops
            return tf.ones((self.num_nodes, self.num_actions), tf.bool)
        return tf.tile(self._legal, (self.num_nodes // self._dynamics.num_states, 1))

    def compile(self, function: Callable) -> Callable:
        return Compiled(function, self._device)

    # ---- forward -----------------------------------------------------------------

    def distribution(self, policy: tf.Tensor | ScorePolicy) -> Flow:
        return self._flow(policy, lambda time, mass: mass)

    def sampled_distribution(
        self, policy: tf.Tensor, players: int, seed: Sequence[int]
    ) -> Flow:
        def flow(policy, seed):
            return self._flow(
                policy,
                lambda time, mass: sampled(
                    mass, players, tf.stack([seed, tf.cast(time, seed.dtype)])
                ),
            )

        seed = np.random.SeedSequence(seed).generate_state(1)[0]
        draw = self.program(("sampled_distribution", players), flow)
        return draw(policy, tf.constant(seed, tf.int64))

    def _flow(self, policy: tf.Tensor | ScorePolicy, seen: Callable) -> Flow:
        """The flow; `seen(t, mass)`, [H, N, S], is met at t in place of the mass."""
        policy = self._swept(policy)
        mass = seen(0, tf.constant(self._initial))
        layers = []
        for segment in self._segments:
            policies = self._layers(segment, policy)
            mass, swept = segments.scan(
                lambda i, mass, s=segment, p=policies: (
                    seen(s.start + i + 1, self._forward(s, i, mass, p(i))),
                    (mass,),
                ),
                mass,
                range(segment.length),
                [(segment.histories, *self._layer)],
                self.dtype,
            )
            layers.append(tf.reshape(swept[0], [-1]))
        masses = tf.concat(layers, 0)
        if not self._dynamics.joint_law:
            return Flow(masses, mass, tf.zeros((0, self.num_actions), self.dtype))
        return Flow(masses, mass, self._law(masses, self.expand(policy)))

    def flow_of(self, measure: tf.Tensor) -> Flow:
        """The flow of which an array [D, A] is the mass of nodes and actions.

        The array need not be what some policy leads to: only the mass at the horizon
        follows from the rest. Gradients pass through.
        """
        mass = tf.reduce_sum(measure, axis=-1)
        last = self._segments[-1]
        actions = self._layered(last, last.rows(measure)[-1])
        everybody = tf.ones_like(actions[..., 0])
        law = actions if self._dynamics.joint_law else tf.reduce_sum(actions, -1)
        rest = self._forward(last, last.length - 1, everybody, actions, law)
        joint = measure if self._dynamics.joint_law else measure[:0]
        return Flow(mass, rest, joint)

    def _swept(self, policy: tf.Tensor | ScorePolicy) -> tf.Tensor | ScorePolicy:
        """The policy as the sweeps take it: as an array, unless that is too large."""
        return policy if self._scores_states else self.expand(policy)

    def _layers(self, segment: Segment, policy: tf.Tensor | ScorePolicy) -> Callable:
        """The policy in each time of a segment, a function i -> [H, N, S, A]."""
        if not isinstance(policy, ScorePolicy):
            rows = segment.rows(policy)
            return lambda i: self._layered(segment, rows[i])
        rows = segment.rows(policy.scores)
        return lambda i: self._chosen(policy, self._layered(segment, rows[i]))

    def _chosen(self, policy: ScorePolicy, scores: tf.Tensor) -> tf.Tensor:
        """Scores [..., S] or [..., S, A] give probabilities [..., S, A]."""
        if self._scores_states:
            scores = self._by_action(scores)
        return policy.choose(scores, self._dynamics.legal_mask())

    def zero_scores(self) -> tf.Tensor:
        if self._scores_states:
            return tf.zeros(self.num_nodes, self.dtype)
        return super().zero_scores()

    def expand(self, policy: tf.Tensor | ScorePolicy) -> tf.Tensor:
        if not isinstance(policy, ScorePolicy):
            return policy
        states = self._dynamics.num_states
        scores = tf.reshape(policy.scores, [-1, states, *policy.scores.shape[1:]])
        return tf.reshape(self._chosen(policy, scores), [-1, self.num_actions])

    def _layered(self, segment: Segment, rows: tf.Tensor) -> tf.Tensor:
        """Rows of one layer as [H, N, S, ...]."""
        return tf.reshape(rows, (segment.histories, *self._layer, *rows.shape[1:]))

    def rows(self, time: int) -> slice:
        """The rows of a decision time."""
        return slice(int(self._firsts[time]), int(self._firsts[time + 1]))

    @property
    def initial_mass(self) -> tf.Tensor:
        """The mass of the rows of time 0, [rows]."""
        return tf.reshape(tf.constant(self._initial), [-1])

    def advance(
        self,
        time: int,
        mass: tf.Tensor,
        policy: tf.Tensor,
        crowd_mass: tf.Tensor,
        crowd_policy: tf.Tensor,
    ) -> tf.Tensor:
        """Where some players go in one step among all others.

        Args:
          time: a decision time.
          mass: [R], of these players on the R rows of that time.
          policy: [R, A], what they play.
          crowd_mass: [R], of all players.
          crowd_policy: [R, A], what all play on average.

        Returns:
          Their mass on the rows of the next time, or on the places at the horizon.
        """
        segment = next(s for s in self._segments if time < s.stop)
        step = self.program(
            ("advance", segment.start), functools.partial(self._advance, segment)
        )
        i = tf.constant(time - segment.start)
        return step(i, mass, policy, crowd_mass, crowd_policy)

    def _advance(self, segment: Segment, i, mass, policy, *crowd) -> tf.Tensor:
        mass, policy, *crowd = (
            self._layered(segment, rows) for rows in (mass, policy, *crowd)
        )
        after = self._forward(segment, i, mass, policy, self._law(*crowd))
        return tf.reshape(after, [-1])

    def _law(self, mass: tf.Tensor, policy: tf.Tensor) -> tf.Tensor:
        """What a game's functions depend on."""
        return mass[..., None] * policy if self._dynamics.joint_law else mass

    def _forward(
        self,
        segment: Segment,
        i,
        mass: tf.Tensor,
        policy: tf.Tensor,
        law: tf.Tensor | None = None,
    ):
        """Mass [H, N, S] and policy [H, N, S, A] give the next layer's mass."""
        if law is None:
            law = self._law(mass, policy)
        flow = mass[..., None] * policy
        if self._dynamics.moves is not None:
            flow = self._push_moves(flow)
        if segment.branches > 1:
            share = tf.tile(tf.cast(segment.outcomes, self.dtype), [segment.histories])
            share = tf.reshape(share, [-1] + [1] * (flow.ndim - 1))
            flow = tf.repeat(flow, segment.branches, axis=0) * share
        successors, probabilities = self._step.transition(segment, i, law)
        flow = flow[..., None] * probabilities
        if self._step.fixed is not None:
            return self._push_noise(flow)
        return push_moving(flow, successors, self._dynamics.num_states)

    # ---- backward ----------------------------------------------------------------

    def evaluate(
        self,
        policy: tf.Tensor | ScorePolicy,
        flow: Flow,
        regulariser: Regulariser | None = None,
    ) -> Evaluation:
        policy = self._swept(policy)
        values = tf.tile(self._terminal_rewards(flow.rest)[None], [2, 1, 1, 1])
        law = flow.joint if self._dynamics.joint_law else flow.mass
        layers = []
        for segment in reversed(self._segments):
            policies, laws = self._layers(segment, policy), segment.rows(law)
            values, swept = segments.scan(
                lambda i, values, s=segment, p=policies, m=laws: self._backward(
                    s, i, values, self._layered(s, m[i]), p(i), regulariser
                ),
                values,
                range(segment.length - 1, -1, -1),
                self._backward_shapes(segment),
                self.dtype,
            )
            layers.append(self._action_values(*swept))
        columns = [tf.concat(column[::-1], 0) for column in zip(*layers, strict=True)]
        q, best_q, scores = columns
        value, best_value = tf.unstack(tf.reduce_sum(self._initial * values, [1, 3]))
        return Evaluation(q, best_q, value, best_value, scores)

    def _action_values(self, rewards, after, best_after) -> tuple[tf.Tensor, ...]:
        """Q, best Q and scores of a segment from what `_backward` puts out."""
        q, best_q = (
            tf.reshape(rewards + self._by_action(column), [-1, self.num_actions])
            for column in (after, best_after)
        )
        return q, best_q, tf.reshape(after, [-1]) if self._scores_states else q

    def _backward_shapes(self, segment: Segment) -> list[tuple[int, ...]]:
        """Shapes of the rewards and the continuations that `_backward` puts out."""
        d = self._dynamics
        layer = (segment.histories, *self._layer)
        actions = (self.num_actions,) if d.moves is None else ()
        paid = self.num_actions if d.has_action_rewards() else 1
        return [(*layer, paid), *2 * [(*layer, *actions)]]

    def _backward(self, segment: Segment, i, values, law, policy, regulariser):
        """One step back in time.

        Both values share one array, and the sweep keeps the continuations, from which
        Q is made after it. Otherwise XLA computes the expectation over the noise anew
        for every action: on 200 x 200 cells this sweep then takes 2.2 times as long.

        Args:
          segment: the segment.
          i: the time in it.
          values: [2, H * B, N, S], values of policy and best response one step later.
          law: [H, N, S] or [H, N, S, A], what the game's functions depend on.
          policy: [H, N, S, A].
          regulariser: of `evaluate`.

        Returns:
          (values now, [2, H, N, S]; (rewards, continuation of the policy, of the best
          response)).
        """
        successors, probabilities = self._step.transition(segment, i, law)
        rewards = self._rewards(segment, i, law, policy, values)
        after = self._step.continuation(segment, values, successors, probabilities)
        q, best_q = (rewards + self._by_action(column) for column in tf.unstack(after))
        if self._restricted:
            best_q = tf.where(self._legal, best_q, best_q.dtype.min)
        value = tf.reduce_sum(policy * q, -1)
        if regulariser is None:
            best_value = tf.reduce_max(best_q, -1)
        else:
            value -= regulariser.value(policy)
            best_value = regulariser.conjugate(best_q, self._dynamics.legal_mask())
        values = tf.stack([value, best_value])
        return values, (rewards, *tf.unstack(after))

    def _rewards(self, segment: Segment, i, law, policy, values) -> tf.Tensor:
        """Rewards in the i-th step, [H, N, S, A or 1], from what `_backward` takes."""
        return self._step.reward(segment, i, law)

    def _terminal_rewards(self, mass: tf.Tensor) -> tf.Tensor:
        """Rewards at the horizon, [H, N, S], where the masses are [H, N, S]."""
        return self._step.terminal_rewards(mass)

    def _by_action(self, after: tf.Tensor) -> tf.Tensor:
        """A continuation [..., S] after the moves, or [..., S, A], for each action."""
        if self._dynamics.moves is None:
            return after
        return tf.gather(after, self._moves, axis=after.ndim - 1)

    # ---- a single player -----------------------------------------------------------

    def steps(self, flow: Flow) -> Steps:
        return array_steps(self._dynamics, self._step, self._segments, flow)

    def start(self) -> Start:
        laws = self._dynamics.initial_laws
        rows = np.flatnonzero(laws).astype(np.int32)
        return Start(
            tf.constant(rows),
            self.as_tensor(laws.ravel()[rows] / len(laws)),
            tf.constant(rows // self._dynamics.num_states % self.num_populations),
        )

    @functools.cached_property
    def observations(self) -> tf.Tensor:
        with tf.device(self._device):
            return tf.constant(decision_observations(self._dynamics))

    # ---- nodes ---------------------------------------------------------------------

    def node_index(self, state: MeanFieldState) -> int:
        if state.node != Node.DECISION:
            raise KeyError(f"No decision is taken at {state}.")
        populations, states = self._layer
        layer = state.noise_history * populations + state.population
        return int(self._firsts[state.t] + layer * states + state.x)

    def decision_states(self) -> Iterator[MeanFieldState]:
        return array_nodes.decision_states(self.game)

    def masses(self, flow: Flow) -> dict[str, float]:
        return array_nodes.masses(self.game, flow)
