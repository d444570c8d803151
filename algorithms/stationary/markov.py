"""Markov chains with sparse kernels: where they lead and what they earn.

Everything comes from one sparse factorisation, of I - (1 - r) P with a rest r > 0. Its
inverse R sums discounted rewards. As r goes to 0, r R goes to P*, the mean of all
powers of P (Abel's theorem; Puterman 1994, "Markov Decision Processes", section 8.2),
whether the chain is periodic or falls into parts or not. Hence law P*, the law that a
crowd has in the long run, is a limit of law -> r law R, and P* w, what rewards w give
on average, one of w -> r R w: a few solves with the same factors.

Shapes: S states.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

# The rest that stands for none. Parts of a chain that exchange less than this in one
# step are as good as separate.
REST = 1e-9
_TOLERANCE = 1e-13
_REFINEMENTS = 3  # each by as much as the rest is less than the chain mixes
_MAX_SOLVES = 50  # by then a law changes by less than the rest in one step


class Resolvent:
    """Solves with I - (1 - rest) P on either side.

    Args:
      kernel: P, [S, S], whose rows sum to one.
      rest: one minus the discount, above 0 and at most 1.
    """

    def __init__(self, kernel: sparse.csr_array, rest: float):
        self._kernel = kernel
        self._rest = rest
        entries = kernel.tocoo()
        moving = entries.row != entries.col
        rows, columns = entries.row[moving], entries.col[moving]
        flows = (1 - rest) * entries.data[moving]
        # One minus what stays would lose the rest to rounding where nearly all stays.
        states = np.arange(kernel.shape[0])
        diagonal = rest + np.bincount(rows, flows, len(states))
        places = np.append(states, rows), np.append(states, columns)
        matrix = sparse.csc_array((np.append(diagonal, -flows), places))
        # Diagonally dominant, so that no row need be exchanged: what a symmetric order
        # fills in is the least.
        self._factors = linalg.splu(
            matrix,
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        # 1 / rest up to the factors' error, which its use cancels.
        self._lifetimes = self._factors.solve(np.ones(len(states)))

    def sums(self, rewards: np.ndarray) -> np.ndarray:
        """Expected discounted sums of rewards [S] from each state, [S]."""
        return self._factors.solve(rewards)

    def averages(self, rewards: np.ndarray) -> np.ndarray:
        """The same divided by the sums of ones: discounted averages, [S]."""
        return self._factors.solve(rewards) / self._lifetimes

    def occupancy(self, law: np.ndarray) -> np.ndarray:
        """Discounted share of the time in each state from a law [S] on, [S]."""
        return self._factors.solve(law / self._lifetimes, trans="T")

    def long_run_law(self, law: np.ndarray) -> np.ndarray:
        """The law that a law [S] ends in, [S], where the rest is as good as none."""
        return _limit(self.occupancy, law)

    def gain(self, rewards: np.ndarray) -> np.ndarray:
        """P* rewards, the average reward in the long run from each state, [S]."""
        return _limit(self.averages, rewards)

    def bias(self, rewards: np.ndarray, gain: np.ndarray) -> np.ndarray:
        """The h with h = rewards - gain + P h and P* h = 0, [S]."""
        bias = np.zeros_like(rewards)
        for _ in range(_REFINEMENTS):
            bias = self.sums(rewards - gain + self._rest * (self._kernel @ bias))
        return bias - self.gain(bias)


def _limit(step: Callable[[np.ndarray], np.ndarray], start: np.ndarray) -> np.ndarray:
    """Iterates until nothing changes, or as long as makes sense."""
    last = start
    for _ in range(_MAX_SOLVES):
        found = step(last)
        if np.abs(found - last).max() <= _TOLERANCE * np.abs(found).max():
            break
        last = found
    return found
