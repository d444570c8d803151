"""Transitions that no crowd changes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from algorithms.model import MeanFieldModel

_PROBES = 2  # random crowds that try whether transitions depend on them
_ROUNDING = 1e-7  # difference of two probabilities that counts as none


class Kernel(NamedTuple):
    """A single player's transitions, as in `algorithms.model.base.Steps`.

    Attributes:
      start: float64 [D], mass of the nodes at which the game begins.
      successors: int [D, A, K], rows; D is the end.
      probabilities: float64 [D, A, K], 0 for illegal actions.
      legal: bool [D, A].
    """

    start: np.ndarray
    successors: np.ndarray
    probabilities: np.ndarray
    legal: np.ndarray


def fixed_kernel(model: MeanFieldModel) -> Kernel:
    """The transitions of a game in which they do not depend on the crowd.

    Raises:
      ValueError: they, or the nodes, are seen to change from one crowd to another.
    """
    legal = model.legal_actions.numpy()
    draws = np.random.default_rng(0).random((_PROBES, *legal.shape))
    chosen = np.argmax(np.where(legal, draws, -1.0), axis=-1)
    if model.node_names():
        raise _moves(model)
    kernel = _kernel(model, model.uniform_policy(), legal)
    for actions in chosen:
        crowd = model.as_tensor(np.eye(legal.shape[1])[actions])
        if not _alike(kernel, _kernel(model, crowd, legal)):
            raise _moves(model)
    return kernel


def _moves(model: MeanFieldModel) -> ValueError:
    return ValueError(
        "`game` must have transitions that do not depend on the crowd: only then its "
        f"flows are a polytope. Received: game=`{model.game}`"
    )


def _kernel(model: MeanFieldModel, policy: tf.Tensor, legal: np.ndarray) -> Kernel:
    """The transitions that a player meets in the crowd that plays a policy."""
    steps = model.compiled_steps(model.compiled_distribution(policy))
    first = model.start()
    start = np.zeros(len(legal))
    start[first.rows.numpy()] = first.probabilities.numpy()
    possible = np.where(legal[..., None], steps.probabilities.numpy(), 0.0)
    return Kernel(start, steps.successors.numpy(), possible, legal)


def _alike(first: Kernel, other: Kernel) -> bool:
    if first.probabilities.shape != other.probabilities.shape:
        return False
    moved = (first.successors != other.successors) & (other.probabilities > 0)
    difference = np.abs(first.probabilities - other.probabilities).max()
    return not moved.any() and difference <= _ROUNDING
