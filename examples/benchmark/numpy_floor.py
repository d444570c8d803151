"""Online mirror descent on the beach bar in plain NumPy and SciPy.

It shares no code with the library, knows this one game and does no more than it must:
one sparse product a time step in each direction, all else on whole arrays.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse


class BeachBarFloor:
    """The beach bar with moves -1, 0, +1 and uniform noise on the same three.

    Args:
      size: number of places, S.
      horizon: number of decision times, T.
      lr: learning rate.
    """

    def __init__(self, size: int, horizon: int, lr: float = 0.01):
        moves = np.array([-1, 0, 1])
        places = np.arange(size)
        targets = (places[:, None, None] + moves[:, None] + moves) % size
        rows = np.repeat(np.arange(size * 3), 3)
        law = np.full(targets.size, 1 / 3)
        shape = (size * 3, size)
        self._backward = sparse.csr_array((law, (rows, targets.ravel())), shape)
        self._forward = self._backward.T.tocsr()
        bar = size // 2
        self._fixed_reward = (1 - np.abs(places - bar) / bar)[:, None] - abs(
            moves
        ) / size
        self._lr = lr
        self._cumulative_q = np.zeros((horizon, size, 3))

    def iteration(self) -> float:
        """One iteration; the exploitability of the policy before it."""
        policy = np.exp(
            self._cumulative_q - self._cumulative_q.max(axis=-1, keepdims=True)
        )
        policy /= policy.sum(axis=-1, keepdims=True)
        horizon, size, _ = policy.shape
        flow = np.empty((horizon, size))
        mu = np.full(size, 1 / size)
        for t in range(horizon):
            flow[t] = mu
            mu = self._forward @ (mu[:, None] * policy[t]).ravel()
        rewards = self._fixed_reward - np.log(flow + 1e-25)[..., None]
        values = np.zeros((size, 2))  # of the policy and of the best response
        for t in reversed(range(horizon)):
            q = rewards[t][..., None] + (self._backward @ values).reshape(size, 3, 2)
            values[:, 0] = (policy[t] * q[..., 0]).sum(axis=-1)
            values[:, 1] = q[..., 1].max(axis=-1)
            self._cumulative_q[t] += self._lr * q[..., 0]
        return float(np.mean(values[:, 1] - values[:, 0]))
