"""The best response to the distribution of a population."""

from __future__ import annotations

import numpy as np
import pyspiel

from algorithms.distribution import DistributionPolicy
from algorithms.policy import ArrayPolicy, greedy
from algorithms.policy_value import NodeValues


class BestResponse(NodeValues):
    """Values of the best response when the population has a given distribution.

    Args:
      game: any OpenSpiel mean field game, or its string.
      distribution: of the population.
    """

    def __init__(self, game: pyspiel.Game | str, distribution: DistributionPolicy):
        model = distribution.model
        values = model.compiled_evaluate(model.uniform_policy(), distribution.flow)
        legal = model.legal_actions.numpy()
        q = model.absolute(values.best_q, values).numpy()
        best = np.where(legal, q, -np.inf).max(-1)
        super().__init__(distribution, q, best, values.totals.best_value.numpy())
        response = greedy(values.best_q, model.legal_actions, values.totals.resolution)
        self._policy = ArrayPolicy(model, response)

    def get_policy(self) -> ArrayPolicy:
        """The best response; ties go to the first legal action."""
        return self._policy
