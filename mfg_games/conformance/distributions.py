"""Checks of mean field nodes: their support, their mass, what they refuse."""

from __future__ import annotations

from collections.abc import Iterator
import math

import pyspiel

from mfg_games.conformance.report import NotApplicableError
from mfg_games.conformance.subject import Findings, Subject
from mfg_games.conformance.walk import Node

_MASS_TOLERANCE = 1e-6
_REFUSAL_SAMPLES = 3


def support(subject: Subject) -> Findings:
    """A mean field node's support lists strings once, its own among them."""
    for node in _mean_field_nodes(subject):
        listed = node.state.distribution_support()
        if node.string not in listed:
            yield (
                f"{node.string!r} is listed in its own distribution_support()",
                f"{len(listed)} strings without it, such as {listed[:1]}",
                "strings of the support are not built as the state's string is",
            )
        if len(set(listed)) < len(listed):
            twice = next(x for x in listed if listed.count(x) > 1)
            yield (
                f"distinct strings in the support of {node.string!r}",
                f"{twice!r} {listed.count(twice)} times",
                "a factor is missing in the strings of the support",
            )


def mass(subject: Subject) -> Findings:
    """The supports of a layer hold all mass, and hold it once.

    Histories of common noise have supports of their own, with the mass of their
    probability, so the sum is taken over the different supports of a layer.
    """
    total = subject.game.num_players()
    _mean_field_nodes(subject)
    for depth, layer in enumerate(subject.walk.layers):
        supports = {
            frozenset(node.state.distribution_support())
            for node in layer.values()
            if node.type == pyspiel.StateType.MEAN_FIELD
        }
        if not supports:
            continue
        found = math.fsum(
            layer[string].mass for s in supports for string in s if string in layer
        )
        if abs(found - total) > _MASS_TOLERANCE:
            yield (
                f"the supports of layer {depth} hold the mass {total}, one for each "
                "population",
                f"{found!r} in {len(supports)} different supports, the first of them "
                f"{sorted(next(iter(supports)))[:3]}...",
                "a support misses reachable strings, or the supports overlap: nodes "
                "must share one support, or have disjoint ones",
            )


def wrong_distributions(subject: Subject) -> Findings:
    """Masses that are no distribution are refused."""
    _mean_field_nodes(subject)
    walk, populations = subject.walk, subject.game.num_players()
    for node in walk.samples(pyspiel.StateType.MEAN_FIELD, _REFUSAL_SAMPLES):
        registered = walk.registered(node)
        for wrong, masses in _wrong(registered, populations) if registered else ():
            state = node.state.clone()
            try:
                state.update_distribution(masses)
            except Exception:  # any error is a refusal
                continue
            yield (
                f"update_distribution raises at {node.string!r} for {wrong}",
                "it was accepted",
                "the game does not check the masses, and fails or lies later",
            )


def _wrong(masses: list[float], populations: int) -> Iterator[tuple[str, list[float]]]:
    yield f"{len(masses) + 1} masses instead of {len(masses)}", [*masses, 0.0]
    yield "no masses", []
    heaviest = max(range(len(masses)), key=masses.__getitem__)
    lightest = min(range(len(masses)), key=masses.__getitem__)
    if heaviest != lightest:
        negative = list(masses)
        negative[heaviest] += masses[lightest] + 0.1
        negative[lightest] = -0.1
        yield "a negative mass (the sum being right)", negative
    nan = list(masses)
    nan[heaviest] = math.nan
    yield "a mass that is not a number", nan
    # Neither sum is 1, the sum that OpenSpiel's random simulation registers.
    total = math.fsum(masses)
    scaled = [5 * populations * x / total for x in masses]
    yield f"masses that sum to {5 * populations}", scaled
    yield "masses that are 0.3 times what they were", [0.3 * x for x in masses]


def _mean_field_nodes(subject: Subject) -> list[Node]:
    nodes = list(subject.walk.nodes(pyspiel.StateType.MEAN_FIELD))
    if not nodes:
        raise NotApplicableError("the walk met no mean field node")
    return nodes
