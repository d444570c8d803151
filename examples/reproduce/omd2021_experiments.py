"""The experiments of `online_mirror_descent_2021`: games, rates and sizes."""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import time

from experiments import Algorithms, Runs, Solved, of_game, solve
import numpy as np
import pyspiel
import tqdm

from algorithms import catalogue
from mfg_games.settings import setting

FP = "fictitious play (FP)"
NODES_OF_PAPER = 1e11  # hundreds of billions of states, it says


@dataclasses.dataclass(frozen=True)
class Environment:
    """One game of the paper.

    Attributes:
      name: what the figures call it.
      game: OpenSpiel string.
      rates: of mirror descent, ascending: the first one slow, the last one too large.
    """

    name: str
    game: str
    rates: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Scale:
    """What is computed.

    Attributes:
      environments: the games.
      weights: of the new best response in damped fictitious play.
      iterations: of every algorithm.
      sizes: OpenSpiel strings of the games that the speed is measured on, by family.
      timed_iterations: of mirror descent on each of them.
      iterations_of_million: of mirror descent on a building of a million cells.
    """

    environments: tuple[Environment, ...]
    weights: tuple[float, ...]
    iterations: int
    sizes: Mapping[str, tuple[str, ...]]
    timed_iterations: int = 3
    iterations_of_million: int = 0

    @property
    def settings(self) -> dict[str, object]:
        """What was computed, by name."""
        games = {each.name: each.game for each in self.environments}
        numbers = dataclasses.asdict(self)
        return games | {
            name: numbers[name]
            for name in ("weights", "iterations", "timed_iterations")
        }


GARNET, BUILDING, TARGET, CHASING = "garnet", "building", "moving target", "chasing"


def chasing(populations: int, geometry: str, size: int = 5) -> str:
    """Name of a chasing game."""
    return f"{CHASING}, {populations} populations, {size} x {size} {geometry}"


def _chasing(
    populations: int, geometry: str, size: int, horizon: int, *rates: float
) -> Environment:
    parameters = f"size={size},horizon={horizon},geometry={geometry}"
    game = f"mfg_predator_prey(populations={populations},{parameters})"
    return Environment(chasing(populations, geometry, size), game, rates)


def _buildings(*sizes: tuple[int, int, int]) -> tuple[str, ...]:
    return tuple(
        f"mfg_building(floors={floors},size={size},horizon={horizon})"
        for floors, size, horizon in sizes
    )


def _targets(*steps: int) -> tuple[str, ...]:
    return tuple(f"mfg_moving_target(move_every={every})" for every in steps)


def _garnets(*numbers: int) -> tuple[str, ...]:
    return tuple(f"mfg_random_garnet(num_states={number})" for number in numbers)


FULL = Scale(
    environments=(
        Environment(
            GARNET, setting("garnet_2021").game_string, (0.01, 0.1, 0.3, 1.0, 3.0, 10.0)
        ),
        Environment(
            f"{GARNET}, 1000 states",
            "mfg_random_garnet(num_states=1000,num_actions=10,seed=1)",
            (0.01, 0.1, 0.3, 1.0, 3.0, 10.0),
        ),
        Environment(
            BUILDING,
            setting("building_small_2021").game_string,
            (0.001, 0.003, 0.01, 0.03, 0.1),
        ),
        Environment(
            f"{BUILDING}, 5 floors",
            "mfg_building(floors=5,size=20,horizon=200)",
            (0.0003, 0.001, 0.003, 0.01, 0.03),
        ),
        Environment(
            TARGET,
            setting("moving_target_2021").game_string,
            (0.003, 0.03, 0.1, 0.3, 1.0),
        ),
        Environment(
            f"{TARGET} in a box",
            setting("moving_target_box_2021").game_string,
            (0.003, 0.03, 0.1, 0.3, 1.0),
        ),
        _chasing(3, "square", 5, 10, 0.003, 0.03, 0.1, 0.3, 1.0),
        _chasing(4, "square", 5, 20, 0.003, 0.03, 0.1, 0.3, 1.0),
        _chasing(5, "square", 5, 10, 0.003, 0.03, 0.1, 0.3, 1.0),
        _chasing(3, "torus", 5, 10, 0.003, 0.03, 0.3, 1.0, 10.0),
        _chasing(4, "torus", 5, 20, 0.003, 0.03, 0.3, 1.0, 10.0),
        _chasing(5, "torus", 5, 10, 0.003, 0.03, 0.3, 1.0, 10.0),
        _chasing(3, "torus", 15, 30, 0.003, 0.03, 0.1, 0.3),
    ),
    weights=(0.01, 0.05),
    iterations=200,
    sizes={
        GARNET: _garnets(100, 1000, 10_000, 100_000),
        BUILDING: _buildings((3, 10, 60), (5, 30, 100), (5, 60, 200), (5, 120, 200)),
        TARGET: _targets(20, 10, 5, 4, 3),
    },
)
FAST = Scale(
    environments=(
        Environment(GARNET, setting("garnet_2021").game_string, (0.01, 1.0, 10.0)),
        Environment(
            BUILDING, setting("building_small_2021").game_string, (0.001, 0.03, 0.1)
        ),
        Environment(
            TARGET,
            "mfg_moving_target(size=12,horizon=12,move_every=4)",
            (0.003, 0.3, 10.0),
        ),
        _chasing(3, "square", 5, 10, 0.003, 0.3, 1.0),
        _chasing(4, "square", 5, 20, 0.003, 0.3, 1.0),
        _chasing(5, "torus", 5, 10, 0.003, 0.3, 10.0),
    ),
    weights=(0.05,),
    iterations=200,
    sizes={
        GARNET: _garnets(100, 10_000),
        BUILDING: _buildings((3, 10, 60), (5, 30, 100), (5, 60, 100)),
        TARGET: _targets(20, 5),
    },
)


