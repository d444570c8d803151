"""The types of a game's arrays that the OpenSpiel game forgives and solvers do not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mfg_games.dynamics import Dynamics

_TYPES = {
    "legal_actions": ("bool", np.bool_),
    "moves": ("integer", np.integer),
    "coordinates": ("integer", np.integer),
    "initial_distribution": ("float64", np.float64),
    "the successors of transition": ("integer", np.integer),
}


def wrong_types(dynamics: Dynamics) -> Iterator[tuple[str, str, str]]:
    """What has the wrong type, the type that it needs, and the one that it has."""
    successors, _ = dynamics.initial_transition()
    for name, (words, dtype) in _TYPES.items():
        array = getattr(dynamics, name, successors)
        if array is not None and not np.issubdtype(np.asarray(array).dtype, dtype):
            yield name, words, np.asarray(array).dtype.name


def mend(name: str, words: str) -> str:
    """What to do about it."""
    return f"give {name} the type {words}, which solvers need"


def check_types(dynamics: Dynamics) -> None:
    """Raises a ValueError for the first array of the wrong type."""
    for name, words, found in wrong_types(dynamics):
        raise ValueError(
            f"{dynamics.short_name}: {mend(name, words)}. Received: {found}"
        )
