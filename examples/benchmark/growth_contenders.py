"""What the benchmark of growing games times: solvers and metrics by name.

Each contender is a function of the number of states: it loads a game of about so
many and returns `iterate`, which runs an iteration, or whatever is timed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
import functools
import itertools
import math
from multiprocessing.connection import Connection
import types

import numpy as np
from timing import Stopwatch

from algorithms import catalogue, quiet, stationary

HORIZON = 10
OUT_OF_MEMORY = "out of memory"
PLAYERS, RUNS, PARTICLES = 10**5, 4, 10

Iterate = Callable[[], float]


def chain(states: int) -> str:
    """A chain whose rewards are as large in long ones as in short ones."""
    attraction = f"{4 / states**2:.12f}"  # the parser knows no exponents
    return (
        f"mfg_crowd_chain(num_states={states},horizon={HORIZON},"
        f"crowd_cost={states}.0,center_attraction={attraction})"
    )


def room(states: int) -> str:
    """A square room, crossed in more steps than there are."""
    side = round(math.sqrt(states))
    return f"mfg_exploration(layout=empty_{side}x{side},horizon={HORIZON})"


def _solver(game: Callable[[int], str], name: str, options: Mapping, states: int):
    return _solving(catalogue.solver_class(name)(game(states), **options))


def _stationary(
    game: Callable[[int], str], name: str, criterion: str, options: Mapping, states: int
) -> Iterate:
    discount = None if criterion == "ergodic" else 0.99
    loaded = catalogue.load_game(game(states))
    model = stationary.StationaryModel(loaded, criterion, discount)
    return _solving(stationary.SOLVERS[name](model, **options))


def _solving(solver) -> Iterate:
    def iterate() -> float:
        solver.iteration()
        return solver.exploitability

    return iterate


def _uniform(states: int):
    from algorithms.model import load_model
    from algorithms.policy import ArrayPolicy

    model = load_model(chain(states))
    return model.game, ArrayPolicy(model, model.uniform_policy())


def _simulate(states: int) -> Iterate:
    from algorithms import finite_population

    game, policy = _uniform(states)
    seeds = itertools.count()
    play = functools.partial(finite_population.simulate, game, policy, PLAYERS)
    return lambda: float(play(seed=next(seeds)).returns.mean())


def _epsilon_nash(states: int) -> Iterate:
    from algorithms import finite_population

    game, policy = _uniform(states)
    arguments = (game, policy, PLAYERS, RUNS)
    return lambda: float(finite_population.epsilon_nash(*arguments).gain.sum())


def _duality_gap(states: int) -> Iterate:
    from algorithms.duality_gap import duality_gap

    game, policy = _uniform(states)
    return lambda: duality_gap(game, policy).gap


def _wasserstein(states: int) -> Iterate:
    """Between the uniform policy's crowd and one that goes to the left."""
    from algorithms.equilibrium_distance import MOVES, wasserstein
    from algorithms.policy import ArrayPolicy

    game, policy = _uniform(states)
    left = np.tile([1.0, 0.0, 0.0], (policy.model.num_nodes, 1))
    other = ArrayPolicy(policy.model, left)
    return lambda: float(wasserstein(game, policy, other, MOVES).mean())


def _of_catalogue(name: str, game: Callable = chain, **options) -> Callable:
    return functools.partial(_solver, game, name, options)


def _of_stationary(
    name: str, game: Callable = chain, criterion: str = "discounted", **options
) -> Callable:
    return functools.partial(_stationary, game, name, criterion, options)


# Label -> what sets it up, by the number of states.
CONTENDERS: Mapping[str, Callable[[int], Iterate]] = types.MappingProxyType(
    {
        "stationary_mirror_descent": _of_stationary("mirror_descent", lr=0.01),
        "stationary_policy_iteration": _of_stationary("policy_iteration", damping=0.9),
        "stationary_fictitious_play": _of_stationary("fictitious_play"),
        "stationary_fictitious_play_ergodic": _of_stationary(
            "fictitious_play", criterion="ergodic"
        ),
        "stationary_fictitious_play_room": _of_stationary("fictitious_play", room),
        "social_optimum": _of_catalogue("social_optimum"),
        "social_frank_wolfe": _of_catalogue("social_frank_wolfe"),
        "mean_field_psro": _of_catalogue("mean_field_psro"),
        "mf_omo": _of_catalogue("mf_omo"),
        "mf_omo_adam": _of_catalogue("mf_omo", optimizer="adam"),
        "proximal_gradient": _of_catalogue("proximal_gradient"),
        "proximal_gradient_dykstra": _of_catalogue(
            "proximal_gradient", projection="dykstra"
        ),
        "proximal_gradient_coordinate": _of_catalogue(
            "proximal_gradient", projection="coordinate"
        ),
        "admm": _of_catalogue("admm"),
        "admm_room": _of_catalogue("admm", room),
        "particle_swarm": _of_catalogue("particle_swarm", particles=PARTICLES),
        "two_timescale_q_learning": _of_catalogue("two_timescale_q_learning"),
        "sarsa_mirror_descent": _of_catalogue("sarsa_mirror_descent"),
        "simulate": _simulate,
        "epsilon_nash": _epsilon_nash,
        "duality_gap": _duality_gap,
        "wasserstein": _wasserstein,
    }
)


def walk(
    connection: Connection, name: str, sizes: Sequence[int], seconds: float
) -> None:
    """Times a contender from size to size, in a process of its own.

    Args:
      connection: gets a message when all is imported; then for each size one when it is
        set up and its `Timing`, or what it lacked.
      name: of the contender.
      sizes: numbers of states.
      seconds: how long to iterate, at least.
    """
    quiet.import_tensorflow()
    connection.send("imported")
    for message in _messages(name, sizes, seconds):
        connection.send(message)


def started(name: str, states: int) -> Iterate:
    """A contender that has run once: all is compiled."""
    iterate = CONTENDERS[name](states)
    iterate()
    return iterate


def _messages(name: str, sizes: Sequence[int], seconds: float) -> Iterator:
    import tensorflow as tf

    for states in sizes:
        try:
            start = functools.partial(started, name, states)
            stopwatch = Stopwatch(start, compare_at=1)
            yield "set up"
            yield stopwatch.run(seconds)
            stopwatch.close()
        except (MemoryError, tf.errors.ResourceExhaustedError):
            yield OUT_OF_MEMORY
            return
