"""Online mirror descent on the beach bar in plain NumPy and SciPy.

It shares no code with the library, knows this one game and does no more than it must:
one sparse product a time step in each direction, all else on whole arrays.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

_MOVES = np.array([-1, 0, 1])


class BeachBarFloor:
    """The beach bar with moves -1, 0, +1 and uniform noise on the same three.

    Args:
      size: number of places, S.
      horizon: number of decision times, T.
      lr: learning rate.
    """

    def __init__(self, size: int, horizon: int, lr: float = 0.01):
        places = np.arange(size)
        reached = _MOVES[:, None, None] + places[:, None] + _MOVES  # [action, S, noise]
        source = np.repeat(np.arange(3 * size), 3)
        law = np.full(reached.size, 1 / 3)
        entries = (law, (source, reached.ravel() % size))
        self._expect = sparse.csr_array(entries, shape=(3 * size, size))
        self._push = self._expect.T.tocsr()
        bar = size // 2
        self._attraction = 1 - np.abs(places - bar) / bar
        self._cost = np.abs(_MOVES)[:, None] / size
        self._lr = lr
        self._cumulative_q = np.zeros((horizon, 3, size))

    def iteration(self) -> float:
        """One iteration; the exploitability of the policy before it."""
        policy = self._policy()
        q = np.empty_like(policy)
        flow = self._flow(policy)
        place = self._attraction - np.log(flow + 1e-25)
        size = flow.shape[1]
        values = np.zeros((size, 2))  # of the policy and of the best response
        for t in reversed(range(len(flow))):
            after = (self._expect @ values).reshape(3, size, 2)
            reward = place[t] - self._cost
            q[t] = reward + after[..., 0]
            values[:, 0] = (policy[t] * q[t]).sum(axis=0)
            values[:, 1] = (reward + after[..., 1]).max(axis=0)
        self._cumulative_q += self._lr * q
        return float(np.mean(values[:, 1] - values[:, 0]))

    def _policy(self) -> np.ndarray:
        weights = np.exp(self._cumulative_q - self._cumulative_q.max(1, keepdims=True))
        return weights / weights.sum(1, keepdims=True)

    def _flow(self, policy: np.ndarray) -> np.ndarray:
        horizon, _, size = policy.shape
        flow = np.full((horizon, size), 1 / size)
        for t in range(horizon - 1):
            flow[t + 1] = self._push @ (flow[t] * policy[t]).ravel()
        return flow
