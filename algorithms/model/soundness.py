"""Whether what a game and a policy lead to are laws, and where they are not."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from mfg_games.mean_field import MeanField
from mfg_games.nodes import Node
from mfg_games.openspiel_game import MeanFieldGame

# By how much the sum of a law's probabilities may miss one. Masses may miss it by as
# much in each step.
LAW_TOLERANCE = {tf.float64: 1e-9, tf.float32: 1e-5}


def are_laws(probabilities: np.ndarray | tf.Tensor) -> np.ndarray | tf.Tensor:
    """Whether the last axis, [..., K], holds distributions, bool [...].

    In NumPy for an array, once, and in each sweep for a tensor.
    """
    xp = tnp if tf.is_tensor(probabilities) else np
    sums = xp.sum(probabilities, axis=-1)
    signs = xp.all(probabilities >= 0, axis=-1)
    return signs & (abs(sums - 1) <= LAW_TOLERANCE[tf.float64])


def fault(game: MeanFieldGame, t: int, history: int, law: np.ndarray) -> str | None:
    """What is wrong with one step of a game, in one sentence; None for nothing.

    Args:
      game: a game registered by `mfg_games.register`.
      t: the time; the horizon for the terminal rewards.
      history: of the common noise.
      law: float64 [N, S] or [N, S, A], what the game's functions depend on.
    """
    with np.errstate(all="ignore"):
        return _fault(game, t, history, MeanField(game.dynamics, t, history, law))


def _fault(game: MeanFieldGame, t: int, history: int, field: MeanField) -> str | None:
    if t == game.dynamics.horizon:
        return _reward_fault(game, t, history, field.terminal_rewards[..., None])
    found = _reward_fault(game, t, history, field.rewards)
    for outcome in range(game.dynamics.num_common_outcomes(t)):
        found = found or _law_fault(game, t, history, *field.transition(outcome))
    return found


def _reward_fault(
    game: MeanFieldGame, t: int, history: int, rewards: np.ndarray
) -> str | None:
    wrong = ~np.isfinite(rewards)
    if not wrong.any():
        return None
    population, x, action = (int(i) for i in np.argwhere(wrong)[0])
    d = game.dynamics
    name = "reward" if t < d.horizon else "terminal_reward"
    place = _place(game, population, t, history, x)
    if rewards.shape[-1] > 1:
        place += f", action {d.action_name(action)}"
    return f"`{game}`: `{name}` is {rewards[population, x, action]} at {place}"


def _law_fault(
    game: MeanFieldGame,
    t: int,
    history: int,
    successors: np.ndarray,
    probabilities: np.ndarray,
) -> str | None:
    d = game.dynamics
    shape = (d.num_populations, *np.shape(successors))
    rows = np.broadcast_to(np.asarray(probabilities, np.float64), shape)
    wrong = ~are_laws(rows)
    if not wrong.any():
        return None
    population, x, *action = (int(i) for i in np.argwhere(wrong)[0])
    place = _place(game, population, t, history, x)
    place += f", action {d.action_name(action[0])}" if action else " after the move"
    row = rows[(population, x, *action)]
    sums = f"probabilities that sum to {row.sum()}"
    what = sums if row.min() >= 0 else f"a probability of {row.min()}"
    return f"`{game}`: `transition` gives {what} at {place}"


def _place(game: MeanFieldGame, population: int, t: int, history: int, x: int) -> str:
    node = Node.DECISION if t < game.dynamics.horizon else Node.TERMINAL
    return game.names.string(node, population, t, history, x, -1)
