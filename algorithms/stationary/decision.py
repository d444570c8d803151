"""One player's decision problem in a crowd that does not change.

The criterion is the discounted sum of rewards, or with the discount 1 their average in
the long run. Values are pairs of a gain, the average itself, and a bias, by how much
the sum is ahead of it; a discounted sum is a bias without a gain. With these words
policies improve in one way (Howard 1960; Puterman 1994, sections 6.4 and 9.2): first in
what the gain will be, then in the bias.

Shapes: S states, A actions. Arrays have the actions first, policies the states.
"""

from __future__ import annotations

from collections.abc import Callable
import dataclasses
import functools
from typing import NamedTuple

import numpy as np
from scipy import sparse

from algorithms.stationary.markov import REST, Resolvent
from algorithms.stationary.patience import Patience
from algorithms.stationary.reach import sure_ways

METHODS = ("solve", "iterate")

# Two actions whose values differ by less, relative to the values' size, are tied.
_TIE = 1e-10
_TOLERANCE = 1e-11  # of what sweeps leave open
# Sweeps before an improvement are cheaper than a factorisation: at first so many, then
# twice as many each time, and none at last, since Howard's own improvements alone are
# sure to come to an end.
_FEWEST, _MOST, _BOLD = 20, 320, 30
_MAX_IMPROVEMENTS = 300


class Values(NamedTuple):
    """What states are worth.

    Attributes:
      gain: [S], average reward in the long run; 0 if rewards are discounted.
      bias: [S], discounted sum of rewards, or what the sum of rewards is ahead of the
        gain.
    """

    gain: np.ndarray
    bias: np.ndarray


