"""The games of the comparison with MFGLib, at several sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
import dataclasses
import functools

import contenders
from contests import Contender, Contest
from remote import RemoteStopwatch
from timing import Stopwatch

PEER = "MFGLib"
RATE = 0.01  # our default; the peer gets the same


@dataclasses.dataclass(frozen=True)
class Rival:
    """How the peer's process runs.

    Attributes:
      python: an interpreter that has MFGLib.
      threads: threads of its arithmetic.
      limit: seconds until a round is given up.
      gigabytes: memory it may allocate.
    """

    python: str
    threads: int
    limit: float
    gigabytes: float


@dataclasses.dataclass(frozen=True)
class Match:
    """One game in both libraries.

    Attributes:
      game, parameters: ours.
      environment, settings: the peer's.
      size: states, actions and decision times, as the peer has them.
    """

    game: str
    parameters: Mapping
    environment: str
    settings: Mapping
    size: tuple[int, int, int]


def matches(quick: bool) -> list[Match]:
    """All of them, or each game at its smallest."""
    games = {
        _beach_bar: [
            (4, 2),
            (10, 10),
            (100, 10),
            (1000, 10),
            (3000, 10),
            (10_000, 10),
            (100_000, 10),
        ],
        _building: [(5, 10), (10, 20), (10, 50)],
        _crowd: [(20, 3), (32, 10), (50, 10), (100, 10)],
        _linear_quadratic: [(5, 3), (50, 10), (500, 10)],
        _price: [(3, 2), (20, 5), (100, 10), (1000, 10)],
        _treasure: [(3,), (20,), (100,)],
        _epidemic: [(50,), (500,)],
        _rock_paper_scissors: [(1,), (100,)],
        _left_right: [()],
    }
    return [
        match(*size)
        for match, sizes in games.items()
        for size in (sizes[:1] if quick else sizes)
    ]


def contest(match: Match, rival: Rival | None, seconds: float) -> Contest:
    """Ours against the peer with and without opt_einsum, or ours alone."""
    ours = functools.partial(
        Stopwatch,
        functools.partial(
            contenders.ours, "mirror_descent", match.game, match.parameters
        ),
        1,
    )
    players = [Contender("array model", match.game, ours, seconds)]
    if rival is not None:
        players += [
            Contender(engine, match.environment, start, seconds)
            for engine, start in _peers(match, rival)
        ]
    return Contest(match.game, "mirror_descent", *match.size, 1, tuple(players))


def _peers(match: Match, rival: Rival) -> list[tuple[str, Callable]]:
    case = {
        "environment": match.environment,
        "parameters": dict(match.settings),
        "alpha": RATE,
        "threads": rival.threads,
        "compare_at": 1,
        "gigabytes": rival.gigabytes,
    }
    return [
        (
            engine,
            functools.partial(
                RemoteStopwatch,
                rival.python,
                "mfglib_worker.py",
                case | {"opt_einsum": fast},
                rival.limit,
            ),
        )
        for engine, fast in ((PEER, False), (f"{PEER} + opt_einsum", True))
    ]


def _beach_bar(size: int, last: int) -> Match:
    return Match(
        "mfg_beach_bar",
        {"size": size, "horizon": last + 1},
        "beach_bar",
        {"T": last, "n": size, "bar_loc": size // 2},
        (size, 3, last + 1),
    )


def _building(floors: int, size: int) -> Match:
    return Match(
        "mfg_building",
        {"floors": floors, "size": size, "horizon": 4},
        "building_evacuation",
        {"T": 3, "n_floor": floors, "floor_l": size, "floor_w": size},
        (floors * size**2, 6, 4),
    )


def _crowd(size: int, last: int) -> Match:
    return Match(
        "mfg_moving_target",
        {"size": size, "horizon": last + 1, "move_every": last + 1},
        "crowd_motion",
        {"T": last, "torus_l": size, "torus_w": size},
        (size**2, 5, last + 1),
    )


def _linear_quadratic(half: int, last: int) -> Match:
    return Match(
        "mfg_linear_quadratic",
        {"half_width": half, "horizon": last, "max_action": 2, "modes": "0 0"},
        "linear_quadratic",
        {"T": last, "el": half, "m": 2},
        (2 * half + 1, 5, last),
    )


def _price(inventory: int, most: int) -> Match:
    largest = {"max_production": most, "max_replenishment": most}
    return Match(
        "mfg_equilibrium_price",
        {"max_inventory": inventory, **largest, "horizon": 5},
        "equilibrium_price",
        {"T": 4, "s_inv": inventory, "Q": most, "H": most},
        (inventory + 1, (most + 1) ** 2, 5),
    )


def _treasure(places: int) -> Match:
    return Match(
        "mfg_treasure_hunting",
        {"num_states": places, "horizon": 6},
        "conservative_treasure_hunting",
        {"T": 5, "n": places, "r": [1.0] * places, "c": [1.0] * 5},
        (places, places, 6),
    )


def _epidemic(last: int) -> Match:
    return Match(
        "mfg_sis",
        {"horizon": last + 1},
        "susceptible_infected",
        {"T": last},
        (2, 2, last + 1),
    )


def _rock_paper_scissors(last: int) -> Match:
    return Match(
        "mfg_rock_paper_scissors",
        {"horizon": last + 1},
        "rock_paper_scissors",
        {"T": last},
        (4, 3, last + 1),
    )


def _left_right() -> Match:
    return Match("mfg_left_right", {"horizon": 2}, "left_right", {}, (3, 2, 2))
