"""One player's decision problem in an enumerated game, as tables over its rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pyspiel import StateType
import scipy.sparse

from algorithms.model.enumeration import Layer


class Tables(NamedTuple):
    """`Steps` in NumPy, float64."""

    successors: np.ndarray
    probabilities: np.ndarray
    rewards: np.ndarray


def enumerated_steps(layers: list[Layer], num_nodes: int, num_actions: int) -> Tables:
    """`MeanFieldModel.steps` of a game as it was met under one flow.

    Backwards through the layers: the law of each node's next decision node, a sparse
    row over the D decision nodes and the end, and what is paid until there. What
    cannot be reached or is illegal leads to the end and pays nothing.
    """
    rewards = np.zeros((num_nodes, num_actions))
    places, laws = [], []  # of decisions, row * A + action
    law = _units(np.full(len(layers[-1].names), num_nodes), num_nodes + 1)
    paid = layers[-1].rewards
    for layer in reversed(layers[:-1]):
        edges = layer.edges
        if layer.kind == StateType.DECISION:
            rows = layer.rows[edges.sources]
            rewards[rows, edges.labels] = (
                layer.rewards[edges.sources] + paid[edges.targets]
            )
            places.append(rows * num_actions + edges.labels)
            laws.append(law[edges.targets])
            law = _units(layer.rows, num_nodes + 1)
            paid = np.zeros(len(layer.rows))
        else:
            step = scipy.sparse.csr_array(
                (edges.probabilities, (edges.sources, edges.targets)),
                shape=(len(layer.names), law.shape[0]),
            )
            law, paid = step @ law, layer.rewards + step @ paid
    successors, probabilities = _dense(
        np.concatenate(places), scipy.sparse.vstack(laws), num_nodes * num_actions
    )
    shape = (num_nodes, num_actions, -1)
    return Tables(successors.reshape(shape), probabilities.reshape(shape), rewards)


def _units(columns: np.ndarray, width: int) -> scipy.sparse.csr_array:
    """Rows with a one in the given columns each."""
    places = (np.arange(len(columns)), columns)
    return scipy.sparse.csr_array(
        (np.ones(len(columns)), places), shape=(len(columns), width)
    )


def _dense(
    places: np.ndarray, laws: scipy.sparse.csr_array, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Columns and entries of sparse rows at their places, [size, K] each."""
    laws = laws.tocsr()
    counts = np.diff(laws.indptr)
    end = laws.shape[1] - 1
    successors = np.full((size, counts.max()), end, np.int32)
    probabilities = np.zeros(successors.shape)
    probabilities[:, 0] = 1.0
    where = (
        np.repeat(places, counts),
        np.arange(laws.nnz) - np.repeat(laws.indptr[:-1], counts),
    )
    successors[where] = laws.indices
    probabilities[where] = laws.data
    return successors, probabilities