def damped(weight: float) -> str:
    """Name of damped fictitious play."""
    return f"damped FP, weight {weight:g}"


def at_rate(lr: float) -> str:
    """Name of mirror descent at a rate."""
    return f"OMD, rate {lr:g}"


def algorithms(scale: Scale, rates: tuple[float, ...]) -> Algorithms:
    """Fictitious play, damped, and mirror descent at each rate."""
    return {
        FP: ("fictitious_play", {}),
        **{damped(w): ("fictitious_play", {"lr": w}) for w in scale.weights},
        **{at_rate(lr): ("mirror_descent", {"lr": lr}) for lr in rates},
    }


def solve_all(scale: Scale) -> Runs:
    """Solves every environment by every algorithm."""
    runs = {}
    for each in scale.environments:
        choice = algorithms(scale, each.rates)
        runs |= solve(each.name, each.game, choice, scale.iterations)
    return runs


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How the algorithms did on one environment.

    Attributes:
      environment: its name.
      start: exploitability of the uniform policy.
      fp: exploitability of fictitious play at the end.
      weight, damped: the best weight, and its exploitability at the end.
      rate, omd: the best rate of mirror descent, and its exploitability at the end.
      slow, large: exploitability at the end at the smallest and the largest rate.
      overtakes: the first iteration at which mirror descent at the best rate is where
        fictitious play ends; infinite for never.
      omd_seconds, fp_seconds: of one iteration.
    """

    environment: str
    start: float
    fp: float
    weight: float
    damped: float
    rate: float
    omd: float
    slow: float
    large: float
    overtakes: float
    omd_seconds: float
    fp_seconds: float


def outcome(scale: Scale, each: Environment, runs: Runs) -> Outcome:
    """Compares the algorithms on one environment."""
    solved = of_game(runs, each.name)
    last = {label: run.exploitability[-1] for label, run in solved.items()}
    weight = min(scale.weights, key=lambda w: last[damped(w)])
    rate = min(each.rates, key=lambda lr: last[at_rate(lr)])
    best = solved[at_rate(rate)]
    reached = np.flatnonzero(best.exploitability <= last[FP])
    return Outcome(
        environment=each.name,
        start=best.exploitability[0],
        fp=last[FP],
        weight=weight,
        damped=last[damped(weight)],
        rate=rate,
        omd=last[at_rate(rate)],
        slow=last[at_rate(each.rates[0])],
        large=last[at_rate(each.rates[-1])],
        overtakes=float(reached[0]) if len(reached) else np.inf,
        omd_seconds=_seconds(best),
        fp_seconds=_seconds(solved[FP]),
    )


def _seconds(solved: Solved) -> float:
    """Of one iteration, compilation left out."""
    taken = solved.seconds
    return (taken[-1] - taken[0]) / (len(taken) - 1)


@dataclasses.dataclass(frozen=True)
class Speed:
    """How fast mirror descent is on a game.

    Attributes:
      family: kind of game.
      game: OpenSpiel string.
      states: S.
      histories: of the common noise at the horizon.
      nodes: decision nodes, states times decision times times histories.
      seconds: of one iteration with its exploitability.
      exploitability: after the last one.
    """

    family: str
    game: str
    states: int
    histories: int
    nodes: int
    seconds: float
    exploitability: float

    @property
    def nodes_per_second(self) -> float:
        """Decision nodes that one second of an iteration covers."""
        return self.nodes / self.seconds


def measure_all(scale: Scale) -> list[Speed]:
    """The speed on games of all sizes, in float32."""
    found = [
        measure(family, game, scale.timed_iterations)
        for family, games in scale.sizes.items()
        for game in games
    ]
    if scale.iterations_of_million:
        million = setting("building_million").game_string
        found.append(measure(BUILDING, million, scale.iterations_of_million))
    return found


def measure(family: str, game: str, iterations: int) -> Speed:
    """The speed of mirror descent on one game, in float32."""
    print(f"speed, {game}")
    loaded = pyspiel.load_game(game)
    solver = catalogue.solver_class("mirror_descent")(loaded, lr=1e-3, dtype="float32")
    solver.iteration()  # compiles
    exploitability = solver.exploitability
    started = time.perf_counter()
    for _ in tqdm.trange(iterations):
        solver.iteration()
        exploitability = solver.exploitability
    seconds = (time.perf_counter() - started) / iterations
    d = loaded.dynamics
    return Speed(
        family=family,
        game=game,
        states=d.num_states,
        histories=d.num_histories(d.horizon),
        nodes=solver.model.num_nodes,
        seconds=seconds,
        exploitability=exploitability,
    )
