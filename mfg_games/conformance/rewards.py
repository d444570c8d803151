"""Checks of what is paid, when, and on what it depends."""

from __future__ import annotations

from collections.abc import Iterator
import math

import pyspiel

from mfg_games.conformance.play import floats, same
from mfg_games.conformance.report import NotApplicableError
from mfg_games.conformance.subject import Findings, Subject
from mfg_games.conformance.walk import Node

_DECISION = pyspiel.StateType.DECISION
_CHANCE = pyspiel.StateType.CHANCE
_MEAN_FIELD = pyspiel.StateType.MEAN_FIELD
_TERMINAL = pyspiel.StateType.TERMINAL
_UTILITY_SLACK = 1e-9


def rewards(subject: Subject) -> Findings:
    """Rewards are finite, one for each population, and never paid at chance nodes."""
    players = subject.game.num_players()
    for node in subject.walk.nodes():
        paid = floats(node.state.rewards())
        if len(paid) != players or not all(map(math.isfinite, paid)):
            yield (
                f"{players} finite rewards at {node.string!r}",
                f"{paid}",
                "the reward formula divides by zero or takes the log of zero",
            )
        elif node.type == _CHANCE and any(paid):
            yield (
                f"no reward at the chance node {node.string!r}",
                f"{paid}",
                "OpenSpiel's evaluators ignore rewards of chance nodes: pay at "
                "decision, mean field or terminal nodes",
            )


def returns(subject: Subject) -> Findings:
    """Returns are the running sum of the rewards at every node of a play."""
    for play in subject.trajectories:
        total = [0.0] * subject.game.num_players()
        for step, seen in enumerate(play.portraits):
            total = [a + b for a, b in zip(total, seen.rewards, strict=True)]
            if not all(map(same, total, seen.returns)):
                yield (
                    f"returns() = {total}, the sum of the rewards so far, after "
                    f"{play.history(step)}",
                    f"{seen.returns} at {seen.string!r}",
                    "returns are overwritten instead of summed, or leave out the "
                    "reward of the present node or of some kind of node",
                )
                break


def rewards_by_string(subject: Subject) -> Findings:
    """Two histories with one string are paid alike under the same distributions."""
    for node in subject.walk.nodes(_DECISION, _MEAN_FIELD, _TERMINAL):
        first = node.arrivals[0]
        paid = floats(first.state.rewards())
        for other in node.arrivals[1:]:
            paid_too = floats(other.state.rewards())
            if not all(map(same, paid, paid_too)):
                yield (
                    f"one reward for the string {node.string!r}",
                    f"{paid} after the moves {first}; {paid_too} after {other}",
                    "the reward depends on something, such as the last action, that "
                    "the string does not show; OpenSpiel's evaluators keep the first "
                    "value",
                )
                break


def dynamics_by_string(subject: Subject) -> Findings:
    """Two histories with one string have the same legal actions and chance law."""
    for node in subject.walk.nodes(_DECISION, _CHANCE):
        first, *others = node.arrivals
        law = _law(first.state)
        for other in others:
            law_too = _law(other.state)
            if not _same_law(law, law_too):
                yield (
                    f"one transition law for the string {node.string!r}",
                    f"{law} after the moves {first}; {law_too} after {other}",
                    "the moves depend on something that the string does not show",
                )
                break


def _law(state: pyspiel.State) -> dict[int, float]:
    if state.get_type() == _CHANCE:
        return dict(state.chance_outcomes())
    return dict.fromkeys(state.legal_actions(), 1.0)


def _same_law(a: dict[int, float], b: dict[int, float]) -> bool:
    return a.keys() == b.keys() and all(same(a[move], b[move]) for move in a)


def empty_cells(subject: Subject) -> Findings:
    """Rewards and chance laws stay finite where nobody is."""
    nodes = list(subject.walk.nodes(_MEAN_FIELD))
    if not nodes:
        raise NotApplicableError("the walk met no mean field node")
    for depth, layer in enumerate(subject.walk.layers):
        crowds = {}
        for node in layer.values():
            if node.type == _MEAN_FIELD:
                listed = node.state.distribution_support()
                names = tuple(listed)
                if names not in crowds:
                    crowds[names] = _one_cell_each(names, layer)
                state = node.state.clone()
                state.update_distribution(crowds[names])
                yield from _finite_until_chance(state, depth, node.string)


def _one_cell_each(names: tuple[str, ...], layer: dict[str, Node]) -> list[float]:
    """All mass of each population on its last reachable string of the support."""
    crowd = {}
    for string in names:
        if string in layer:
            node = layer[string]
            owner = min(node.populations)
            moved = crowd.pop(owner, ("", 0.0))[1]
            crowd[owner] = (string, moved + node.mass)
    masses = dict(crowd.values())
    return [masses.get(string, 0.0) for string in names]


def _finite_until_chance(state: pyspiel.State, depth: int, origin: str) -> Findings:
    """Follows first actions to the next chance node, where the crowd still counts."""
    while True:
        numbers = floats(state.rewards())
        if state.get_type() == _CHANCE:
            numbers += [probability for _, probability in state.chance_outcomes()]
        if not all(map(math.isfinite, numbers)):
            yield (
                f"finite rewards and probabilities after {origin!r} in layer {depth} "
                "when each population stands in one cell",
                f"{numbers} at {str(state)!r}",
                "the log of an empty cell's density, or a division by it: add a floor",
            )
        if state.get_type() != _DECISION:
            return
        state.apply_action(state.legal_actions()[0])


def utilities(subject: Subject) -> Findings:
    """Utility bounds are finite and hold for all returns seen."""
    game = subject.game
    low, high = game.min_utility(), game.max_utility()
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        yield (
            "finite min_utility() <= max_utility()",
            f"min_utility()={low}, max_utility()={high}",
            "the bounds are not worked out",
        )
    slack = _UTILITY_SLACK * (1 + abs(low) + abs(high))
    for where, seen in _final_returns(subject):
        if not low - slack <= min(seen) <= max(seen) <= high + slack:
            yield (
                f"returns in [{low}, {high}] at the end",
                f"{seen} {where}",
                "min_utility or max_utility leaves out a term of the reward",
            )


def _final_returns(subject: Subject) -> Iterator[tuple[str, list[float]]]:
    for node in subject.walk.nodes(_TERMINAL):
        for arrival in node.arrivals:
            yield f"after {arrival}", floats(arrival.state.returns())
    for play in subject.trajectories:
        if play.is_complete:
            yield f"after {play.history()}", play.portraits[-1].returns
