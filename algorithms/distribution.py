"""The distribution of a population that plays a policy."""

from __future__ import annotations

import functools

from open_spiel.python import policy as openspiel_policy
from open_spiel.python.mfg import distribution as openspiel_distribution
import pyspiel

from algorithms.model import load_model
from algorithms.pickled import OnModel
from algorithms.policy import policy_array


class DistributionPolicy(OnModel, openspiel_distribution.Distribution):
    """Masses of all decision and mean field nodes under a policy.

    The calls are those of OpenSpiel's class of the same name; OpenSpiel's evaluators
    take it.

    Args:
      game: any OpenSpiel mean field game, or its string.
      policy: any OpenSpiel policy of that game.

    Attributes:
      model: the game's model.
      rows: the policy as an array of the model, [D, A].
      flow: the masses as arrays of the model.
    """

    def __init__(self, game: pyspiel.Game | str, policy: openspiel_policy.Policy):
        self.model = load_model(game)
        super().__init__(self.model.game)
        num_met = -1
        while num_met != self.model.num_met:  # a flow may discover nodes
            num_met = self.model.num_met
            self.rows = policy_array(self.model, policy)
            self.flow = self.model.compiled_distribution(self.rows)
        self.model.require_sound(self.flow)

    @functools.cached_property
    def distribution(self) -> dict[str, float]:
        """Mass by observation string."""
        return self.model.masses(self.flow)

    def value(self, state: pyspiel.State) -> float:
        """Mass of a decision or mean field node."""
        return self.value_str(
            state.observation_string(pyspiel.PlayerId.DEFAULT_PLAYER_ID)
        )

    def value_str(self, state_str: str, default_value: float | None = None) -> float:
        """Mass of a decision or mean field node by its observation string.

        Raises:
          ValueError: there is no such node, and no default value.
        """
        mass = self.distribution.get(state_str, default_value)
        if mass is None:
            raise ValueError(f"No decision or mean field node is called {state_str!r}.")
        return mass
