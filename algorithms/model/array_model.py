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

from algorithms.model import array_nodes, backward, segments, soundness
from algorithms.model.agreement import require_agreement
from algorithms.model.array_steps import array_steps
from algorithms.model.base import (
    Evaluation,
    Flow,
    MeanFieldModel,
    ScorePolicy,
    Start,
    Steps,
    Totals,
)
from algorithms.model.compiled import Compiled
from algorithms.model.one_step import OneStep
from algorithms.model.push import Push, push_moving, table
from algorithms.model.sampling import sampled
from algorithms.model.segments import Segment
from algorithms.model.soundness import LAW_TOLERANCE
from algorithms.regularisers import Regulariser
from mfg_games import sizes
from mfg_games.array_types import check_types
from mfg_games.nodes import Node
from mfg_games.observer import decision_observations, observation_sizes
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
        # The masses, a policy's scores and its values.
        self._require_room(3 * self._dynamics.num_nodes * self.dtype.size)
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

    def _require_room(self, needed: int) -> None:
        """Requires the memory to hold so many bytes for the game."""
        try:
            sizes.require_bytes(needed)
        except sizes.TooLargeError as error:
            raise ValueError(f"`{self.game}` has no room: {error}") from None

    def _make_tables(self) -> None:
        d = self._dynamics
        check_types(d)
        legal = d.legal_actions
        self._restricted = legal is not None and not legal.all()
        self._legal = table(legal) if self._restricted else None
        self._paid = self.num_actions if d.has_action_rewards() else 1
        self._initial = table(d.initial_laws / len(d.initial_laws))
        # The state that a move leads to says all about it, if it costs nothing itself.
        # Choosing layer by layer, twice an iteration, is slower by a tenth to a third.
        self._scores_states = (
            d.moves is not None
            and self._paid == 1
            and self.num_nodes * self.num_actions > _LARGE_POLICY
        )
        if d.moves is not None:
            self._moves = table(d.moves)
            self._push_moves = Push(d.moves, d.num_states)
        self._step = OneStep(d, self.dtype)
        require_agreement(d, self._step.by_number)
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
        carry = seen(0, self._start()), tf.constant(True)
        layers = []
        for segment in self._segments:
            policies = self._layers(segment, policy)

            def step(i, carry, segment=segment, policies=policies):
                mass, sound = carry
                after, laws = self._forward(segment, i, mass, policies(i))
                after = seen(segment.start + i + 1, after)
                return (after, sound & laws), (mass,)

            times = range(segment.length)
            carry, (masses,) = segments.scan(step, carry, times, [self._spec(segment)])
            layers.append(masses)
        mass, sound = carry
        masses = tf.concat([tf.reshape(layer, [-1]) for layer in layers], 0)
        joint = tf.zeros((0, self.num_actions), self.dtype)
        if self._dynamics.joint_law:
            joint = self._law(masses, self.expand(policy))
        return Flow(masses, mass, joint, sound & self._conserved(masses, mass))

    def _conserved(self, masses: tf.Tensor, rest: tf.Tensor) -> tf.Tensor:
        """Whether all layers' masses sum to the probabilities of their histories."""
        d, times = self._dynamics, range(self._dynamics.horizon + 1)
        expected = [
            np.repeat(d.history_probabilities(t), d.num_populations) for t in times
        ]
        allowed = [
            (t + 1) * LAW_TOLERANCE[self.dtype] * p for t, p in enumerate(expected)
        ]
        sums = tf.concat(
            [
                tf.reduce_sum(tf.reshape(array, [-1, d.num_states]), -1)
                for array in (tf.cast(masses, tf.float64), tf.cast(rest, tf.float64))
            ],
            0,
        )
        missed = tf.abs(sums - np.concatenate(expected))
        return tf.reduce_all(missed <= np.concatenate(allowed))

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
        rest, _ = self._forward(last, last.length - 1, everybody, actions, law)
        joint = measure if self._dynamics.joint_law else measure[:0]
        return Flow(mass, rest, joint, tf.constant(True))

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
        return tf.reshape(self._start(), [-1])

    def _start(self) -> tf.Tensor:
        """The masses at time 0, [H, N, S]."""
        return tf.cast(self._initial, self.dtype)

    def _spec(self, segment: Segment, *last: int) -> tf.TensorSpec:
        """Of an array over one time of a segment, [H, N, S, ...]."""
        return tf.TensorSpec((segment.histories, *self._layer, *last), self.dtype)

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
        after, _ = self._forward(segment, i, mass, policy, self._law(*crowd))
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
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Mass [H, N, S] and policy [H, N, S, A] give the next layer's mass.

        Also whether the transition laws are laws, a bool scalar.
        """
        if law is None:
            law = self._law(mass, policy)
        flow = mass[..., None] * policy
        if self._dynamics.moves is not None:
            flow = self._push_moves(flow)
        if segment.branches > 1:
            share = tf.tile(tf.cast(segment.outcomes, self.dtype), [segment.histories])
            share = tf.reshape(share, [-1] + [1] * (flow.ndim - 1))
            flow = tf.repeat(flow, segment.branches, axis=0) * share
        where = self._step.transition(segment, i, law)
        flow = flow[..., None] * where.probabilities
        if self._step.fixed is not None:
            return self._push_noise(flow), where.sound
        states = self._dynamics.num_states
        return push_moving(flow, where.successors, states), where.sound

    # ---- backward ----------------------------------------------------------------

    def evaluate(
        self,
        policy: tf.Tensor | ScorePolicy,
        flow: Flow,
        regulariser: Regulariser | None = None,
    ) -> Evaluation:
        policy = self._swept(policy)
        law = flow.joint if self._dynamics.joint_law else flow.mass
        carry = self._end(flow.rest)
        layers = []
        for segment in reversed(self._segments):
            policies, laws = self._layers(segment, policy), segment.rows(law)
            carry, swept = segments.scan(
                lambda i, carry, s=segment, p=policies, m=laws: self._backward(
                    s, i, carry, self._layered(s, m[i]), p(i), regulariser
                ),
                carry,
                range(segment.length - 1, -1, -1),
                self._backward_specs(segment),
            )
            *continuations, base = swept
            base = tf.reshape(base, [-1])
            layers.append((*self._action_values(*continuations), base))
        columns = [tf.concat(column[::-1], 0) for column in zip(*layers, strict=True)]
        return Evaluation(*columns, self._totals(carry, columns[-1]))

    def absolute(self, q: tf.Tensor, values: Evaluation) -> tf.Tensor:
        base = tf.repeat(values.base, self._dynamics.num_states)
        return tf.cast(q, tf.float64) + base[:, None]

    def fault(self, flow: Flow) -> str | None:
        for t, history, law in self._laws(flow):
            if not np.isfinite(law).all():  # the policy's doing, if no fault made it
                return None
            found = soundness.fault(self.game, t, history, law)
            if found:
                return found
        return None

    def _laws(self, flow: Flow) -> Iterator[tuple[int, int, np.ndarray]]:
        """Times, noise histories and what the game's functions depend on there."""
        d = self._dynamics
        rows = flow.joint if d.joint_law else flow.mass
        for segment in self._segments:
            for i, layer in enumerate(segment.rows(rows)):
                laws = self._layered(segment, layer).numpy().astype(np.float64)
                for history, probability in enumerate(segment.probabilities):
                    yield segment.start + i, history, laws[history] / probability
        probabilities = d.history_probabilities(d.horizon)
        for history, probability in enumerate(probabilities):
            yield d.horizon, history, flow.rest.numpy()[history] / probability

    def _action_values(self, rewards, after, best_after) -> tuple[tf.Tensor, ...]:
        """Q, best Q and scores of a segment from what `_backward` puts out."""
        q, best_q = (
            tf.reshape(rewards + self._by_action(column), [-1, self.num_actions])
            for column in (after, best_after)
        )
        return q, best_q, tf.reshape(after, [-1]) if self._scores_states else q

    def _backward_specs(self, segment: Segment) -> list[tf.TensorSpec]:
        """Of the rewards, continuations and bases that `_backward` puts out."""
        d = self._dynamics
        actions = (self.num_actions,) if d.moves is None else ()
        lasts = ((self._paid,), actions, actions)
        layers = [self._spec(segment, *last) for last in lasts]
        base = (segment.histories, d.num_populations)
        return [*layers, tf.TensorSpec(base, tf.float64)]

    def _backward(
        self, segment: Segment, i, carry: backward.Carry, law, policy, regulariser
    ):
        """One step back in time.

        Both values share one array, and the sweep keeps the continuations, from
        which Q is made after it. Otherwise XLA computes the expectation over the noise
        anew for every action: on 200 x 200 cells this sweep then takes 2.2 times as
        long.

        Args:
          segment: the segment.
          i: the time in it.
          carry: what is known one step later.
          law: [H, N, S] or [H, N, S, A], what the game's functions depend on.
          policy: [H, N, S, A].
          regulariser: of `evaluate`.

        Returns:
          (the carry now; (rewards, continuations of both values, base)).
        """
        where = self._step.transition(segment, i, law)
        rewards = self._rewards(segment, i, law, policy, carry.columns)
        weights = self._weights(law, policy)
        shares = weights / segment.probabilities[:, None, None, None]
        rewards, paid = backward.centred(rewards, shares, self.dtype)
        after = self._step.continuation(segment, carry.columns, where)
        q, best_q = (rewards + self._by_action(column) for column in tf.unstack(after))
        values = backward.decide(q, best_q, policy, self._legal, regulariser)
        base = paid + self._expected(segment, carry.base)
        carry = backward.Carry(tf.stack(values), base)
        return carry, (rewards, *tf.unstack(after), base)

    def _weights(self, law: tf.Tensor, policy: tf.Tensor) -> tf.Tensor:
        """Whose rewards are averaged, float64 [H, N, S, A], or [H, N, S, 1]."""
        if not self._dynamics.joint_law:
            law = law[..., None] * policy if self._paid > 1 else law[..., None]
        return tf.cast(law, tf.float64)

    def _end(self, mass: tf.Tensor) -> backward.Carry:
        """What is known at the horizon, where the masses are [H, N, S]."""
        rewards = self._terminal_rewards(mass)[..., None]
        d = self._dynamics
        shares = tf.cast(mass, tf.float64)[..., None]
        shares /= d.history_probabilities(d.horizon)[:, None, None, None]
        values, base = backward.centred(rewards, shares, self.dtype)
        values = values[..., 0]
        columns = tf.stack([values, values])
        return backward.Carry(columns, base)

    def _expected(self, segment: Segment, base: tf.Tensor) -> tf.Tensor:
        """The expectation over the common noise, [H, N], of a base [H * B, N]."""
        if segment.branches == 1:  # a product of matrices is slow to call
            return base
        base = tf.reshape(base, (segment.histories, segment.branches, -1))
        return tf.einsum("hbn,b->hn", base, segment.outcomes)

    def _totals(self, start: backward.Carry, bases: tf.Tensor) -> Totals:
        """Values and gains of the populations from those of the nodes at time 0."""
        values, best_values = tf.unstack(tf.cast(start.columns, tf.float64))
        value, gain = (
            tf.reduce_sum(self._initial * column, [0, 2])
            for column in (values, best_values - values)
        )
        value += tf.reduce_mean(start.base, axis=0)
        resolution = self._resolution(values, bases)
        rounded = (gain < 0) & (gain >= -resolution)
        return Totals(value, tf.where(rounded, tf.zeros_like(gain), gain), resolution)

    def _resolution(self, values: tf.Tensor, bases: tf.Tensor) -> tf.Tensor:
        """How much rounding there may be in gains.

        Values are rounded in each step, by a share of what they sum to at the start;
        rewards, which are float64, once.

        Args:
          values: float64 [H, N, S], at time 0, less the base.
          bases: float64, those of all times.
        """
        steps = self._dynamics.horizon + 1
        value, base = (tf.reduce_max(tf.abs(array)) for array in (values, bases))
        single, double = (
            float(np.finfo(dtype.as_numpy_dtype).eps)
            for dtype in (self.dtype, tf.float64)
        )
        return steps * single * value + double * base

    def _rewards(self, segment: Segment, i, law, policy, values) -> tf.Tensor:
        """Rewards in the i-th step, float64 [H, N, S, A or 1]; see `_backward`."""
        return self._step.reward(segment, i, law)

    def _terminal_rewards(self, mass: tf.Tensor) -> tf.Tensor:
        """Rewards at the horizon, float64 [H, N, S], of the masses [H, N, S]."""
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
        length = sum(observation_sizes(self._dynamics).values())
        self._require_room(4 * self.num_nodes * length)
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

    def passing_masses(self, policy: tf.Tensor, flow: Flow) -> dict[str, float]:
        return array_nodes.passing_masses(self.game, policy, flow)

    def flow_of_masses(self, mass_of: Callable[[str, float], float]) -> Flow:
        arrays = array_nodes.flow(self.game, mass_of)
        return Flow(*map(self.as_tensor, arrays), tf.constant(True))
