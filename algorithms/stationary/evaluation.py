"""What a policy is worth in the crowd that plays it.

Shapes: N populations, S states, A actions.
"""

from __future__ import annotations

from collections.abc import Callable
import functools
from typing import TYPE_CHECKING

import numpy as np

from algorithms.stationary.decision import DecisionProblem, Values

if TYPE_CHECKING:
    from algorithms.stationary.model import StationaryModel


class Evaluation:
    """What a policy is worth in the crowd that plays it, computed when asked for.

    Attributes:
      model: the model.
      policy: [N, S, A].
    """

    def __init__(self, model: StationaryModel, policy: np.ndarray):
        self.model = model
        self.policy = policy

    @functools.cached_property
    def law(self) -> np.ndarray:
        """Of the crowd, [N, S]."""
        return self.model.law(self.policy)

    @functools.cached_property
    def value(self) -> np.ndarray:
        """The policy's value, [N]."""
        return self._worth(self._values)

    @functools.cached_property
    def best_value(self) -> np.ndarray:
        """The best response's value, [N]."""
        return self._worth(self._best)

    @property
    def exploitability(self) -> float:
        """What a best response gains, summed over the populations."""
        return float((self.best_value - self.value).sum())

    @functools.cached_property
    def q(self) -> np.ndarray:
        """What an action is worth when the policy is followed after it, [N, S, A].

        Less the average reward that the policy brings in the long run, if that is the
        criterion. Illegal actions are worth -inf.
        """
        return self._each(DecisionProblem.action_values, self._values).swapaxes(1, 2)

    @functools.cached_property
    def best_q(self) -> np.ndarray:
        """What it is worth when the best response is followed after it, [N, S, A]."""
        return self._each(DecisionProblem.action_values, self._best).swapaxes(1, 2)

    @functools.cached_property
    def improvement(self) -> np.ndarray:
        """The first of the actions that are best before the policy, [N, S, A]."""
        return self._each(DecisionProblem.greedy, self._values)

    @functools.cached_property
    def best_response(self) -> np.ndarray:
        """The first of the actions that are best before the best, [N, S, A]."""
        return self._each(DecisionProblem.greedy, self._best)

    @functools.cached_property
    def _problems(self) -> list[DecisionProblem]:
        return self.model.problems(self.law, self.policy)

    @functools.cached_property
    def _values(self) -> list[Values]:
        return list(map(DecisionProblem.values, self._problems, self.policy))

    @functools.cached_property
    def _best(self) -> list[Values]:
        start = self.policy, self._values
        return list(map(DecisionProblem.best_values, self._problems, *start))

    def _each(self, function: Callable, values: list[Values]) -> np.ndarray:
        return np.stack(list(map(function, self._problems, values)))

    def _worth(self, values: list[Values]) -> np.ndarray:
        discounted = self.model.discount < 1
        worth = np.stack([v.bias if discounted else v.gain for v in values])
        return (self.model.start(self.law) * worth).sum(axis=1)
