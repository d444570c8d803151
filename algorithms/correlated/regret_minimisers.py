"""Regret minimisers on payoffs that are given for all policies at once.

A minimiser plays a distribution nu over P policies, observes what each policy is paid
while the crowd plays nu, and plays again. Payoffs are in [-1, 0].

- External regret, what the best single policy would have earned more, is minimised by
  one learner: its average play is a coarse correlated equilibrium.
- Internal regret, what would have been earned more by playing some policy j whenever i
  was played, is minimised by P learners (Blum & Mansour 2007): learner i observes
  nu(i) * payoffs and says where the mass of i should go, row i of a stochastic matrix,
  whose stationary distribution is played. The average is a correlated equilibrium.

The learners are hedge and polynomial weights (Cesa-Bianchi & Lugosi 2006, chapter 2)
and regret matching (Hart & Mas-Colell 2000).

The minimisers of OpenSpiel are the same algorithms, and `Upstream` drives them. Their
steps take a Python call for each policy; they find the stationary distribution by up to
10^5 products, and fail where the learners' matrix is periodic.
"""

from __future__ import annotations

import abc

import numpy as np
from open_spiel.python.mfg.algorithms.regret import hedge, polynomial_weights
from open_spiel.python.mfg.algorithms.regret import regret_matching as matching

_SQUARINGS = 60  # of a stochastic matrix: 2^60 steps of its chain
_SETTLED = 1e-13  # change of a stationary distribution that counts as none


class RegretMinimiser(abc.ABC):
    """Plays distributions over policies.

    Args:
      policies: P.
      steps: how many are to be made, which decides on the learning rate.
      internal: minimise internal regret, not external regret.

    Attributes:
      nu: float64 [P], what is played next.
    """

    nu: np.ndarray

    def __init__(self, policies: int, steps: int, internal: bool):
        self._internal = internal
        self._scores = np.zeros((policies if internal else 1, policies))
        self._rate = min(np.sqrt(np.log(policies) / steps), 0.5)
        self.nu = np.full(policies, 1 / policies)

    def observe(self, payoffs: np.ndarray) -> None:
        """Learns what each policy was paid, [P], in [-1, 0]."""
        share = self.nu[:, None] if self._internal else 1.0
        self._learn(share * payoffs * np.ones_like(self._scores))
        rows = self._rows()
        self.nu = stationary(rows) if self._internal else rows[0]

    @abc.abstractmethod
    def _rows(self) -> np.ndarray:
        """What each learner would play, [learners, P]."""

    @abc.abstractmethod
    def _learn(self, payoffs: np.ndarray) -> None:
        """Adds to the learners' scores what the policies were paid, [learners, P]."""


class Hedge(RegretMinimiser):
    """Plays in proportion to exp(rate * sum of payoffs)."""

    def _rows(self) -> np.ndarray:
        return _softmax(self._rate * self._scores)

    def _learn(self, payoffs: np.ndarray) -> None:
        self._scores += payoffs


class PolynomialWeights(RegretMinimiser):
    """Plays in proportion to the product of all 1 + rate * payoff."""

    def _rows(self) -> np.ndarray:
        return _softmax(self._scores)

    def _learn(self, payoffs: np.ndarray) -> None:
        self._scores += np.log1p(self._rate * payoffs)


class RegretMatching(RegretMinimiser):
    """Plays in proportion to the positive parts of the regrets so far."""

    def _rows(self) -> np.ndarray:
        positive = np.maximum(self._scores, 0.0)
        total = positive.sum(axis=1, keepdims=True)
        share = positive / np.where(total > 0, total, 1.0)
        return np.where(total > 0, share, 1 / positive.shape[1])

    def _learn(self, payoffs: np.ndarray) -> None:
        earned = (self._rows() * payoffs).sum(axis=1, keepdims=True)
        self._scores += payoffs - earned


class Upstream:
    """One of OpenSpiel's regret minimisers, driven by given payoffs.

    The calls are those of `RegretMinimiser`.

    Args:
      kind: the class.
      policies, steps, internal: as there.
    """

    def __init__(self, kind: type, policies: int, steps: int, internal: bool):
        self._payoffs = np.zeros(policies)
        self._minimiser = kind(
            game=None,
            policies=range(policies),
            regret_steps_per_step=steps,
            compress_nus=False,
            stop_early=False,
            value_estimator=lambda policy, *_: self._payoffs[policy],
            compute_internal_regret=internal,
        )

    @property
    def nu(self) -> np.ndarray:
        return self._minimiser.get_nu().reshape(-1)

    def observe(self, payoffs: np.ndarray) -> None:
        self._payoffs = payoffs
        self._minimiser.step()


REGRET_MINIMISERS = {
    "hedge": Hedge,
    "polynomial_weights": PolynomialWeights,
    "regret_matching": RegretMatching,
}
_UPSTREAM = {
    "upstream_hedge": hedge.Hedge,
    "upstream_polynomial_weights": polynomial_weights.PolynomialWeightAlgorithm,
    "upstream_regret_matching": matching.RegretMatching,
}
NAMES = (*REGRET_MINIMISERS, *_UPSTREAM)


def make(
    name: str, policies: int, steps: int, internal: bool
) -> RegretMinimiser | Upstream:
    """The regret minimiser of a name in `NAMES`, fresh."""
    if name in _UPSTREAM:
        return Upstream(_UPSTREAM[name], policies, steps, internal)
    return REGRET_MINIMISERS[name](policies, steps, internal)


def stationary(rows: np.ndarray) -> np.ndarray:
    """Where a chain with these transitions [P, P] settles that starts anywhere alike.

    The chain rests in every other step, so that it settles even if it is periodic.
    """
    chain = (rows + np.eye(len(rows))) / 2
    law = chain.mean(axis=0)
    for _ in range(_SQUARINGS):
        chain = chain @ chain
        chain /= chain.sum(axis=1, keepdims=True)
        before, law = law, chain.mean(axis=0)
        if np.abs(law - before).max() <= _SETTLED:
            break
    return law


def _softmax(scores: np.ndarray) -> np.ndarray:
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)
