"""Stationary games by dense matrices and enumeration: slow, and too simple to err."""

from collections.abc import Iterator
import itertools

import numpy as np


def mean_of_powers(kernel: np.ndarray) -> np.ndarray:
    """The mean of all powers of a stochastic matrix, [S, S]."""
    power = (np.eye(len(kernel)) + kernel) / 2  # the same mean, without periods
    for _ in range(40):
        power = power @ power
        power /= power.sum(axis=1, keepdims=True)
    return power


class DenseGame:
    """A `StationaryModel`'s game, from the definitions.

    Args:
      model: the model, of which only game, criterion, discount and time are read.
    """

    def __init__(self, model):
        self.d = model.dynamics
        self.criterion = model.parameters["criterion"]
        self.discount = model.parameters["discount"]
        self.time = model.parameters["time"] or 0

    def step(self, law, policy):
        """Rewards [N, S, A] and kernels [N, S, A, S] against a crowd."""
        d = self.d
        mu = law[..., None] * policy if d.joint_law else law
        rewards = np.broadcast_to(d.reward(np, self.time, mu, None), policy.shape)
        successors, probabilities = d.transition(np, self.time, mu, None)
        shape = (d.num_populations, *successors.shape)
        probabilities = np.broadcast_to(probabilities, shape)
        kernels = np.zeros((*policy.shape, d.num_states))
        for n, x, a in np.ndindex(*policy.shape):
            place = (x, a) if d.moves is None else (d.moves[x, a],)
            for y, p in zip(successors[place], probabilities[n][place], strict=True):
                kernels[n, x, a, y] += p
        return rewards, kernels

    def law(self, policy):
        """Of the crowd, [N, S], followed from the start to its rest."""
        law = self.d.initial_distribution
        for _ in range(10_000):
            _, kernels = self.step(law, policy)
            moved = np.einsum("nx,nxa,nxay->ny", law, policy, kernels)
            if self.criterion == "occupancy":
                moved = (1 - self.discount) * self.d.initial_distribution + (
                    self.discount * moved
                )
            if np.abs(moved - law).max() < 1e-15:
                break
            law = (law + moved) / 2
        return law

    def worth(self, rewards, kernel):
        """What the states of a Markov chain are worth, [S]."""
        if self.criterion == "ergodic":
            return mean_of_powers(kernel) @ rewards
        return np.linalg.solve(np.eye(len(kernel)) - self.discount * kernel, rewards)

    def exploitability(self, policy):
        """What the best of all deterministic policies gains."""
        law = self.law(policy)
        start = self.d.initial_distribution if self.criterion == "occupancy" else law
        gain = 0.0
        for n, (rewards, kernel) in enumerate(
            zip(*self.step(law, policy), strict=True)
        ):
            values = [
                start[n]
                @ self.worth((p * rewards).sum(1), np.einsum("xa,xay->xy", p, kernel))
                for p in [policy[n], *self.deterministic_policies()]
            ]
            gain += max(values[1:]) - values[0]
        return gain

    def deterministic_policies(self) -> Iterator[np.ndarray]:
        """All of them, [S, A]."""
        legal = self.d.legal_mask()
        actions = [np.flatnonzero(row) for row in legal]
        for choice in itertools.product(*actions):
            yield np.eye(legal.shape[1])[list(choice)]
