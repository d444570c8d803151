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


def transition(d: Dynamics, xp, t, law, z) -> tuple:
    """Where players go between t and t + 1.

    Args:
      d: the game.
      xp: the array module.
      t: time.
      law: [N, S], or [N, S, A] in games with a joint law.
      z: of the common noise's history at t + 1.

    Returns:
      Successors [S, A, K], and probabilities broadcastable to [N, S, A, K]; without
      the axis A, and from the state after the move, in games with moves.

    Raises:
      ValueError: they have other shapes, or the game does with a tensor what only
        arrays take.
    """
    successors, probabilities = _call(d, "transition", xp, t, law, z)
    expected = d.successor_shape
    _require(d, "transition", "successors", t, successors, expected)
    probabilities = xp.asarray(probabilities)
    shape, full = tuple(probabilities.shape), (d.num_populations, *expected)
    if not _broadcastable(shape, full):
        _refuse(d, "transition", f"probabilities that broadcast to {full}", t, shape)
    missing = (1,) * (len(full) - len(shape))
    return successors, xp.reshape(probabilities, (*missing, *shape))


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
        return function(xp, *arguments)
    except Exception as error:
        raise ValueError(f"{method} of {d.short_name}: {_mend(error)}.") from error


def _mend(error: Exception) -> str:
    """What to do where a method ended in an error for tensors."""
    message = " ".join(str(error).split())
    if "as a Python `bool`" in message:
        return "use xp.where, not if, max or min, for conditions on mu"
    if "Iterating over a symbolic" in message:
        return "use functions of whole arrays, not loops over mu"
    if "to a numpy array" in message or "SymbolicTensor" in message:
        return "use xp, not np, for functions of mu"
    return f"no tensor can be taken for mu ({type(error).__name__}: {message[:200]})"


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
