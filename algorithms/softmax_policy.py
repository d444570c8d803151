"""The policy that prefers what a value function says is better."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from open_spiel.python import policy as openspiel_policy
from open_spiel.python.mfg import value as openspiel_value
import pyspiel

from mfg_games import parameters


class SoftmaxPolicy(openspiel_policy.Policy):
    """softmax(value / temperature) over the legal actions, relative to a prior.

    Args:
      game: an OpenSpiel mean field game.
      player_ids: the players that it is for; None for all.
      temperature: that of the softmax.
      state_action_value: gives the value of a state and an action.
      prior_policy: multiplies the exponentials; None for the uniform policy.

    Raises:
      ValueError: the temperature is not positive.
    """

    def __init__(
        self,
        game: pyspiel.Game,
        player_ids: Sequence[int] | None,
        temperature: float,
        state_action_value: openspiel_value.ValueFunction,
        prior_policy: openspiel_policy.Policy | None = None,
    ):
        parameters.positive("temperature", temperature)
        super().__init__(game, player_ids)
        self._temperature = temperature
        self._state_action_value = state_action_value
        self._prior_policy = prior_policy

    def action_probabilities(
        self, state: pyspiel.State, player_id: int | None = None
    ) -> dict[int, float]:
        legal = state.legal_actions()
        q = np.array([self._state_action_value(state, action) for action in legal])
        weights = np.ones(len(legal))
        if self._prior_policy is not None:
            prior = self._prior_policy.action_probabilities(state)
            weights = np.array([prior.get(action, 0.0) for action in legal])
        # Only what the prior plays, lest all else be smaller than the smallest number.
        best = q[weights > 0].max()
        weights *= np.exp(np.minimum((q - best) / self._temperature, 0.0))
        return dict(zip(legal, (weights / weights.sum()).tolist(), strict=True))
