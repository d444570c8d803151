"""Deep mirror descent, ours and OpenSpiel's: what is timed and the rates it gives.

A move is one step of one player, an update one step of the optimiser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
import dataclasses
import functools

import contenders
from contenders import Iterate
from contests import UPSTREAM, Contender
from open_spiel.python.mfg.games import factory
import pyspiel
from remote import RemoteStopwatch
from timing import Stopwatch, Timing

from algorithms.munchausen_deep_mirror_descent import (
    RELEASED,
    DeepMirrorDescent,
    DeepMirrorDescentConfig,
)
from mfg_games.settings import setting

WORKER = "openspiel_deep_worker.py"
MOVES_PER_UPDATE = 64  # of all players together


@dataclasses.dataclass(frozen=True)
class Rates:
    """What an engine does in a second.

    Attributes:
      acting: moves, where nothing is learnt.
      learning: updates, where nobody moves.
      moves, updates: of the whole loop.
    """

    acting: float
    learning: float
    moves: float
    updates: float


@dataclasses.dataclass(frozen=True)
class Engine:
    """One row of the table.

    Attributes:
      name: whose code computes.
      tasks: what is timed, by name.
      rates: makes rates of each task's least seconds.
    """

    name: str
    tasks: Mapping[str, Contender]
    rates: Callable[[Mapping[str, float]], Rates]

    def found(self, timings: Mapping[Contender, Timing | str]) -> Rates | str:
        """The engine's rates, or why it has none."""
        mine = {task: timings[contender] for task, contender in self.tasks.items()}
        for timing in mine.values():
            if not isinstance(timing, Timing):
                return timing
        return self.rates({task: timing.least / 1e3 for task, timing in mine.items()})


@dataclasses.dataclass(frozen=True)
class Match:
    """Four rooms for both, and how long they play.

    Attributes:
      quick: a short game and few updates.
      seconds: of each round of a task, at least.
      device: of our solver.
    """

    quick: bool
    seconds: float
    device: str | None

    @property
    def horizon(self) -> int:
        """Moves of an episode."""
        return 4 if self.quick else 40

    @property
    def more(self) -> int:
        """How many moves an update has besides the first, where moves are timed."""
        return 2 if self.quick else 16

    def ours(self, preset: str) -> Engine:
        """Our solver, timed with few and with many updates and moves.

        An iteration takes a fixed time, a time for each update, and one for each move
        of all players: three timings give all of them.
        """
        config = DeepMirrorDescent.presets[preset].dqn
        updates = 50 if self.quick else config.updates
        sizes = {
            "fixed": (1, 1),
            "loop": (updates, 1),
            "acting": (updates, 1 + self.more),
        }
        name = "mfg_exploration"
        parameters = setting("four_rooms_deep_2022").parameters
        game = contenders.load(name, {**parameters, "horizon": self.horizon})
        engine = f"ours, preset {preset}"
        tasks = {}
        for task, size in sizes.items():
            start = functools.partial(iterations, game, preset, *size, self.device)
            start = functools.partial(Stopwatch, start, 1)
            tasks[task] = Contender(engine, name, start, self.seconds)
        rates = functools.partial(our_rates, updates, self.more, config.players)
        return Engine(engine, tasks, rates)

    def upstream(self, python: str, limit: float) -> Engine:
        """OpenSpiel's agent and environment with the values of its example."""
        episodes, updates = (4, 5) if self.quick else (64, 200)
        name = "mfg_crowd_modelling_2d"
        rooms = factory.GAME_SETTINGS["crowd_modelling_2d_four_rooms"]
        case = {
            "game": name,
            "parameters": {**rooms, "horizon": self.horizon},
            "agent": upstream_options(RELEASED),
            "episodes": episodes,
            "updates": updates,
        }
        tasks = {}
        for task in ("acting", "learning", "loop"):
            start = functools.partial(
                RemoteStopwatch, python, WORKER, case | {"task": task}, limit
            )
            tasks[task] = Contender(UPSTREAM, name, start, self.seconds)
        rates = functools.partial(their_rates, episodes, self.horizon, updates)
        return Engine(UPSTREAM, tasks, rates)


def iterations(
    game: pyspiel.Game,
    preset: str,
    updates: int,
    moves_per_update: int,
    device: str | None,
) -> Iterate:
    """Our solver, compiled; an iteration returns the loss."""
    solver = DeepMirrorDescent.make(
        game,
        preset,
        dqn_updates=updates,
        dqn_moves_per_update=moves_per_update,
        device=device,
    )

    def iterate() -> float:
        solver.iteration()
        return solver.metrics["loss"]

    iterate()
    return iterate


def upstream_options(config: DeepMirrorDescentConfig) -> dict[str, object]:
    """What OpenSpiel's agent takes to learn as a configuration says."""
    dqn = config.dqn
    return {
        "alpha": config.alpha,
        "tau": config.tau,
        "batch_size": dqn.batch_size,
        "epsilon_start": dqn.exploration,
        "epsilon_end": dqn.exploration,
        "hidden_layers_sizes": [dqn.width] * dqn.depth,
        "learn_every": MOVES_PER_UPDATE,
        "learning_rate": dqn.learning_rate,
        "loss": dqn.loss,
        "optimizer": dqn.optimizer,
        "replay_buffer_capacity": dqn.replay_capacity,
        "reset_replay_buffer_on_update": False,
        "update_target_network_every": 200,
    }


def our_rates(
    updates: int, more: int, players: int, seconds: Mapping[str, float]
) -> Rates:
    """Rates of the time that iterations take, by task.

    Args:
      updates: of an iteration of "loop" and of "acting"; one of "fixed".
      more: moves of every player for an update in "acting", besides the one in "loop".
      players: how many move.
      seconds: of an iteration, by task.
    """
    move = (seconds["acting"] - seconds["loop"]) / (more * updates)
    both = (seconds["loop"] - seconds["fixed"]) / (updates - 1)
    return Rates(
        acting=players / move,
        learning=1 / (both - move),
        moves=updates * players / seconds["loop"],
        updates=updates / seconds["loop"],
    )


def their_rates(
    episodes: int, horizon: int, updates: int, seconds: Mapping[str, float]
) -> Rates:
    """Rates of the time that the worker's tasks take.

    Args:
      episodes: of "acting" and "loop".
      horizon: moves of an episode. The agent counts its end as one more when it waits
        for the next update.
      updates: of "learning".
      seconds: by task.
    """
    learnt = episodes * (horizon + 1) / MOVES_PER_UPDATE
    return Rates(
        acting=episodes * horizon / seconds["acting"],
        learning=updates / seconds["learning"],
        moves=episodes * horizon / seconds["loop"],
        updates=learnt / seconds["loop"],
    )
