"""A game's functions as TensorFlow takes them: with time, crowd and noise as tensors.

The sweeps call `transition`, `reward` and `terminal_reward` with tensors for t, mu and
z. A game may use t and z as Python's or NumPy's numbers all the same (`if t < 1`,
`table[t]`): it is then called once for each time and noise history. But mu is known
when the sweep runs, not before: what a game makes of it, it must make through `xp`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from mfg_games import one_step
from mfg_games.dynamics import Dynamics

# Beyond, compilation takes minutes and grows with the square of their number.
_MOST_STEPS = 500

# Operations that read the shape of their input alone.
_SHAPES_ONLY = ("OnesLike", "ZerosLike", "Shape", "Size", "Rank")

METHODS = ("transition", "reward", "terminal_reward")


def call(dynamics: Dynamics, method: str, t, *arguments):
    """What a method of a game returns for tensors, checked by `one_step`.

    Args:
      dynamics: the game.
      method: one of `METHODS`.
      t: time, a number or an integer tensor.
      *arguments: what the method takes besides, mu and z.

    Raises:
      ValueError: the game does with tensors what only arrays take.
    """
    time = () if method == "terminal_reward" else (t,)
    return getattr(one_step, method)(dynamics, tnp, *time, *arguments)


def needs_numbers(dynamics: Dynamics, method: str) -> bool:
    """Whether a method must be called with numbers for t and z, not with tensors.

    Args:
      dynamics: the game.
      method: one of `METHODS`.

    Raises:
      ValueError: the method takes no tensor for mu either, or the game has too many
        times and noise histories to call it for each of them.
    """
    if not _fails(dynamics, method, ("t", "mu", "z")):
        return False
    error = _fails(dynamics, method, ("mu",))
    if error:
        raise error
    later = method == "transition"
    steps = sum(dynamics.num_histories(t + later) for t in range(dynamics.horizon))
    if steps > _MOST_STEPS and method != "terminal_reward":
        raise ValueError(
            f"{method} of {dynamics.short_name}: use xp.take and xp.where, not if, for "
            f"functions of t and z: they are no numbers in games of more than "
            f"{_MOST_STEPS} times and noise histories. Received: {steps}"
        )
    return True


def trace(
    dynamics: Dynamics,
    method: str,
    tensors: Sequence[str] = ("t", "mu", "z"),
    t: int = 0,
    history: int = 0,
) -> tuple[object, Callable[[object], bool]]:
    """What a method returns if some of its arguments are tensors.

    Args:
      dynamics: the game.
      method: one of `METHODS`.
      tensors: the names of those arguments; the others are numbers and arrays.
      t: the time of what is no tensor; `terminal_reward` is told none.
      history: of the common noise whose z the method sees, likewise.

    Returns:
      What it returns, which is symbolic where a tensor matters; and a function that
      tells whether mu matters for a part of it.

    Raises:
      ValueError: as for `call`.
    """
    results, crowds = [], []
    example = _example(dynamics, method, t, history)

    def traced(arguments):
        given = {**example, **arguments}
        results.append(call(dynamics, method, *given.values()))
        crowds.append(arguments.get("mu"))

    specs = {
        name: tf.TensorSpec(np.shape(example[name]), tf.as_dtype(_dtype(example[name])))
        for name in tensors
        if example[name] is not None
    }
    tf.function(traced, autograph=False).get_concrete_function(specs)
    return results[0], lambda part: _leads_to(part, crowds[0])


def crowd_moves(dynamics: Dynamics) -> bool:
    """Whether where players go depends on the crowd.

    Raises:
      ValueError: as for `needs_numbers`.
    """
    if not needs_numbers(dynamics, "transition"):
        step, crowd_matters = trace(dynamics, "transition")
        return any(map(crowd_matters, step))
    steps = (
        trace(dynamics, "transition", ("mu",), t, history)
        for t in range(dynamics.horizon)
        for history in range(dynamics.num_histories(t + 1))
    )
    return any(crowd_matters(part) for step, crowd_matters in steps for part in step)


def _fails(
    dynamics: Dynamics, method: str, tensors: Sequence[str]
) -> ValueError | None:
    try:
        trace(dynamics, method, tensors)
    except ValueError as error:
        return error
    return None


def _example(d: Dynamics, method: str, t: int, history: int) -> dict[str, object]:
    """Arguments of a method, under the uniform policy's first law."""
    if method == "terminal_reward":
        t, mu, seen = d.horizon, d.initial_distribution, d.horizon
    else:
        mu, seen = d.uniform_law(), t + (method == "transition")
    return {"t": t, "mu": mu, "z": d.noise_value(seen, history)}


def _dtype(value) -> np.dtype:
    return np.dtype(np.int32) if isinstance(value, int) else np.asarray(value).dtype


def _leads_to(result, source: tf.Tensor) -> bool:
    """Whether a tensor was computed from another one of its graph."""
    if not tf.is_tensor(result) or source is None:
        return False
    seen, waiting = set(), [result]
    while waiting:
        tensor = waiting.pop()
        if tensor is source:
            return True
        if tensor.op.name not in seen and tensor.op.type not in _SHAPES_ONLY:
            seen.add(tensor.op.name)
            waiting.extend(tensor.op.inputs)
    return False
