"""Checks of the observation tensor."""

from __future__ import annotations

import numpy as np
import pyspiel

from mfg_games.conformance.report import NotApplicableError
from mfg_games.conformance.subject import Findings, Subject
from mfg_games.conformance.walk import Node


def observation_size(subject: Subject) -> Findings:
    """Tensors are finite and always of the size that the game says."""
    size = subject.game.observation_tensor_size()
    for node in _decisions(subject):
        tensor = _tensor(node.state)
        if tensor.shape != (size,) or not np.isfinite(tensor).all():
            yield (
                f"{size} finite numbers observed at {node.string!r}",
                f"{tensor.tolist()}",
                "the observer does not fill a tensor of fixed size",
            )


def observation_distinct(subject: Subject) -> Findings:
    """Different decision strings look different wherever there is a choice.

    Where a single action is legal nothing hangs on what the player sees.
    """
    seen = {}
    for node in _decisions(subject):
        if len(node.state.legal_actions()) > 1:
            other = seen.setdefault(_tensor(node.state).tobytes(), node.string)
            if other != node.string:
                yield (
                    "different tensors for different decision strings",
                    f"the same one for {other!r} and {node.string!r}",
                    "the population, a factor of the state, the time or the common "
                    "noise is missing in the tensor",
                )


def observation_by_string(subject: Subject) -> Findings:
    """Two histories with one string look alike."""
    for node in _decisions(subject):
        tensors = [_tensor(arrival.state) for arrival in node.arrivals]
        for arrival, tensor in zip(node.arrivals[1:], tensors[1:], strict=True):
            if not np.array_equal(tensors[0], tensor, equal_nan=True):
                yield (
                    f"one tensor for the string {node.string!r}",
                    f"{tensors[0].tolist()} after the moves {node.arrivals[0]}; "
                    f"{tensor.tolist()} after {arrival}",
                    "the tensor shows something that the string does not",
                )
                break


def _tensor(state: pyspiel.State) -> np.ndarray:
    return np.array(state.observation_tensor(max(state.current_player(), 0)))


def _decisions(subject: Subject) -> list[Node]:
    if not subject.game.get_type().provides_observation_tensor:
        raise NotApplicableError("the game provides no observation tensor")
    nodes = list(subject.walk.nodes(pyspiel.StateType.DECISION))
    if not nodes:
        raise NotApplicableError("the walk met no decision node")
    return nodes
