"""What a game's functions say of one step, in the shapes that all readers rely on.

The OpenSpiel game, the compiled sweeps, sampled worlds, finite populations and
stationary problems call a game's functions here and nowhere else; `xp` is `numpy`, or
`tensorflow.experimental.numpy` within a compiled function.

Whatever goes wrong there is a `ValueError` of one sentence that names the method, the
game, what was wrong and how to mend it.

Shapes: N populations, S states, A actions, K outcomes of the individual noise.
"""

from __future__ import annotations

import numpy as np

from mfg_games.dynamics import Dynamics
from mfg_games.mends import mend


def transition(d: Dynamics, xp, t, law, z) -> tuple:
    """Where players go between t and t + 1.

    Args:
      d: the game.
      xp: the array module.
      t: time.
      law: [N, S], or [N, S, A] in games with a joint law.
      z: of the common noise's history at t + 1.

    Returns:
      Successors [S, A, K], and probabilities broadcastable to [N, S, A, K], with all K
      outcomes; without the axis A, and from the state after the move, in games with
      moves.

    Raises:
      ValueError: they have other shapes, or the game does with a tensor what only
        arrays take.
    """
    successors, probabilities = _call(d, "transition", xp, t, law, z)
    expected = d.successor_shape
    _require(d, "transition", "successors", t, successors, expected)
    probabilities = xp.asarray(probabilities)
    shape, full = tuple(probabilities.shape), (d.num_populations, *expected)
    if shape == full:
        return successors, probabilities
    if not _broadcastable(shape, full):
        _refuse(d, "transition", f"probabilities that broadcast to {full}", t, shape)
    missing = (1,) * (len(full) - len(shape))
    if missing:
        probabilities = xp.reshape(probabilities, (*missing, *shape))
    if probabilities.shape[-1] != full[-1]:  # sums need all outcomes
        all_outcomes = (*probabilities.shape[:-1], full[-1])
        probabilities = xp.broadcast_to(probabilities, all_outcomes)
    return successors, probabilities


def reward(d: Dynamics, xp, t, law, z):
    """Rewards at t, not discounted, [N, S, A], or [N, S, 1] if no action matters.

    Raises:
      ValueError: as for `transition`.
    """
    rewards = xp.asarray(_call(d, "reward", xp, t, law, z))
    _require(d, "reward", "rewards", t, rewards, d.reward_shape)
    return rewards


def terminal_reward(d: Dynamics, xp, mu, z):
    """Rewards at the horizon, not discounted, [N, S].

    Raises:
      ValueError: as for `transition`.
    """
    rewards = xp.asarray(_call(d, "terminal_reward", xp, mu, z))
    shape = (d.num_populations, d.num_states)
    _require(d, "terminal_reward", "rewards", d.horizon, rewards, shape)
    return rewards


def _call(d: Dynamics, method: str, xp, *arguments):
    """What a method of a game returns."""
    function = getattr(d, method)
    if xp is np:
        return function(xp, *arguments)
    try:
        returned = function(xp, *arguments)
    except Exception as error:
        raise ValueError(
            f"{method} of {d.short_name}: {mend(error, function)}."
        ) from error
    for array in returned if isinstance(returned, tuple) else (returned,):
        kind = getattr(getattr(array, "dtype", None), "name", "")
        if kind in ("float32", "float16"):
            raise ValueError(
                f"{method} of {d.short_name}: use float64, not {kind}, in {method}."
            )
    return returned


def _require(d, method: str, what: str, t, array, shape: tuple[int, ...]) -> None:
    if tuple(array.shape) != shape:
        _refuse(d, method, f"{what} of the shape {shape}", t, tuple(array.shape))


def _refuse(d: Dynamics, method: str, expected: str, t, found: tuple) -> None:
    when = f" at t={t}" if isinstance(t, int) else ""
    raise ValueError(
        f"{method} of {d.short_name}: must return {expected}, as at t=0. "
        f"Received: {found}{when}"
    )


def _broadcastable(shape: tuple[int, ...], full: tuple[int, ...]) -> bool:
    """Whether arrays of one shape can be broadcast to another one."""
    last = full[len(full) - len(shape) :]
    return len(shape) <= len(full) and all(
        size in (1, wanted) for size, wanted in zip(shape, last, strict=True)
    )
