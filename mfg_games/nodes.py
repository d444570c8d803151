"""The nodes of the derived OpenSpiel game and their unique strings."""

from __future__ import annotations

import enum
import functools

import numpy as np

from mfg_games.dynamics import CommonNoise, Dynamics


class Node(enum.IntEnum):
    """What a state waits for."""

    START = 0
    DECISION = 1
    JOINT_MEAN_FIELD = 2  # the crowd's law of state and action
    SETTLEMENT = 3
    CHANCE = 4
    MEAN_FIELD = 5
    TERMINAL = 6


class NodeNames:
    """Strings of nodes: different for every node, population, time, history, state."""

    def __init__(self, dynamics: Dynamics):
        self._dynamics = dynamics
        layers = 4 * (dynamics.horizon + 1)
        self.support = functools.lru_cache(maxsize=layers)(self._support)

    @functools.cached_property
    def _states(self) -> list[str]:
        """Names of the states, made when the first is asked for: a million take 1 s."""
        d = self._dynamics
        coordinates = d.state_coordinates().tolist()
        if len(d.state_shape) > 1:
            return [str(tuple(factors)) for factors in coordinates]
        names = d.state_names or range(*d.state_shape)
        return [str(names[x]) for (x,) in coordinates]

    def string(
        self, node: Node, population: int, t: int, history: int, x: int, action: int
    ) -> str:
        """The string of one node; `action` counts between decision and next state."""
        d = self._dynamics
        words = [f"population={population}"] if d.num_populations > 1 else []
        if node == Node.START:
            return " ".join([*words, "start"])
        words += [f"t={t}", f"x={self._states[x]}"]
        if d.num_histories(t) > 1:
            words += _history_words(d.common_noise, t, history)
        if node in (Node.JOINT_MEAN_FIELD, Node.SETTLEMENT, Node.CHANCE):
            words.append(f"action={action}")
        if node != Node.DECISION:
            words.append(node.name.lower().replace("_", " "))
        return " ".join(words)

    def _support(self, node: Node, t: int, history: int) -> list[str]:
        """Strings of all mean field nodes of one history, populations first."""
        d = self._dynamics
        places = [(x, -1) for x in range(d.num_states)]
        if node == Node.JOINT_MEAN_FIELD:
            places = np.argwhere(d.legal_mask()).tolist()
        return [
            self.string(node, population, t, history, x, action)
            for population in range(d.num_populations)
            for x, action in places
        ]


def _history_words(noise: CommonNoise, t: int, history: int) -> list[str]:
    """The initial law and the outcomes of a history, as far as there are several."""
    words = []
    if noise.num_roots > 1:
        words.append(f"law={noise.root(t, history)}")
    path = noise.outcomes(t, history)
    if path:
        words.append("noise=" + ".".join(map(str, path)))
    return words
