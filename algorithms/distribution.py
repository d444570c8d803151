"""The distribution of a population that plays a policy."""

from __future__ import annotations

import functools

from open_spiel.python import policy as openspiel_policy
from open_spiel.python.mfg import distribution as openspiel_distribution
import pyspiel

from algorithms import openspiel_arguments
from algorithms.model import Flow, MeanFieldModel, load_model
from algorithms.pickled import OnModel
from algorithms.policy import policy_array

_PLAYER = int(pyspiel.PlayerId.DEFAULT_PLAYER_ID)


class DistributionPolicy(OnModel, openspiel_distribution.ParametricDistribution):
    """Masses of all nodes under a policy.

    The calls are those of OpenSpiel's class of the same name; OpenSpiel's evaluators
    take it.

    Args:
      game: any OpenSpiel mean field game, or its string.
      policy: any OpenSpiel policy of that game.
      root_state: the game's start, which is the default.

    Attributes:
      model: the game's model.
      rows: the policy as an array of the model, [D, A].
      flow: the masses as arrays of the model.

    Raises:
      ValueError: the policy is of another game, or is no policy; or the root state is
        not the start of a game with one population.
    """

    def __init__(
        self,
        game: pyspiel.Game | str,
        policy: openspiel_policy.Policy,
        root_state: pyspiel.State | None = None,
    ):
        self.model = load_model(game)
        super().__init__(self.model.game)
        openspiel_arguments.require_start(self.game, root_state)
        num_met = -1
        while num_met != self.model.num_met:  # a flow may discover nodes
            num_met = self.model.num_met
            self.rows = policy_array(self.model, policy)
            self.flow = self.model.compiled_distribution(self.rows)
        self.model.require_sound(self.flow)

    @functools.cached_property
    def _lasting(self) -> dict[str, float]:
        """Mass of decision and mean field nodes by observation string."""
        return self.model.masses(self.flow)

    @functools.cached_property
    def distribution(self) -> dict[str, float]:
        """Mass of all nodes by observation string."""
        return self.model.passing_masses(self.rows, self.flow) | self._lasting

    def get_params(self) -> dict[str, float]:
        """`distribution`."""
        return self.distribution

    def set_params(self, params: dict[str, float]) -> None:
        """Refused, since the masses are those of a policy.

        Raises:
          NotImplementedError: always; OpenSpiel's `TabularDistribution` takes them.
        """
        raise NotImplementedError(
            "The masses of a DistributionPolicy are its policy's. Other masses can be "
            "put into OpenSpiel's TabularDistribution, which all evaluators here take."
        )

    def value(self, state: pyspiel.State) -> float:
        """Mass of a node."""
        return self.value_str(self.state_to_str(state))

    def value_str(self, state_str: str, default_value: float | None = None) -> float:
        """Mass of a node by its observation string.

        Raises:
          ValueError: there is no such node, and no default value.
        """
        mass = self._lasting.get(state_str)
        if mass is None:  # a root, say, or a chance node: there are many
            mass = self.distribution.get(state_str, default_value)
        if mass is None:
            raise ValueError(f"No node of `{self.game}` is called {state_str!r}.")
        return mass

    def state_to_str(self, state: pyspiel.State) -> str:
        """The string by which a state's node is known."""
        return state.observation_string(_PLAYER)


def flow_of(
    game: pyspiel.Game | str, distribution: openspiel_distribution.Distribution
) -> tuple[MeanFieldModel, Flow]:
    """A distribution as arrays of its game's model.

    Args:
      game: any OpenSpiel mean field game, or its string.
      distribution: ours, or anything that OpenSpiel's evaluators take for one. Of the
        latter the masses of mean field nodes count, as they do there.

    Raises:
      ValueError: it is of another game, or no distribution.
    """
    model = load_model(game)
    openspiel_arguments.require_same_game("distribution", distribution, model.game)
    if isinstance(distribution, DistributionPolicy):
        return distribution.model, distribution.flow
    return model, model.flow_of_masses(distribution.value_str)
