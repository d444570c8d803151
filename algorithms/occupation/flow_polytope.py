"""The polytope of flows, in games whose transitions do not depend on the crowd.

The occupation measure x [D, A] of a policy is the mass of each decision node and
action. Those of all policies are the points with

    x >= 0,    sum_a x(d, a) - sum_{d', a'} P(d | d', a') x(d', a') = start(d),

in short A x = b. A capacity may bound the mass of nodes, sum_a x(d, a), from above.

Rewards matter only up to terms A^T y, since all flows are paid b^T y for these: the
advantages Q - V of any policy do as well.
"""

from __future__ import annotations

import numpy as np
from scipy import optimize, sparse
from scipy.sparse import linalg

from algorithms.occupation.kernel import Kernel
from algorithms.occupation.simplex import thresholds


class FlowPolytope:
    """Flows of a kernel, with a factorisation of A A^T for projections.

    Args:
      kernel: the transitions.
      capacity: [D], the largest mass of each node, above 0 or infinite; None for none.

    Attributes:
      legal: bool [D, A].
      capacity: as given.
      balance: A, sparse [D, D * A].
      start: b, [D].

    Raises:
      ValueError: no flow keeps within the capacity.
    """

    def __init__(self, kernel: Kernel, capacity: np.ndarray | None = None):
        self.legal = kernel.legal
        self.start = kernel.start
        self.capacity = capacity
        self.balance = _balance(kernel)
        # Symmetric positive definite: with one action a node, A is regular.
        product = (self.balance @ self.balance.T).tocsc()
        self._factors = linalg.splu(
            product,
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        self._kernel = kernel
        self._levels = _levels(kernel)
        if capacity is not None:
            self._require_room()

    def imbalance(self, x: np.ndarray) -> np.ndarray:
        """B - A x, the mass that misses in each node, [D]."""
        return self.start - self.balance @ x.ravel()

    def spread(self, y: np.ndarray) -> np.ndarray:
        """A^T y, [D, A], of y [D]."""
        return (self.balance.T @ y).reshape(self.legal.shape)

    def nearest_balanced(self, x: np.ndarray) -> np.ndarray:
        """The projection onto A x = b, [D, A]."""
        return x + self.spread(self._factors.solve(self.imbalance(x)))

    def tangent(self, direction: np.ndarray) -> np.ndarray:
        """The part of a direction [D, A] that keeps A x; 0 for illegal actions."""
        direction = np.where(self.legal, direction, 0.0)
        lost = self.balance @ direction.ravel()
        return direction - self.spread(self._factors.solve(lost))

    def nearest_allowed(
        self, x: np.ndarray, nodes: slice | np.ndarray = slice(None)
    ) -> tuple[np.ndarray, np.ndarray]:
        """The projection of nodes' rows onto x >= 0 and the capacity.

        Args:
          x: [n, A].
          nodes: which of the nodes; all by default.

        Returns:
          (projection [n, A]; threshold [n], which the capacity has taken off all
          actions of a node beforehand).
        """
        legal = self.legal[nodes]
        allowed = np.where(legal, np.maximum(x, 0.0), 0.0)
        taken = np.zeros(len(x))
        if self.capacity is not None:
            capacity = self.capacity[nodes]
            full = np.flatnonzero(allowed.sum(axis=1) > capacity)
            rows = np.where(legal[full], x[full], -np.inf)
            taken[full] = thresholds(rows, capacity[full])
            allowed[full] = np.maximum(rows - taken[full, None], 0.0)
        return allowed, taken

    def policy(self, x: np.ndarray) -> np.ndarray:
        """The policy of an occupation measure >= 0; uniform where nobody comes."""
        total = x.sum(axis=1, keepdims=True)
        uniform = self.legal / self.legal.sum(axis=1, keepdims=True)
        return np.where(total > 0, x / np.where(total > 0, total, 1.0), uniform)

    def best_value(self, rewards: np.ndarray) -> float:
        """The most that a flow without capacity is paid, for rewards [D, A]."""
        values = np.zeros(len(rewards) + 1)
        for nodes in self._levels:
            law = self._kernel.probabilities[nodes]
            after = (law * values[self._kernel.successors[nodes]]).sum(axis=-1)
            q = np.where(self.legal[nodes], rewards[nodes] + after, -np.inf)
            values[nodes] = q.max(axis=1)
        return float(self.start @ values[:-1])

    @property
    def layers(self) -> list[np.ndarray]:
        """Rows of the nodes that are as far from the end, the first ones first."""
        return self._levels[::-1]

    def _require_room(self) -> None:
        size = self.legal.size
        capped = np.isfinite(self.capacity)
        nodes = np.repeat(np.arange(len(self.start)), self.legal.shape[1])
        ones = (np.ones(size), (nodes, np.arange(size)))
        mass = sparse.csr_array(ones, shape=(len(self.start), size))
        found = optimize.linprog(
            np.zeros(size),
            A_ub=mass[capped],
            b_ub=self.capacity[capped],
            A_eq=self.balance,
            b_eq=self.start,
        )
        if found.status == 2:
            raise ValueError(
                "`capacity` must leave room for a flow. Received: a capacity of "
                f"{self.capacity.min():g} at the fullest nodes, which every policy "
                "exceeds"
            )


def _balance(kernel: Kernel) -> sparse.csr_array:
    """A, [D, D * A]; columns of illegal actions are empty."""
    num_nodes, num_actions = kernel.legal.shape
    columns = np.flatnonzero(kernel.legal)
    outcomes = kernel.probabilities.shape[-1]
    successors = kernel.successors.reshape(-1, outcomes)[columns].ravel()
    law = kernel.probabilities.reshape(-1, outcomes)[columns].ravel()
    here = (successors < num_nodes) & (law > 0)
    entries = np.concatenate([np.ones(len(columns)), -law[here]])
    rows = np.concatenate([columns // num_actions, successors[here]])
    columns = np.concatenate([columns, np.repeat(columns, outcomes)[here]])
    shape = (num_nodes, num_nodes * num_actions)
    return sparse.coo_array((entries, (rows, columns)), shape=shape).tocsr()


def _levels(kernel: Kernel) -> list[np.ndarray]:
    """Rows of the nodes by the number of decisions to the end, the last ones first."""
    possible = kernel.probabilities > 0
    decisions = np.zeros(len(kernel.start) + 1, int)
    while True:
        after = np.where(possible, decisions[kernel.successors], 0).max(axis=(1, 2)) + 1
        if (after == decisions[:-1]).all():
            return [np.flatnonzero(after == k + 1) for k in range(after.max())]
        decisions[:-1] = after
