"""The best response to the distribution of a population."""

from __future__ import annotations

import numpy as np
from open_spiel.python.mfg import distribution as openspiel_distribution
from open_spiel.python.mfg import value as openspiel_value
import pyspiel

from algorithms.distribution import flow_of
from algorithms.policy import ArrayPolicy, greedy
from algorithms.policy_value import NodeValues


class BestResponse(NodeValues):
    """Values of the best response when the population has a given distribution.

    The calls are those of OpenSpiel's class of the same name.

    Args:
      game: any OpenSpiel mean field game, or its string.
      distribution: of the population; ours, or anything that OpenSpiel's evaluators
        take for one.
      state_value: if given, the values of all nodes are written to it.
      root_state: where to begin writing; None for the game's start.

    Raises:
      ValueError: the distribution is of another game.
    """

    def __init__(
        self,
        game: pyspiel.Game | str,
        distribution: openspiel_distribution.Distribution,
        state_value: openspiel_value.ValueFunction | None = None,
        root_state: pyspiel.State | None = None,
    ):
        model, flow = flow_of(game, distribution)
        values = model.compiled_evaluate(model.uniform_policy(), flow)
        legal = model.legal_actions.numpy()
        q = model.absolute(values.best_q, values).numpy()
        best = np.where(legal, q, -np.inf).max(-1)
        super().__init__(model, flow, q, best, values.totals.best_value.numpy())
        response = greedy(values.best_q, model.legal_actions, values.totals.resolution)
        self._policy = ArrayPolicy(model, response)
        self._write(state_value, root_state)

    def get_policy(self) -> ArrayPolicy:
        """The best response; ties go to the first legal action."""
        return self._policy
