"""The crowd of a game that is known by the strings of its nodes only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
import re

from matplotlib.figure import Figure
import numpy as np

from algorithms.pictures.flows import flow_figure
from algorithms.pictures.geometry import Geometry
from algorithms.pictures.style import COLOURS, INK, grid, new_figure

# Decision nodes of OpenSpiel's games and, marked, the mean field nodes of the same
# time and place, which carry the same mass and are all there is at the horizon.
_CELLS = re.compile(r"\((-?\d+(?:, ?-?\d+)+)\)(_a)?")
_POPULATIONS = re.compile(r"\(pop=(\d+), t=(\d+)(_a)?, pos=\[([\d ]+)\]\)")
_TIME = re.compile(r"(?:, |\b)t=(\d+)(_a|_mean_field)?(?![\w.])")
_ROAD = re.compile(r"Location=([^,]+),|Arrived at ")
_MAX_PLACES = 24
_MAX_BARS = 20

# (is a mean field node, time, population, place) of a node.
_Node = tuple[bool, int, int, tuple]


def string_flow_figure(masses: Mapping[str, float], title: str = "") -> Figure:
    """Draws a crowd from the masses of its nodes.

    Strings that are understood are those of OpenSpiel's games: "(x, t)" and
    "(x, y, t)", with x to the right and y downwards, and "(pop=0, t=3, pos=[1 2])"
    give the pictures of `flow_figure`; cells that never appear are drawn as walls.
    Other strings with a word "t=3" give a heat map of time and the most visited places,
    named by the rest of the string (of a car in a network, its road). If none of these
    is found, bars show the nodes of the largest masses, in the order given.

    Args:
      masses: mass of each node by its string, in the order of time; nodes of other
        kinds (the first one, chance nodes) may be among them.
      title: of the figure.

    Raises:
      ValueError: a mass is negative or not finite, or there is none above 0.
    """
    for string, mass in masses.items():
        if not 0 <= mass < np.inf:
            raise ValueError(
                "`masses` must be finite and at least 0. "
                f"Received: {mass} at {string!r}"
            )
    if not any(masses.values()):
        raise ValueError("`masses` must hold a mass above 0. Received: none")
    for parse in (_parse_cell, _parse_population):
        layers = _collect(masses, parse)
        places = {place for _, _, place in layers}
        if places and len({len(place) for place in places}) == 1:
            return flow_figure(*_on_a_grid(layers, places), title)
    layers = _collect(masses, _parse_named)
    if layers:
        return flow_figure(*_by_name(layers), title)
    return _bars_figure(masses, title)


def _parse_cell(string: str) -> _Node | None:
    match = _CELLS.fullmatch(string)
    if not match:
        return None
    *place, t = (int(number) for number in match[1].split(","))
    return bool(match[2]), t, 0, _row_first(place)


def _parse_population(string: str) -> _Node | None:
    match = _POPULATIONS.fullmatch(string)
    if not match:
        return None
    place = [int(number) for number in match[4].split()]
    return bool(match[3]), int(match[2]), int(match[1]), _row_first(place)


def _row_first(place: list[int]) -> tuple[int, ...]:
    """(x, y, ...) as (row, column, ...)."""
    return (*place[1::-1], *place[2:])


def _parse_named(string: str) -> _Node | None:
    match = _TIME.search(string)
    if not match:
        return None
    road = _ROAD.match(string)
    name = (road[1] or "arrived") if road else _TIME.sub("", string)
    return bool(match[2]), int(match[1]), 0, (name,)


def _collect(masses: Mapping[str, float], parse) -> dict[tuple, float]:
    """Mass by (time, population, place), of decision nodes where a time has any."""
    kinds = defaultdict(float), defaultdict(float)
    for string, mass in masses.items():
        node = parse(string)
        if node:
            is_mean_field, *key = node
            kinds[is_mean_field][tuple(key)] += mass
    decisions, mean_fields = kinds
    decided = {t for t, _, _ in decisions}
    rest = {key: mass for key, mass in mean_fields.items() if key[0] not in decided}
    return {**decisions, **rest}


def _on_a_grid(masses: dict[tuple, float], places: set[tuple]):
    """Layers and geometry of places that are tuples of integers."""
    ordered = sorted(places)
    cells = np.array(ordered)
    first = cells.min(axis=0)
    shape = tuple((cells.max(axis=0) - first + 1).tolist())
    layers, populations = _dense(masses, ordered)
    if len(shape) > 1:
        factors = ("row", "column", *map(str, range(2, len(shape))))
        return layers, Geometry(shape, cells - first, factors, populations)
    names = tuple(str(first[0] + i) for i in range(shape[0]))
    return layers, Geometry(
        shape, cells - first, ("place",), populations, state_names=names
    )


def _by_name(masses: dict[tuple, float]):
    """Layers and geometry of the most visited named places, in the order of visits."""
    visits = defaultdict(float)
    mean_times = defaultdict(float)
    for (t, _, place), mass in masses.items():
        visits[place] += mass
        mean_times[place] += t * mass
    visited = [place for place in visits if visits[place] > 0]
    most = sorted(visited, key=visits.get, reverse=True)[:_MAX_PLACES]
    places = sorted(most, key=lambda place: -mean_times[place] / visits[place])
    layers, _ = _dense(masses, places)
    indices = np.arange(len(places))[:, None]
    names = tuple(name for (name,) in places)
    label = "place"
    if len(places) < len(visits):
        label = f"the {len(places)} most visited of {len(visits)} places"
    return layers, Geometry((len(places),), indices, (label,), state_names=names)


def _dense(masses: dict[tuple, float], places: list[tuple]):
    """Layers [1, N, S] for the times from 0 to the last one, and N."""
    times = 1 + max(t for t, _, _ in masses)
    populations = 1 + max(population for _, population, _ in masses)
    index = {place: x for x, place in enumerate(places)}
    layers = np.zeros((times, 1, populations, len(places)))
    for (t, population, place), mass in masses.items():
        if place in index:
            layers[t, 0, population, index[place]] += mass
    return list(layers), populations


def _bars_figure(masses: Mapping[str, float], title: str) -> Figure:
    largest = sorted(masses, key=masses.get, reverse=True)[:_MAX_BARS]
    strings = [string for string in masses if string in set(largest)]
    size = (8.0, 0.25 * len(strings) + 0.9)
    figure, axes = new_figure(1, 1, size, title, "constrained")
    ax = axes[0, 0]
    ax.barh(strings, [masses[s] for s in strings], color=COLOURS[0], height=0.7)
    ax.invert_yaxis()
    ax.set_xlabel(
        f"mass of the {len(strings)} most occupied of {len(masses)} nodes", color=INK
    )
    grid(ax)
    return figure
