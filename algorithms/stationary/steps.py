"""The steps of a game, and whether they are alike at all times.

Shapes: N populations, S states, A actions, K outcomes of the individual noise.
"""

from __future__ import annotations

import numpy as np
import pyspiel

from algorithms.model import tracing
from mfg_games import one_step, parameters
from mfg_games.dynamics import Dynamics
from mfg_games.mean_field import MeanField
from mfg_games.openspiel_game import MeanFieldGame


def repeatable(game: pyspiel.Game) -> Dynamics:
    """The dynamics of a game whose steps need no history.

    Raises:
      ValueError: it is not one of `mfg_games`, or has common noise or several initial
        laws.
    """
    if not isinstance(game, MeanFieldGame):
        raise ValueError(f"`{game}` is not a game of `mfg_games`.")
    if game.dynamics.common_noise:
        raise ValueError(
            "A stationary game has no common noise and one initial law. "
            f"Received: `{game}`"
        )
    return game.dynamics


def discount_of(criterion: str, discount: float | None, dynamics: Dynamics) -> float:
    """The discount of a criterion, by default the game's own; 1 for an average.

    Raises:
      ValueError: it is out of range.
    """
    if criterion == "ergodic":
        allowed = "None with criterion='ergodic'"
        parameters.require(discount is None, "discount", discount, allowed)
        return 1.0
    discount = dynamics.discount if discount is None else discount
    allowed = f"above 0 and below 1 with criterion={criterion!r}"
    parameters.require(0 < discount < 1, "discount", discount, allowed)
    return discount


def time_of(dynamics: Dynamics, time: int | None) -> int:
    """The time of the step to repeat; None asks for any, if all are alike.

    Raises:
      ValueError: they are not, or the time is out of range.
    """
    if time is not None:
        allowed = f"None or in 0..{dynamics.horizon - 1}"
        parameters.require(0 <= time < dynamics.horizon, "time", time, allowed)
        return time
    for mu in probes(dynamics):
        first = _arrays(dynamics, 0, mu)
        for t in range(1, dynamics.horizon):
            if not equal(_arrays(dynamics, t, mu), first):
                raise ValueError(
                    f"The steps of {type(dynamics).__name__} depend on the time: t=0 "
                    f"and t={t} differ. Choose a `time` whose step is repeated."
                )
    return 0


def probes(dynamics: Dynamics) -> list[np.ndarray]:
    """A few laws, in the shape that the game's functions take."""
    rng = np.random.default_rng(0)
    first = dynamics.uniform_law()
    draws = [rng.gamma(shape, size=first.shape) + 1e-9 for shape in (1.0, 0.1)]
    sums = [d.sum(axis=tuple(range(1, d.ndim)), keepdims=True) for d in draws]
    return [first, *(d / s for d, s in zip(draws, sums, strict=True))]


def landings(
    dynamics: Dynamics, time: int, mu: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Successors [S, A, K] and probabilities [N, S, A, K], the move included."""
    successors, probabilities = MeanField(dynamics, time, 0, mu).transition(0)
    if dynamics.moves is None:
        return successors, probabilities
    return successors[dynamics.moves], probabilities[:, dynamics.moves]


def dynamics_lean(dynamics: Dynamics, time: int) -> bool:
    """Whether the step of a time depends on the crowd, or may do so."""
    try:
        step, crowd_matters = tracing.trace(dynamics, "transition", ("mu",), time)
    except ValueError:  # it takes no tensors, and NumPy's functions tell nothing
        return True
    return any(map(crowd_matters, step))


def _arrays(dynamics: Dynamics, time: int, mu: np.ndarray) -> tuple[np.ndarray, ...]:
    reward = one_step.reward(dynamics, np, time, mu, None)
    return *one_step.transition(dynamics, np, time, mu, None), reward


def equal(arrays: tuple[np.ndarray, ...], others: tuple[np.ndarray, ...]) -> bool:
    """Whether all arrays are equal to the others."""
    return all(map(np.array_equal, arrays, others))
