"""The nodes of the derived OpenSpiel game and their unique strings."""

from __future__ import annotations

import enum
import functools

from mfg_games.dynamics import Dynamics


class Node(enum.IntEnum):
    """What a state waits for."""

    START = 0
    DECISION = 1
    SETTLEMENT = 2
    CHANCE = 3
    MEAN_FIELD = 4
    TERMINAL = 5


class NodeNames:
    """Strings of nodes: different for every node, population, time, history, state."""

    def __init__(self, dynamics: Dynamics):
        self._dynamics = dynamics
        coordinates = dynamics.state_coordinates().tolist()
        if dynamics.state_names:
            self._states = [dynamics.state_names[x] for (x,) in coordinates]
        else:
            self._states = [_place(factors) for factors in coordinates]
        layers = 4 * (dynamics.horizon + 1)
        self.support = functools.lru_cache(maxsize=layers)(self._support)

    def string(
        self, node: Node, population: int, t: int, history: int, x: int, action: int
    ) -> str:
        """The string of one node; `action` counts at settlement and chance nodes."""
        d = self._dynamics
        words = [f"population={population}"] if d.num_populations > 1 else []
        if node == Node.START:
            return " ".join([*words, "start"])
        words += [f"t={t}", f"x={self._states[x]}"]
        if d.num_histories(t) > 1:
            path = d.common_noise.outcomes(t, history)
            words.append("noise=" + ".".join(map(str, path)))
        if node in (Node.SETTLEMENT, Node.CHANCE):
            words.append(f"action={action}")
        if node != Node.DECISION:
            words.append(node.name.lower().replace("_", " "))
        return " ".join(words)

    def _support(self, t: int, history: int) -> list[str]:
        """Strings of all mean field nodes of one history, populations first."""
        return [
            self.string(Node.MEAN_FIELD, population, t, history, x, -1)
            for population in range(self._dynamics.num_populations)
            for x in range(self._dynamics.num_states)
        ]


def _place(factors: list[int]) -> str:
    inner = ", ".join(map(str, factors))
    return inner if len(factors) == 1 else f"({inner})"
