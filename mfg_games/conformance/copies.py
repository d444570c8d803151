"""Checks of copies: states and games that are cloned, pickled, written or reloaded."""

from __future__ import annotations

from collections.abc import Callable
import copy
import pickle

import pyspiel

from mfg_games.conformance.play import Move, Portrait, apply
from mfg_games.conformance.report import NotApplicableError
from mfg_games.conformance.subject import Findings, Subject
from mfg_games.conformance.walk import Node, Walk

_SAMPLES = 5  # for each type of node


def clone(subject: Subject) -> Findings:
    """state.clone() keeps everything."""
    return _copies_alike(subject, lambda state: state.clone())


def deepcopy(subject: Subject) -> Findings:
    """copy.deepcopy(state) keeps everything."""
    return _copies_alike(subject, copy.deepcopy)


def pickled(subject: Subject) -> Findings:
    """A state that went through pickle keeps everything."""
    return _copies_alike(subject, lambda state: pickle.loads(pickle.dumps(state)))


def serialized(subject: Subject) -> Findings:
    """A state that was serialized and read again keeps everything."""
    game = subject.game
    return _copies_alike(
        subject, lambda state: game.deserialize_state(state.serialize())
    )


def _copies_alike(
    subject: Subject, duplicate: Callable[[pyspiel.State], pyspiel.State]
) -> Findings:
    kinds = dict.fromkeys(node.type for node in subject.walk.nodes())
    if not kinds:
        raise NotApplicableError("the walk met no state")
    for kind in kinds:
        for node in subject.walk.samples(kind, _SAMPLES):
            yield from _alike(subject.walk, node, duplicate)


def _alike(walk: Walk, node: Node, duplicate: Callable) -> Findings:
    """Compares a copy with its original, then both after a move."""
    where = f"the {node.type.name.lower()} node {node.string!r}"
    try:
        twin = duplicate(node.state)
        changes = list(Portrait.of(node.state).differences(Portrait.of(twin)))
        after = None if changes else _after_a_move(walk, node)
        if after is not None:
            move, ours = after
            apply(twin, move)
            changes += ours.differences(Portrait.of(twin))
    except Exception as error:  # whatever a stranger's game raises
        yield (
            f"{where} can be copied",
            f"{type(error).__name__}: {error}",
            "the state holds something that cannot be copied or written",
        )
        return
    for what, original, copied in changes:
        yield (
            f"a copy of {where}, or its successor, keeps the {what} {original}",
            f"{copied}",
            "the copy loses the registered distribution, digits, or data of the game",
        )


def _after_a_move(walk: Walk, node: Node) -> tuple[Move, Portrait] | None:
    """A move at the node and what follows; None where the game itself ends or fails."""
    state = node.state
    try:
        match node.type:
            case pyspiel.StateType.CHANCE:
                move = state.chance_outcomes()[-1][0]
                following = state.child(move)
            case pyspiel.StateType.DECISION:
                move = state.legal_actions()[-1]
                following = state.child(move)
            case pyspiel.StateType.MEAN_FIELD:
                move = walk.registered(node)
                following = state.clone()
                following.update_distribution(move)
            case _:
                return None
        return move, Portrait.of(following)
    except Exception:  # not the copy's fault; the walk reports it
        return None


def game_copies(subject: Subject) -> Findings:
    """A game that was deep-copied or pickled is still the same game."""
    ways = {
        "copy.deepcopy(game)": copy.deepcopy,
        "pickle.loads(pickle.dumps(game))": lambda g: pickle.loads(pickle.dumps(g)),
    }
    for name, way in ways.items():
        yield from _same_game(subject, name, way)


def reload(subject: Subject) -> Findings:
    """pyspiel.load_game(str(game)) is the same game."""
    return _same_game(
        subject, "pyspiel.load_game(str(game))", lambda g: pyspiel.load_game(str(g))
    )


def _same_game(subject: Subject, name: str, way: Callable) -> Findings:
    game = subject.game
    try:
        twin = way(game)
        found = [(type(game), str(game)), (type(twin), str(twin))]
        for play in subject.trajectories:
            for ours, theirs in zip(play.portraits, play.replay(twin), strict=False):
                for what, original, copied in ours.differences(theirs):
                    yield (
                        f"{name} plays like the game: {what} {original} at "
                        f"{ours.string!r}",
                        f"{copied}",
                        "the copy is built with other parameters or without its data",
                    )
                    return
    except Exception as error:  # whatever a stranger's game raises
        yield (
            f"{name} works",
            f"{type(error).__name__}: {error}",
            "define __reduce__ as (pyspiel.load_game, (short_name, parameters)); keep "
            "parameters free of , = and of strings that look like numbers",
        )
        return
    if found[0] != found[1]:
        yield (
            f"{name} is {found[0]}",
            f"{found[1]}",
            "another game answers to the name, or parameters do not survive str(game)",
        )
