"""The equilibrium of a linear-quadratic game, to be compared with its closed form."""

import numpy as np

from mfg_games.mean_reversion import MeanReversion


def errors_of_symmetric_equilibrium(d: MeanReversion, middle: float) -> np.ndarray:
    """Largest distances of the equilibrium from the closed form: action, variance.

    With a symmetric start the mean stays 0, so one backward and one forward sweep give
    the equilibrium. Actions are compared at positions up to `middle` from 0.
    """
    mu = d.initial_distribution
    successors, (probabilities,) = d.transition(np, 0, mu, None)
    (reward,), (value,) = d.reward(np, 0, mu, None), d.terminal_reward(np, mu, None)
    best = []
    for _ in range(d.horizon):
        q = reward + (probabilities * value[successors]).sum(-1)
        best.insert(0, q.argmax(1))
        value = q.max(1)
    form, states, law, errors = d.closed_form(), np.arange(d.num_states), mu[0], []
    compared = np.abs(d.positions) <= middle
    for t, actions in enumerate(best):
        expected = form.action(t * d.dt, d.positions, 0.0)
        action_error = np.abs(d.actions[actions] - expected)[compared].max()
        weights = probabilities[states, actions] * law[:, None]
        law = np.zeros_like(law)
        np.add.at(law, successors[states, actions], weights)
        variance_error = law @ d.positions**2 - form.variance((t + 1) * d.dt)
        errors.append((action_error, abs(variance_error)))
    return np.max(errors, axis=0)
