"""Which states can be sure to reach others, and by which actions.

Shapes: S states, A actions.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph


def sure_ways(
    transitions: sparse.csr_array, legal: np.ndarray, goal: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """States from which some policy reaches the goal with probability one.

    From all that may reach the goal, those whose every action might leave them are
    taken out, until nothing changes (Baier and Katoen 2008, "Principles of Model
    Checking", section 10.6.1).

    Args:
      transitions: [A * S, S]; row a S + x is where a leads from x.
      legal: bool [A, S].
      goal: bool [S].

    Returns:
      Where that is so, bool [S], and the action that does it, int [S], which is without
      meaning elsewhere and in the goal.
    """
    entries = transitions.tocoo()
    possible = entries.data > 0
    rows, after = entries.row[possible], entries.col[possible]
    chances = entries.data[possible]
    sure = np.ones_like(goal)
    allowed = legal.ravel()
    while True:
        kept = allowed[rows]
        rows, after, chances = rows[kept], after[kept], chances[kept]
        found, actions = _ways(rows, after, chances, goal)
        if (found == sure).all():
            return sure, actions
        sure = found
        leaving = np.zeros_like(allowed)
        leaving[rows[~sure[after]]] = True
        allowed = allowed & ~leaving


def _ways(
    rows: np.ndarray, after: np.ndarray, chances: np.ndarray, goal: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """States that may reach the goal, bool [S], and actions that come nearer, int [S].

    Args:
      rows: of the transitions, which are possible.
      after: where they lead.
      chances: how likely.
      goal: bool [S].
    """
    size = len(goal)
    before = rows % size
    # Breadth first against the transitions, from one more state that all goals lead to.
    inside = np.flatnonzero(goal)
    tails = np.append(after, np.full(len(inside), size))
    heads = np.append(before, inside)
    graph = sparse.csr_array(
        (np.ones(len(tails)), (tails, heads)), shape=(size + 1, size + 1)
    )
    order, nearer = csgraph.breadth_first_order(graph, size)
    found = np.zeros(size + 1, bool)
    found[order] = True
    steps = nearer[before] == after
    likeliest = np.argsort(chances[steps], kind="stable")
    actions = np.zeros(size, int)
    actions[before[steps][likeliest]] = rows[steps][likeliest] // size
    return found[:size], actions
