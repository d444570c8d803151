"""Random games: Garnets with a crowd (Perolat et al. 2021, section 5.1).

A Garnet is a random Markov decision problem given by its size and its branching factor
alone. With `coupling` the dynamics depend on the distribution too.
"""

from __future__ import annotations

import numpy as np

from mfg_games import crowd, parameters, sizes
from mfg_games.dynamics import Dynamics
from mfg_games.registration import register


@register("mfg_random_garnet")
class RandomGarnet(Dynamics):
    """Random Garnet with aversion to crowds.

    From the state x under the action a there are `branching` successors y_k(x, a), a
    random subset of the states, reached with the probabilities p_k(x, a), the gaps
    between sorted uniform numbers. The rewards rho(x, a) are uniform in [0, 1], each
    kept with the probability `sparsity` and else zero. The distribution starts uniform.

        r(x, a, mu) = rho(x, a) - crowd_aversion log mu(x)

    With `coupling` = c the crowd carries players along: they reach y_k(x, a) with the
    probability

      (1 - c) p_k + c p_k w_k / sum_j p_j w_j,    w_k = mu(y_k(x, a)) + 1 / num_states.

    The uniform density 1 / num_states keeps the weights apart from zero.

    A seed is the same game on every machine. All numbers u are doubles in [0, 1) from
    NumPy's `Generator(PCG64(seed)).random`, drawn in this order, arrays over (x, a)
    row-major:

      1. Successors, by Floyd's algorithm: for k = 0..K-1, K = branching, an array of u;
         with j = num_states - K + k, y_k is the integer part of (j + 1) u, or j if that
         is among y_0..y_(k-1).
      2. Probabilities: K - 1 numbers u for each (x, a), sorted; p_k are the gaps of
         0, u_1, .., u_(K-1), 1.
      3. Rewards: an array of u. 4. Another one; a reward is kept where u < sparsity.

    Args:
      num_states: number of states.
      num_actions: number of actions.
      branching: number of successors, at most num_states.
      horizon: number of decision times.
      sparsity: probability that a reward is not set to zero.
      crowd_aversion: weight of the log density.
      seed: of the random numbers.
      coupling: c, weight of the crowd in the dynamics; they are fixed at 0.0.
    """

    def __init__(
        self,
        num_states: int = 100,
        num_actions: int = 5,
        branching: int = 5,
        horizon: int = 20,
        sparsity: float = 1.0,
        crowd_aversion: float = 1.0,
        seed: int = 0,
        coupling: float = 0.0,
    ):
        parameters.at_least("num_states", num_states, 1)
        parameters.at_least("num_actions", num_actions, 1)
        parameters.require(
            1 <= branching <= num_states,
            "branching",
            branching,
            f"in 1..num_states, with num_states={num_states}",
        )
        parameters.at_least("horizon", horizon, 1)
        parameters.probability("sparsity", sparsity)
        parameters.finite("crowd_aversion", crowd_aversion)
        parameters.at_least("seed", seed, 0)
        parameters.probability("coupling", coupling)
        entries = num_states * num_actions * branching
        sizes.require(horizon, num_states, num_actions, entries=entries)
        self.horizon = horizon
        self.num_actions = num_actions
        self.state_shape = (num_states,)
        self.initial_distribution = np.full((1, num_states), 1 / num_states)
        rng = np.random.Generator(np.random.PCG64(seed))
        pairs = (num_states, num_actions)
        self._successors = _subsets(rng, pairs, branching)
        self._probabilities = _gaps(rng, pairs, branching)
        rewards = rng.random(pairs)
        self._rewards = np.where(rng.random(pairs) < sparsity, rewards, 0.0)
        self._crowd_aversion = crowd_aversion
        self._coupling = coupling
        self.concave_potential = crowd_aversion >= 0 if coupling == 0 else None
        low, high = crowd.aversion_range(crowd_aversion)
        self.reward_range = (low + self._rewards.min(), high + self._rewards.max())

    def transition(self, xp, t, mu, z):
        if self._coupling == 0:
            return self._successors, self._probabilities
        weights = xp.take(mu[0], self._successors) + 1 / self.num_states
        carried = self._probabilities * weights
        carried = carried / xp.sum(carried, axis=-1, keepdims=True)
        law = (1 - self._coupling) * self._probabilities + self._coupling * carried
        return self._successors, law[None]

    def reward(self, xp, t, mu, z):
        crowding = crowd.aversion(xp, mu, self._crowd_aversion)
        return self._rewards + crowding[..., None]

    def potential(self, t, law, z):
        return crowd.aversion_potential(self, t, law, z, self._crowd_aversion)


def _subsets(
    rng: np.random.Generator, pairs: tuple[int, int], count: int
) -> np.ndarray:
    """A uniformly random subset of the states for each pair, int32 [S, A, count]."""
    chosen = np.empty((*pairs, count), np.int32)
    for k in range(count):
        last = pairs[0] - count + k
        picked = (rng.random(pairs) * (last + 1)).astype(np.int32)
        taken = (chosen[..., :k] == picked[..., None]).any(axis=-1)
        chosen[..., k] = np.where(taken, last, picked)
    return chosen


def _gaps(rng: np.random.Generator, pairs: tuple[int, int], count: int) -> np.ndarray:
    """Uniformly random distributions, float64 [S, A, count]."""
    cuts = np.sort(rng.random((*pairs, count - 1)), axis=-1)
    return np.diff(cuts, axis=-1, prepend=0.0, append=1.0)
