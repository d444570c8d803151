"""Whether a game's functions mean the same to TensorFlow as to NumPy.

They are written once for both, but the two are not alike in all: `xp.take(table, -1)`
is the last entry to one and the first to the other, and a branch on the type of t or
`xp` is no law of nature. OpenSpiel would then play another game than solvers solve.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import tensorflow as tf

from algorithms.model import tracing
from mfg_games import one_step
from mfg_games.dynamics import Dynamics

_TOLERANCE = 1e-6  # of what is compared, relative to its largest entry


def require_agreement(dynamics: Dynamics, by_number: Collection[str]) -> None:
    """Compares a game's functions at a few times, histories and random laws.

    Args:
      dynamics: the game.
      by_number: names of the functions that are called with numbers for t and z.

    Raises:
      ValueError: they differ.
    """
    rng = np.random.default_rng(0)
    with np.errstate(all="ignore"):  # what is no number is found where it is met
        for method, t, history in _calls(dynamics):
            terminal = method == "terminal_reward"
            law = dynamics.initial_distribution if terminal else dynamics.uniform_law()
            draws = rng.gamma(1.0, size=law.shape) + 1e-3
            law = draws / draws.sum(axis=tuple(range(1, law.ndim)), keepdims=True)
            z = dynamics.noise_value(t + (method == "transition"), history)
            time = () if terminal else (t,)
            expected = getattr(one_step, method)(dynamics, np, *time, law, z)
            if method not in by_number:
                t, z = tf.constant(t), None if z is None else tf.constant(z)
            found = tracing.call(dynamics, method, t, tf.constant(law), z)
            if method == "transition":
                values = rng.random(dynamics.num_states)
                expected, found = (_mean(values, *step) for step in (expected, found))
            _compare(dynamics, method, int(t), np.asarray(expected), np.asarray(found))


def _calls(d: Dynamics) -> Iterator[tuple[str, int, int]]:
    """Methods, times and histories of what they see."""
    for t in sorted({0, 1 % d.horizon, d.horizon - 1}):
        yield "reward", t, d.num_histories(t) - 1
        yield "transition", t, d.num_histories(t + 1) - 1
    yield "terminal_reward", d.horizon, d.num_histories(d.horizon) - 1


def _mean(values: np.ndarray, successors, probabilities) -> np.ndarray:
    """The expectation of values [S] after a step."""
    return (values[np.asarray(successors)] * np.asarray(probabilities)).sum(axis=-1)


def _compare(
    d: Dynamics, method: str, t: int, expected: np.ndarray, found: np.ndarray
) -> None:
    known = np.abs(expected[np.isfinite(expected)])
    scale = max(1.0, known.max(initial=0.0))
    close = np.isclose(found, expected, 0.0, _TOLERANCE * scale, equal_nan=True)
    if not close.all():
        place = tuple(np.argwhere(~close)[0].tolist())
        raise ValueError(
            f"{method} of {d.short_name}: it gives {found[place]} to solvers, for whom "
            f"xp is tensorflow.experimental.numpy, and {expected[place]} to NumPy at "
            f"t={t}, {place}. Use functions that mean the same to both, and no "
            "negative indices."
        )
