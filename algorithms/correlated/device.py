"""Correlation devices and what players gain by not following them.

A device draws a distribution nu over policies with probability rho(nu), and recommends
to each player a policy p drawn from nu, independently of the others: the crowd plays
the mixture nu. Players know rho and what they are recommended, but not nu. The device
is an equilibrium (Muller et al. 2022) if nobody gains by

- ignoring it: a coarse correlated equilibrium, in which the gap is at most 0,

      CCE gap = max_x E[J(x, mu(nu))] - E[J(p, mu(nu))];

- playing something else after hearing p: a correlated equilibrium, with the gap

      CE gap = sum_p P(p) (max_x E[J(x, mu(nu)) | p] - E[J(p, mu(nu)) | p]) >= 0.

The CE gap is at least the CCE gap, which is negative where to follow is worth more than
any policy. A single nu is a device too: its CCE gap is the exploitability of the
mixture. With several populations all of them are recommended their parts of one policy,
and gaps are summed over them.

Shapes: T distributions nu over P policies; D decision nodes, A actions.
"""

from __future__ import annotations

from collections.abc import Sequence
import functools
from typing import NamedTuple

import numpy as np
from open_spiel.python import policy as openspiel_policy
import pyspiel
from scipy import sparse

from algorithms.correlated.linear_game import LinearGame, load_linear_game
from algorithms.model import Flow
from algorithms.policy import ArrayPolicy, policy_array

COARSE, CORRELATED = EQUILIBRIA = ("coarse", "correlated")

_ROUNDING = 1e-9  # by which probabilities may miss one


class Deviation(NamedTuple):
    """A best response of players who do not follow.

    Attributes:
      gain: what they gain, times the probability of what they are recommended.
      measure: occupation measure of the response, float64 [D * A].
    """

    gain: float
    measure: np.ndarray


class CorrelationDevice:
    """A correlation device in a game whose transitions do not depend on the crowd.

    Args:
      linear_game: the game.
      measures: sparse [P, D * A], occupation measures of the policies.
      nus: [T, P], each row summing to one.
      weights: [T], rho, summing to one.

    Attributes:
      linear_game, measures, nus, weights: as given.
    """

    def __init__(
        self,
        linear_game: LinearGame,
        measures: sparse.csr_array,
        nus: np.ndarray,
        weights: np.ndarray,
    ):
        self.linear_game = linear_game
        self.measures = measures
        self.nus = nus
        self.weights = weights

    @classmethod
    def of(
        cls,
        game: pyspiel.Game | str,
        policies: Sequence[openspiel_policy.Policy],
        nus: np.ndarray,
        weights: np.ndarray,
    ) -> CorrelationDevice:
        """A device that recommends OpenSpiel policies.

        Args:
          game: an OpenSpiel mean field game, or its string.
          policies: P policies of that game.
          nus: [T, P], distributions over the policies.
          weights: [T], probabilities of these.

        Raises:
          ValueError: the game's transitions depend on the crowd, or an array has
            another shape or is no distribution.
        """
        nus, weights = (np.asarray(array, np.float64) for array in (nus, weights))
        _check("nus", nus, (len(weights), len(policies)))
        _check("weights", weights, (len(nus),))
        linear_game = load_linear_game(game)
        model = linear_game.model
        measures = [linear_game.measure(policy_array(model, p)) for p in policies]
        return cls(linear_game, sparse.csr_array(np.stack(measures)), nus, weights)

    @property
    def policies(self) -> list[ArrayPolicy]:
        """The policies that are recommended; uniform where their players never come."""
        rows = (self.measures[[p]].toarray() for p in range(self.measures.shape[0]))
        return [self._played(row) for row in rows]

    @property
    def policy(self) -> ArrayPolicy:
        """What all players play on average over the draws of nu."""
        return self._played(self.weights @ self.nus @ self.measures)

    @property
    def probabilities(self) -> np.ndarray:
        """How often each policy is recommended, [P]."""
        return self.weights @ self.nus

    def flow(self, number: int) -> Flow:
        """The crowd's flow when the nu of this number is drawn."""
        model, crowd = self.linear_game.model, self.nus[number] @ self.measures
        rows = self._played(crowd).probabilities
        return model.compiled_distribution(model.as_tensor(rows))

    @functools.cached_property
    def values(self) -> np.ndarray:
        """What players earn who follow, by nu and summed over populations, [T]."""
        return np.array([self._meet(t).value for t in range(len(self.nus))])

    @property
    def welfare(self) -> float:
        """What players earn who follow, summed over populations."""
        return float(self.weights @ self.values)

    @property
    def cce_gap(self) -> float:
        """What is gained by ignoring the device; negative where it is worth following.

        Summed over populations.
        """
        return self.coarse_deviation.gain

    @property
    def ce_gap(self) -> float:
        """What is gained by deviating from what is recommended, summed up."""
        return sum(deviation.gain for deviation in self.deviations)

    @functools.cached_property
    def coarse_deviation(self) -> Deviation:
        """The best response to all that the device may draw."""
        rewards = np.zeros(self.measures.shape[1])
        for number, weight in enumerate(self.weights):
            rewards += weight * self._meet(number).advantages
        # To follow is worth nothing in advantages.
        return Deviation(*self.linear_game.respond(rewards))

    @functools.cached_property
    def deviations(self) -> list[Deviation]:
        """The best response to each policy that is recommended, in their order."""
        advantages = [self._meet(t).advantages for t in range(len(self.nus))]
        found = []
        for policy in np.flatnonzero(self.probabilities):
            joint = self.weights * self.nus[:, policy]
            drawn = np.flatnonzero(joint)
            rewards = np.zeros(self.measures.shape[1])
            for number in drawn:
                rewards += joint[number] / joint.sum() * advantages[number]
            best, measure = self.linear_game.respond(rewards)
            followed = (self.measures[[policy]] @ rewards).item()
            found.append(Deviation(joint.sum() * (best - followed), measure))
        return found

    def _meet(self, number: int):
        return self.linear_game.meet(self.nus[number] @ self.measures)

    def _played(self, measure: np.ndarray) -> ArrayPolicy:
        return ArrayPolicy(self.linear_game.model, self.linear_game.policy(measure))


def _check(name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise ValueError(
            f"`{name}` must have the shape {shape}. Received: {array.shape}"
        )
    if not ((array >= 0).all() and (abs(array.sum(-1) - 1) <= _ROUNDING).all()):
        raise ValueError(
            f"`{name}` must hold probabilities that sum to one. Received: "
            f"{array.tolist()}"
        )