@dataclasses.dataclass(frozen=True)
class DecisionProblem:
    """A Markov decision problem without end.

    Attributes:
      rewards: [A, S].
      transitions: sparse [A * S, S]; row a S + x is where a leads from x.
      legal: bool [A, S].
      discount: above 0; 1 for the average in the long run.
      method: "solve" factorises sparse matrices, "iterate" sweeps.
    """

    rewards: np.ndarray
    transitions: sparse.csr_array
    legal: np.ndarray
    discount: float
    method: str

    def kernel(self, policy: np.ndarray) -> sparse.csr_array:
        """The transition matrix [S, S] under a policy [S, A]."""
        size, actions = policy.shape
        rows = np.arange(0, size * actions + 1, actions)
        columns = np.arange(size)[:, None] + size * np.arange(actions)
        choice = sparse.csr_array((policy.ravel(), columns.ravel(), rows))
        return choice @ self.transitions

    def expected(self, values: np.ndarray) -> np.ndarray:
        """Expectation of values [S] at the next state, [A, S]."""
        return (self.transitions @ values).reshape(self.rewards.shape)

    def action_values(self, values: Values) -> np.ndarray:
        """What an action is worth before these values, [A, S]; -inf if illegal."""
        later = self.discount * self.expected(values.bias)
        return self._legal_rewards - values.gain + later

    def values(self, policy: np.ndarray) -> Values:
        """The values of a policy [S, A].

        Raises:
          RuntimeError: "iterate" did not come to an end.
        """
        rewards = (policy.T * self.rewards).sum(axis=0)
        kernel = self.kernel(policy)
        if self.method == "iterate":
            none = np.zeros_like(rewards)
            return self._swept(lambda v: rewards + self.discount * (kernel @ v), none)
        if self.discount < 1:
            bias = Resolvent(kernel, 1 - self.discount).sums(rewards)
            return Values(np.zeros_like(bias), bias)
        resolvent = Resolvent(kernel, REST)
        gain = resolvent.gain(rewards)
        return Values(gain, resolvent.bias(rewards, gain))

    def best_values(self, policy: np.ndarray, values: Values) -> Values:
        """The values of the best policy, found from a policy [S, A] and its values.

        Raises:
          RuntimeError: no end was found.
        """
        if self.method == "iterate":
            none = np.zeros_like(values.gain)
            return self._swept(
                lambda v: self.action_values(Values(none, v)).max(axis=0), values.bias
            )
        for count in range(_MAX_IMPROVEMENTS):
            better, choice = self._improvement(values)
            if not better.any():
                return values
            if count >= _BOLD:
                policy = np.where(better[:, None], choice, policy)
            elif self._richer(values.gain).any():
                policy = self._enriched(policy, values.gain)
            else:
                sweeps = min(_FEWEST * 2**count, _MOST)
                policy = self.greedy(self._ahead(values, sweeps))
            values = self.values(policy)
        raise RuntimeError(f"No best response in {_MAX_IMPROVEMENTS} improvements.")

    def greedy(self, values: Values) -> np.ndarray:
        """The first of the best actions before these values, as a policy [S, A]."""
        return self._improvement(values)[1]

    @functools.cached_property
    def _legal_rewards(self) -> np.ndarray:
        return np.where(self.legal, self.rewards, -np.inf)

    def _gains(self, gain: np.ndarray) -> np.ndarray:
        """The gain that comes after each action, [A, S]; -inf if illegal."""
        return np.where(self.legal, self.expected(gain), -np.inf)

    def _richer(self, gain: np.ndarray) -> np.ndarray:
        """Where an action leads to more than the gain, bool [S]."""
        return _exceeds(self._gains(gain), gain)

    def _enriched(self, policy: np.ndarray, gain: np.ndarray) -> np.ndarray:
        """The policy, but from all around going where the gain is more."""
        # First all who can be sure to reach the largest gain, however far it is.
        most = _tied(gain)
        sure, actions = sure_ways(self.transitions, self.legal, most)
        moving = sure & ~most
        policy = np.where(moving[:, None], np.eye(len(self.legal))[actions], policy)
        gain = np.where(moving, gain.max(), gain)
        while True:
            gains = self._gains(gain)
            richer = _exceeds(gains, gain)
            if not richer.any():
                return policy
            policy = np.where(richer[:, None], _first(_tied(gains)), policy)
            gain = np.where(richer, gains.max(axis=0), gain)

    def _improvement(self, values: Values) -> tuple[np.ndarray, np.ndarray]:
        """Where an action is better than the values say, [S], and which, [S, A]."""
        gains = self._gains(values.gain)
        q = np.where(_tied(gains), self.action_values(values), -np.inf)
        better = _exceeds(gains, values.gain) | _exceeds(q, values.bias)
        return better, _first(_tied(q))

    def _ahead(self, values: Values, sweeps: int) -> Values:
        """The values of so many of the best steps before these values."""
        gain, bias = values
        lasting = _tied(self._gains(gain))
        rewards = np.where(lasting, self.rewards - gain, -np.inf)
        for _ in range(sweeps):
            bias = (rewards + self.discount * self.expected(bias)).max(axis=0)
        return Values(gain, bias)

    def _swept(
        self, backup: Callable[[np.ndarray], np.ndarray], values: np.ndarray
    ) -> Values:
        """The values that a backup, [S] to [S], leaves as they are, by sweeps.

        All changes of a sweep lie between two numbers, which bound what all later ones
        will add (Puterman 1994, sections 6.6 and 8.5).
        """
        discounted = self.discount < 1
        ahead = self.discount / (1 - self.discount) if discounted else 1.0
        patience = Patience(
            len(values),
            "An average reward that depends on the start needs method='solve'.",
        )
        while True:
            change = backup(values) - values
            low, high = change.min(), change.max()
            middle = (low + high) / 2
            scale = 1 + np.abs(values).max() + ahead * abs(middle)
            if ahead * (high - low) <= _TOLERANCE * scale:
                break
            patience.check(high - low)
            # Half a sweep at a time, an average does not mind periods.
            values = values + (change if discounted else (change - middle) / 2)
        if discounted:
            return Values(np.zeros_like(values), values + change + ahead * middle)
        return Values(np.full_like(values, middle), values)


def _tied(q: np.ndarray) -> np.ndarray:
    """Which of the first axis are as good as the best of them, a bool for each."""
    best = q.max(axis=0)
    return q >= best - _TIE * (1 + np.abs(best))


def _first(among: np.ndarray) -> np.ndarray:
    """The policy [S, A] of the first actions of those that are True, [A, S]."""
    return np.eye(len(among))[among.argmax(axis=0)]


def _exceeds(q: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Where the best action is worth more than the values, bool [S]."""
    return q.max(axis=0) > values + _TIE * (1 + np.abs(values))
