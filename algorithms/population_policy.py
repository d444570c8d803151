"""Policies pi(a | x, t, mu) that see the population, and what comes of playing them.

Such a policy is a policy of every game with the same states, whatever the initial
distribution: mu_0 fixes what is played at time 0, that fixes mu_1, and so on forward.

Shapes: D decision nodes, R rows of one time, A actions, F features of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from open_spiel.python import policy as openspiel_policy
import pyspiel
import tensorflow as tf

from algorithms.deep.crowd import Crowd
from algorithms.fictitious_play import average_policy
from algorithms.model.array_model import ArrayModel
from algorithms.policy import ArrayPolicy


class Member(NamedTuple):
    """What some of the players play.

    Attributes:
      outputs: maps features float32 [R, F] to what a network says, [R, A].
      policy_of: maps that and the legal actions [R, A] to probabilities [R, A].
      weight: the share of the players who play it.
    """

    outputs: Callable[[tf.Tensor], tf.Tensor]
    policy_of: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    weight: float = 1.0


class Play(NamedTuple):
    """A population at play.

    Attributes:
      policy: [D, A], what all players at a node play on average.
      outputs: [D, A], what the first member's network says there.
    """

    policy: tf.Tensor
    outputs: tf.Tensor


class Sight:
    """What networks see at the nodes of a game.

    Args:
      model: of the game.
      observations: float32 [D, F - N * S], of the nodes.
      crowd: how they see the population; None if they do not.
    """

    def __init__(self, model: ArrayModel, observations: tf.Tensor, crowd: Crowd | None):
        self.model = model
        self._observations = observations
        self._crowd = crowd

    def features(self, mass: tf.Tensor, rows: slice = slice(None)) -> tf.Tensor:
        """Features [R, F] of rows, given the mass [R] on them."""
        seen = self._observations[rows]
        if self._crowd is None:
            return seen
        return tf.concat([seen, self._crowd.densities(mass)], axis=1)

    def play(self, members: Sequence[Member]) -> Play:
        """Lets a population play in which each player keeps to one of the members."""
        model = self.model
        legal, uniform = model.legal_actions, model.uniform_policy()
        masses = [member.weight * model.initial_mass for member in members]
        policies, outputs = [], []
        for time in range(model.game.dynamics.horizon):
            rows = model.rows(time)
            crowd = tf.add_n(masses)
            features = self.features(crowd, rows)
            played, said = [], []
            for member in members:
                said.append(tf.cast(member.outputs(features), model.dtype))
                played.append(member.policy_of(said[-1], legal[rows]))
            average = _average(masses, played, uniform[rows])
            policies.append(average)
            outputs.append(said[0])
            masses = [
                model.advance(time, mass, policy, crowd, average)
                for mass, policy in zip(masses, played, strict=True)
            ]
        return Play(tf.concat(policies, axis=0), tf.concat(outputs, axis=0))


def _average(
    masses: list[tf.Tensor], policies: list[tf.Tensor], empty: tf.Tensor
) -> tf.Tensor:
    """What the players of all members play on average, [R, A]."""
    mass, policy = masses[0], policies[0]
    for other_mass, other in zip(masses[1:], policies[1:], strict=True):
        policy = average_policy(mass, policy, other_mass, other, empty)
        mass = mass + other_mass
    return policy


class PopulationPolicy(openspiel_policy.Policy):
    """A member's policy, which reads the population off the states that it meets.

    Args:
      game: with the states of the game that the member has learnt.
      member: what is played; its weight does not matter.
      crowd: how it sees the population; None if it does not.
    """

    def __init__(self, game: pyspiel.Game, member: Member, crowd: Crowd | None):
        super().__init__(game, list(range(game.num_players())))
        self._member = member
        self._crowd = crowd
        self._observer = game.make_py_observer()

    def action_probabilities(
        self, state: pyspiel.State, player_id: int | None = None
    ) -> dict[int, float]:
        legal = state.legal_actions()
        if len(legal) == 1:
            return {legal[0]: 1.0}
        outputs = self.outputs(state)
        mask = np.zeros((1, self.game.num_distinct_actions()), bool)
        mask[0, legal] = True
        row = self._member.policy_of(tf.cast(outputs, tf.float64), mask)[0].numpy()
        return {action: float(row[action]) for action in legal}

    def outputs(self, state: pyspiel.State) -> tf.Tensor:
        """What the network says of a state, [1, A]."""
        return self._member.outputs(tf.constant(self._features(state)))

    def _features(self, state: pyspiel.State) -> np.ndarray:
        """Float32 [1, F]."""
        self._observer.set_from(state, state.current_player())
        pieces = [
            piece for name, piece in self._observer.dict.items() if name != "mean_field"
        ]
        if self._crowd is not None:
            row = state.mean_field_population() * self._crowd.num_states + state.x
            pieces.append(self._crowd.densities(state.mean_field.ravel())[row])
        return np.concatenate(pieces)[None].astype(np.float32)


def values_by_law(policy: ArrayPolicy) -> tuple[np.ndarray, np.ndarray]:
    """How good a policy is from each initial law of its game.

    Args:
      policy: of a game with B initial laws; the population plays it too.

    Returns:
      Values of the policy and of the best response against it, each float64 [B, N].
    """
    model = policy.model
    probabilities = model.as_tensor(policy.probabilities)
    flow = model.compiled_distribution(probabilities)
    found = model.compiled_evaluate(probabilities, flow)
    rows = model.rows(0)
    laws = model.game.dynamics.initial_laws
    q, best_q = (model.absolute(each, found) for each in (found.q, found.best_q))
    best = tf.where(model.legal_actions, best_q, best_q.dtype.min)[rows]
    value = tf.reduce_sum(tf.cast(probabilities, tf.float64)[rows] * q[rows], axis=1)
    best_value = tf.reduce_max(best, axis=1)
    return tuple(
        (laws * column.numpy().reshape(laws.shape)).sum(axis=2)
        for column in (value, best_value)
    )


def exploitabilities(policy: ArrayPolicy) -> np.ndarray:
    """Exploitability from each of B initial laws, summed over populations, [B]."""
    value, best_value = values_by_law(policy)
    return (best_value - value).sum(axis=1)
