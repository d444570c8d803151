"""How often a device draws each of the distributions that are known.

Given T distributions nu over P policies and what the policies are paid in the crowd of
each, the probabilities rho with the least gap against deviations to one of the policies
are those of a linear program (the compression of Muller et al. 2021, section 5): with
regrets R(g, p, t) of not playing p, for groups g of players who hear the same,

    min over rho, e of sum_g e_g    such that    sum_t rho_t R(g, p, t) <= e_g.

A vertex of its solutions has few rho above zero.
"""

from __future__ import annotations

import numpy as np
from scipy import optimize

from algorithms.correlated.device import COARSE

GAP, WELFARE, UNIFORM = OBJECTIVES = ("gap", "welfare", "uniform")

_PRECISION = {
    "primal_feasibility_tolerance": 1e-10,  # the least that HiGHS takes
    "dual_feasibility_tolerance": 1e-10,
}
_SLACK = 1e-9  # of the gap, that a linear program needs to find anything
_NONE = 1e-9  # probability that counts as none


def best_weights(
    nus: np.ndarray, payoffs: np.ndarray, equilibrium: str, objective: str
) -> np.ndarray:
    """Probabilities of distributions over policies.

    Args:
      nus: [T, P].
      payoffs: [T, P], what each policy is paid in each crowd.
      equilibrium: "coarse", whose players all hear the same, or "correlated".
      objective: "gap" for the least gap; "welfare" for the highest welfare at which
        the gap is the least one, or at most 0; "uniform" for equal probabilities.

    Returns:
      [T], summing to one.
    """
    if objective == UNIFORM:
        return np.full(len(nus), 1 / len(nus))
    scale = np.ptp(payoffs) or 1.0
    regrets = _regrets(nus, payoffs, equilibrium) / scale
    groups, policies, size = regrets.shape
    gap = np.append(np.zeros(size), np.ones(groups))
    bounds = np.repeat(np.eye(groups), policies, axis=0)
    rows = np.hstack([regrets.reshape(-1, size), -bounds])
    limits = np.zeros(len(rows))
    found = _least(gap, rows, limits, size)
    if objective == WELFARE:
        limits = np.append(limits, max(gap @ found, 0.0) + _SLACK)
        earned = (nus * payoffs).sum(axis=1) / scale
        costs = np.append(-earned, np.zeros(groups))
        found = _least(costs, np.vstack([rows, gap]), limits, size)
    weights = np.where(found[:size] > _NONE, found[:size], 0.0)
    return weights / weights.sum()


def _regrets(nus: np.ndarray, payoffs: np.ndarray, equilibrium: str) -> np.ndarray:
    """What a policy is paid more than what is played instead, [groups, P, T]."""
    if equilibrium == COARSE:
        earned = (nus * payoffs).sum(axis=1)
        return (payoffs - earned[:, None]).T[None]
    heard = np.flatnonzero(nus.any(axis=0))
    gains = payoffs[:, None, :] - payoffs[:, heard, None]
    return np.moveaxis(nus[:, heard, None] * gains, 0, -1)


def _least(
    costs: np.ndarray, rows: np.ndarray, limits: np.ndarray, size: int
) -> np.ndarray:
    """The least costs where rows @ x <= limits and the first x are probabilities."""
    drawn = np.arange(len(costs)) < size
    found = optimize.linprog(
        costs,
        A_ub=rows,
        b_ub=limits,
        A_eq=drawn[None].astype(float),
        b_eq=[1.0],
        bounds=[(0, None) if one else (None, None) for one in drawn],
        method="highs-ds",
        options=_PRECISION,
    )
    if found.status:
        raise FloatingPointError(f"No weights of the device: {found.message}")
    return found.x
