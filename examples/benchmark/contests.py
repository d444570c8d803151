"""The games of the benchmark and who plays them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
import dataclasses
import functools

import contenders
from contenders import Iterate
from open_spiel.python.mfg.games import factory

UPSTREAM = "OpenSpiel"
ARRAYS = "array model"


@dataclasses.dataclass(frozen=True)
class Contender:
    """One row of the table.

    Attributes:
      engine: whose code computes.
      game: the registered name of its game.
      start: sets it up.
      seconds: how long to iterate, at least.
      slow: an iteration takes a minute.
      alone: run in a process of its own, whose peak memory is the contender's.
    """

    engine: str
    game: str
    start: Callable[[], Iterate]
    seconds: float
    slow: bool = False
    alone: bool = False


@dataclasses.dataclass(frozen=True)
class Contest:
    """Contenders that compute the same.

    Attributes:
      group: what `--only` selects.
      task: the solver, or the metric.
      states, actions, times: the size of the game.
      compare_at: iterations after which exploitabilities are compared.
      contenders: the first one is this project's.
    """

    group: str
    task: str
    states: int
    actions: int
    times: int
    compare_at: int
    contenders: tuple[Contender, ...]


def contests(quick: bool) -> list[Contest]:
    """All contests, or the same ones on small games."""
    return [
        _four_rooms("mirror_descent", quick),
        _four_rooms("fictitious_play", quick),
        _nash_conv(quick),
        _beach_bar(quick),
        _large(quick),
    ]


def _game(engine: str, start: Callable, name: str, parameters: Mapping, **how):
    """A contender that plays a registered game."""
    return Contender(engine, name, functools.partial(start, name, parameters), **how)


def _rooms_games(quick: bool) -> tuple[tuple[str, Mapping], tuple[str, Mapping]]:
    """Four rooms: ours, and upstream's with the reward that the papers use."""
    horizon = 4 if quick else 40
    setting = factory.GAME_SETTINGS["crowd_modelling_2d_four_rooms"]
    theirs = {**setting, "horizon": horizon}
    return (
        ("mfg_exploration", {"horizon": horizon}),
        ("mfg_crowd_modelling_2d", theirs),
    )


def _four_rooms(solver: str, quick: bool) -> Contest:
    game, their_game = _rooms_games(quick)
    seconds = 0.0 if quick else 5.0
    ours = functools.partial(contenders.ours, solver)
    upstream = functools.partial(contenders.upstream, solver)
    return Contest(
        group="four_rooms",
        task=solver,
        states=104,
        actions=5,
        times=game[1]["horizon"],
        compare_at=2 if quick else 5,
        contenders=(
            _game(ARRAYS, ours, *game, seconds=seconds),
            _game("enumerated model", ours, *their_game, seconds=seconds),
            _game(UPSTREAM, upstream, *their_game, seconds=0.0),
        ),
    )


def _nash_conv(quick: bool) -> Contest:
    game, their_game = _rooms_games(quick)
    seconds = 0.0 if quick else 5.0
    own = functools.partial(contenders.our_nash_conv, "array")
    foreign = functools.partial(contenders.our_nash_conv, "OpenSpiel")
    upstream = contenders.upstream_nash_conv
    return Contest(
        group="four_rooms",
        task="NashConv of the uniform policy",
        states=104,
        actions=5,
        times=game[1]["horizon"],
        compare_at=1 if quick else 5,
        contenders=(
            _game("array model, own policy", own, *game, seconds=seconds),
            _game(
                "enumerated model, OpenSpiel policy",
                foreign,
                *their_game,
                seconds=seconds,
            ),
            _game(UPSTREAM, upstream, *their_game, seconds=0.0),
        ),
    )


def _beach_bar(quick: bool) -> Contest:
    size = 6 if quick else 100
    seconds = 0.0 if quick else 5.0
    parameters = {"size": size, "horizon": size}
    ours = functools.partial(contenders.ours, "mirror_descent")
    upstream = functools.partial(contenders.upstream, "mirror_descent")
    floor = functools.partial(contenders.floor, size, size)
    python = "python_mfg_crowd_modelling"
    return Contest(
        group="beach_bar",
        task="mirror_descent",
        states=size,
        actions=3,
        times=size,
        compare_at=1,
        contenders=(
            _game(ARRAYS, ours, "mfg_beach_bar", parameters, seconds=seconds),
            Contender("NumPy + SciPy sweep", "-", floor, seconds),
            _game(
                f"{UPSTREAM}, C++ game",
                upstream,
                "mfg_crowd_modelling",
                parameters,
                seconds=seconds,
            ),
            _game(
                f"{UPSTREAM}, Python game",
                upstream,
                python,
                parameters,
                seconds=0.0,
                slow=True,
            ),
        ),
    )


def _large(quick: bool) -> Contest:
    width, horizon = (10, 5) if quick else (200, 100)
    ours = functools.partial(contenders.ours, "mirror_descent")
    parameters = {"layout": f"empty_{width}x{width}", "horizon": horizon}
    return Contest(
        group="large",
        task="mirror_descent",
        states=width**2,
        actions=5,
        times=horizon,
        compare_at=5,
        contenders=(
            _game(
                ARRAYS,
                ours,
                "mfg_exploration",
                parameters,
                seconds=0.0 if quick else 20.0,
                alone=True,
            ),
        ),
    )
