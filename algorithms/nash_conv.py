"""NashConv: what the best responses earn more than the policy, over populations."""

from __future__ import annotations

from open_spiel.python import policy as openspiel_policy
import pyspiel

from algorithms.distribution import DistributionPolicy


class NashConv:
    """Best response values minus the policy's values, summed over populations.

    The calls are those of OpenSpiel's class of the same name.

    Args:
      game: any OpenSpiel mean field game, or its string.
      policy: any OpenSpiel policy of that game.
      root_state: the game's start, which is the default.

    Raises:
      ValueError: as for `DistributionPolicy`.
    """

    def __init__(
        self,
        game: pyspiel.Game | str,
        policy: openspiel_policy.Policy,
        root_state: pyspiel.State | None = None,
    ):
        self._distribution = DistributionPolicy(game, policy, root_state)
        rows, flow = self._distribution.rows, self._distribution.flow
        model = self._distribution.model
        self._totals = model.compiled_evaluate(rows, flow).totals
        model.require_sound(flow, self._totals)

    def nash_conv(self) -> float:
        """The sum over populations; zero exactly at an equilibrium."""
        return float(self._totals.exploitability)

    def br_values(self) -> list[float]:
        """Value of the best response of each population."""
        return self._totals.best_value.numpy().tolist()

    def policy_values(self) -> list[float]:
        """Value of the policy for each population."""
        return self._totals.value.numpy().tolist()

    @property
    def distribution(self) -> DistributionPolicy:
        """The policy's distribution."""
        return self._distribution
