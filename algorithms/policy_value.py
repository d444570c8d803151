"""Values of a policy against the distribution of a population."""

from __future__ import annotations

import numpy as np
from open_spiel.python import policy as openspiel_policy
from open_spiel.python.mfg import value as openspiel_value
import pyspiel

from algorithms.distribution import DistributionPolicy
from algorithms.pickled import OnModel
from algorithms.policy import policy_array


class NodeValues(OnModel, openspiel_value.ValueFunction):
    """Values of a model's decision nodes, and of the game's roots.

    Args:
      distribution: of the population.
      q: [D, A], values of the actions.
      values: [D], values of the nodes.
      root_values: [N], values at the start.
    """

    def __init__(
        self,
        distribution: DistributionPolicy,
        q: np.ndarray,
        values: np.ndarray,
        root_values: np.ndarray,
    ):
        super().__init__(distribution.game)
        self.model = distribution.model
        self._q = q
        self._values = values
        self._root_values = root_values

    def value(self, state: pyspiel.State, action: int | None = None) -> float:
        """Value of a decision state, of an action there, or of a root state.

        Raises:
          KeyError: the state is neither.
        """
        if state.move_number() == 0 and state.is_chance_node():
            return float(self._root_values[state.mean_field_population()])
        row = self.model.node_index(state)
        return float(self._values[row] if action is None else self._q[row, action])

    def eval_state(self, state: pyspiel.State) -> float:
        """Value of a decision or root state."""
        return self.value(state)


class PolicyValue(NodeValues):
    """Values of a policy when the population has a given distribution.

    Args:
      game: any OpenSpiel mean field game, or its string.
      distribution: of the population; any policy's, not only `policy`'s.
      policy: any OpenSpiel policy of that game.
    """

    def __init__(
        self,
        game: pyspiel.Game | str,
        distribution: DistributionPolicy,
        policy: openspiel_policy.Policy,
    ):
        model = distribution.model
        rows = policy_array(model, policy)
        values = model.compiled_evaluate(rows, distribution.flow)
        q = model.absolute(values.q, values).numpy()
        super().__init__(
            distribution, q, (rows.numpy() * q).sum(-1), values.totals.value.numpy()
        )
