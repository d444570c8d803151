"""A NashConv that shares nothing with the games but their dynamics' functions."""

from collections.abc import Callable

import numpy as np
import pytest


def dense_kernel(d, t: int, mu: np.ndarray, z) -> np.ndarray:
    """Transition matrices [N, S, A, S] under the distribution mu that `d` takes."""
    successors, probabilities = d.transition(np, t, mu, z)
    shape = (len(mu), *successors.shape)
    targets = np.broadcast_to(successors, shape).reshape(-1, shape[-1])
    kernel = np.zeros((len(targets), d.num_states))
    rows = np.arange(len(targets))[:, None]
    np.add.at(
        kernel,
        (rows, targets),
        np.broadcast_to(probabilities, shape).reshape(targets.shape),
    )
    kernel = kernel.reshape(*shape[:-1], d.num_states)
    return kernel if d.moves is None else kernel[:, d.moves]


class Sweep:
    """Value and best-response value of a policy against the flow that it induces.

    Recursive over the tree of common noise: one call is one history at one time.
    """

    def __init__(self, d, policy: Callable | None = None):
        self.d = d
        self.policy = policy or self.uniform
        self.flow = {}
        self.values, self.best = self.visit(0, 0, d.initial_distribution)

    def uniform(self, t: int, history: int) -> np.ndarray:
        d = self.d
        legal = d.legal_actions
        if legal is None:
            legal = np.ones((d.num_states, d.num_actions))
        return np.tile(legal / legal.sum(1, keepdims=True), (d.num_populations, 1, 1))

    def visit(self, t: int, history: int, mu: np.ndarray):
        """The two values [N, S] at time t, rewards of earlier times left out."""
        d = self.d
        self.flow[t, history] = mu
        z = d.noise_value(t, history)
        if t == d.horizon:
            values = d.discount**t * d.terminal_reward(np, mu, z)
            return values, values
        policy = self.policy(t, history)
        law = mu[..., None] * policy if d.joint_law else mu
        reward = d.discount**t * np.broadcast_to(d.reward(np, t, law, z), policy.shape)
        q, q_best = reward.copy(), reward.copy()
        for outcome in range(d.num_common_outcomes(t)):
            child = history * d.num_common_outcomes(t) + outcome
            weight = (
                d.common_noise.outcome_probabilities[t][outcome]
                if d.common_noise
                else 1.0
            )
            kernel = dense_kernel(d, t, law, d.noise_value(t + 1, child))
            after = np.einsum("ns,nsa,nsay->ny", mu, policy, kernel)
            values, best = self.visit(t + 1, child, after)
            q += weight * np.einsum("nsay,ny->nsa", kernel, values)
            q_best += weight * np.einsum("nsay,ny->nsa", kernel, best)
        if d.legal_actions is not None:
            q_best = np.where(d.legal_actions, q_best, -np.inf)
        return (policy * q).sum(-1), q_best.max(-1)

    def nash_conv(self) -> float:
        """Sum over the populations of what a best response gains."""
        return float((self.d.initial_distribution * (self.best - self.values)).sum())


@pytest.fixture
def sweep() -> type[Sweep]:
    """The class `Sweep`: `sweep(dynamics, policy).nash_conv()`."""
    return Sweep


@pytest.fixture
def kernel() -> Callable:
    """The function `dense_kernel`."""
    return dense_kernel
