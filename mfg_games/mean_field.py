"""One distribution of the population at one node of the noise tree, and what follows.

The states of the OpenSpiel game share these objects: rewards and transitions under a
distribution are computed once for all states, on first use.
"""

from __future__ import annotations

import functools

import numpy as np

from mfg_games import one_step
from mfg_games.dynamics import Dynamics

_MASS_TOLERANCE = 1e-4  # what OpenSpiel's own distributions are held to


class MeanField:
    """The distribution at time t on one history of the common noise.

    Immutable: copies of a state share it, which makes cloning cheap.

    Attributes:
      law: the distribution of states, [N, S], or the joint law of states and actions,
        [N, S, A].
    """

    def __init__(self, dynamics: Dynamics, t: int, history: int, law: np.ndarray):
        self._dynamics = dynamics
        self._t = t
        self._history = history
        self._transitions = {}
        self.law = law

    def __deepcopy__(self, memo) -> MeanField:
        return self

    def __reduce__(self):
        return (MeanField, (self._dynamics, self._t, self._history, self.law))

    @functools.cached_property
    def mu(self) -> np.ndarray:
        """The distribution of states, [N, S]."""
        return self.law if self.law.ndim == 2 else self.law.sum(axis=-1)

    @functools.cached_property
    def rewards(self) -> np.ndarray:
        """Discounted rewards of every state and action, [N, S, A or 1]."""
        z = self._dynamics.noise_value(self._t, self._history)
        reward = one_step.reward(self._dynamics, np, self._t, self.law, z)
        return self._dynamics.discounts[self._t] * reward

    @functools.cached_property
    def terminal_rewards(self) -> np.ndarray:
        """Discounted terminal rewards of every state, [N, S]."""
        z = self._dynamics.noise_value(self._t, self._history)
        reward = one_step.terminal_reward(self._dynamics, np, self.mu, z)
        return self._dynamics.discounts[self._t] * reward

    def transition(self, common_outcome: int) -> tuple[np.ndarray, np.ndarray]:
        """Where players go when the common noise draws an outcome.

        Returns:
          Successors [S, A, K], with `moves` [S, K] from the state after the move, and
          their probabilities with the axis N in front.
        """
        if common_outcome not in self._transitions:
            d = self._dynamics
            child = d.next_history(self._t, self._history, common_outcome)
            z = d.noise_value(self._t + 1, child)
            successors, probabilities = one_step.transition(d, np, self._t, self.law, z)
            shape = (d.num_populations, *successors.shape)
            step = successors, np.broadcast_to(probabilities, shape)
            self._transitions[common_outcome] = step
        return self._transitions[common_outcome]

    def individual_noise(
        self, common_outcome: int, population: int, x: int, action: int | slice
    ) -> tuple[np.ndarray, np.ndarray]:
        """Successors and probabilities of an action, [K]; of a slice of them [A, K]."""
        successors, probabilities = self.transition(common_outcome)
        moves = self._dynamics.moves
        source = (x, action) if moves is None else (moves[x, action],)
        return successors[source], probabilities[(population, *source)]


class MeanFields:
    """Makes mean fields, handing out the same object for equal distributions."""

    def __init__(self, dynamics: Dynamics):
        self._dynamics = dynamics
        self._cached = functools.lru_cache(maxsize=4 * (dynamics.horizon + 1))(
            self._make
        )

    def at(self, t: int, history: int, law: np.ndarray) -> MeanField:
        """The mean field of a law, [N, S] or [N, S, A]."""
        return self._cached(t, history, law.shape, np.ascontiguousarray(law).tobytes())

    def _make(
        self, t: int, history: int, shape: tuple[int, ...], law: bytes
    ) -> MeanField:
        array = np.frombuffer(law, np.float64).reshape(shape)
        return MeanField(self._dynamics, t, history, array)


def normalised(
    d: Dynamics, t: int, history: int, distribution: list[float]
) -> np.ndarray:
    """The distribution [N, S] made of the masses [N * S] registered at one history.

    Raises:
      ValueError: wrong length, a negative or infinite mass, or a wrong sum.
    """
    return _shares(d, t, history, distribution, d.num_states)


def normalised_joint(
    d: Dynamics, t: int, history: int, distribution: list[float]
) -> np.ndarray:
    """The same for the joint law [N, S, A], from the masses of the legal pairs.

    Raises:
      ValueError: as for `normalised`.
    """
    legal = d.legal_mask()
    law = np.zeros((d.num_populations, *legal.shape))
    law[:, legal] = _shares(d, t, history, distribution, int(legal.sum()))
    return law


def _shares(
    d: Dynamics, t: int, history: int, distribution: list[float], size: int
) -> np.ndarray:
    """Masses as shares of each population, [N, size].

    Each population's masses sum to the probability of the history, as in OpenSpiel's
    `DistributionPolicy`, or to 1. OpenSpiel's random simulation spreads one unit over
    all populations, which is taken too.
    """
    n = d.num_populations
    mass = np.asarray(distribution, np.float64)
    if mass.shape != (n * size,):
        raise ValueError(
            f"A distribution needs one mass for each of the {n * size} strings of "
            f"distribution_support(). Received: {mass.size}"
        )
    if not np.isfinite(mass).all() or mass.min() < 0:
        raise ValueError("A distribution needs finite masses that are not negative.")
    totals = mass.reshape(n, size).sum(axis=1)
    probability = float(d.history_probabilities(t)[history])
    accepted = (
        np.allclose(totals, probability, rtol=_MASS_TOLERANCE, atol=0.0),
        np.allclose(totals, 1.0, rtol=_MASS_TOLERANCE, atol=0.0),
        np.isclose(totals.sum(), 1.0, rtol=_MASS_TOLERANCE, atol=0.0),
    )
    if totals.min() <= 0 or not any(accepted):
        raise ValueError(
            f"The masses of each of the {n} populations must sum to {probability} (the "
            f"probability of the noise history) or to 1. Received: {totals.tolist()}"
        )
    return mass.reshape(n, size) / totals[:, None]
