"""What the benchmark compares: ways to iterate on one game.

Each function here sets a solver up and returns `iterate`, which runs one iteration and
returns the exploitability of the policy that it leads to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from numpy_floor import BeachBarFloor
from open_spiel.python.mfg import games as upstream_games  # noqa: F401 (registers)
from open_spiel.python.mfg.algorithms import (
    fictitious_play,
    mirror_descent,
    nash_conv,
)
from open_spiel.python.policy import UniformRandomPolicy
import pyspiel

from algorithms import catalogue, exploitability
import mfg_games  # noqa: F401 (registers)

Iterate = Callable[[], float]

UPSTREAM_SOLVERS = {
    "mirror_descent": mirror_descent.MirrorDescent,
    "fictitious_play": fictitious_play.FictitiousPlay,
}


def load(name: str, parameters: Mapping) -> pyspiel.Game:
    """A game with these parameters."""
    return pyspiel.load_game(name, dict(parameters))


def ours(solver: str, name: str, parameters: Mapping) -> Iterate:
    """A solver of this project."""
    running = catalogue.solver_class(solver)(load(name, parameters))

    def iterate() -> float:
        running.iteration()
        return running.exploitability

    running.exploitability  # noqa: B018 (compiles)
    return iterate


def upstream(solver: str, name: str, parameters: Mapping) -> Iterate:
    """A solver of OpenSpiel."""
    game = load(name, parameters)
    running = UPSTREAM_SOLVERS[solver](game)

    def iterate() -> float:
        running.iteration()
        return nash_conv.NashConv(game, running.get_policy()).nash_conv()

    return iterate


def our_nash_conv(policy: str, name: str, parameters: Mapping) -> Iterate:
    """Our NashConv of the uniform policy.

    Args:
      policy: "array" for a policy of this project, "OpenSpiel" for one of OpenSpiel,
        which is read state by state.
      name: of the game.
      parameters: of the game.
    """
    game = load(name, parameters)
    uniform = {
        "array": catalogue.solver_class("mirror_descent")(game).get_policy(),
        "OpenSpiel": UniformRandomPolicy(game),
    }[policy]
    exploitability.exploitability(game, uniform)  # compiles
    return lambda: exploitability.exploitability(game, uniform)


def upstream_nash_conv(name: str, parameters: Mapping) -> Iterate:
    """OpenSpiel's NashConv of the uniform policy."""
    game = load(name, parameters)
    policy = UniformRandomPolicy(game)
    return lambda: nash_conv.NashConv(game, policy).nash_conv()


def floor(size: int, horizon: int) -> Iterate:
    """The beach bar in plain NumPy."""
    running = BeachBarFloor(size, horizon)
    running.iteration()
    return running.iteration
