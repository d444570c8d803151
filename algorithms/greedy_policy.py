"""The policy that does what a value function says is best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from open_spiel.python import policy as openspiel_policy
from open_spiel.python.mfg import value as openspiel_value
import pyspiel
import tensorflow as tf

from algorithms.policy import greedy


class GreedyPolicy(openspiel_policy.Policy):
    """The best legal action of a value function; ties go to the first one.

    Args:
      game: an OpenSpiel mean field game.
      player_ids: the players that it is for; None for all.
      state_action_value: gives the value of a state and an action.
    """

    def __init__(
        self,
        game: pyspiel.Game,
        player_ids: Sequence[int] | None,
        state_action_value: openspiel_value.ValueFunction,
    ):
        super().__init__(game, player_ids)
        self._state_action_value = state_action_value

    def action_probabilities(
        self, state: pyspiel.State, player_id: int | None = None
    ) -> dict[int, float]:
        best = self.action(state)
        return {action: float(action == best) for action in state.legal_actions()}

    def action(self, state: pyspiel.State, player_id: int | None = None) -> int:
        """The action that is taken."""
        legal = state.legal_actions()
        q = [[self._state_action_value(state, action) for action in legal]]
        chosen = greedy(tf.constant(q, tf.float64), tf.ones((1, len(legal)), tf.bool))
        return legal[int(np.argmax(chosen))]
