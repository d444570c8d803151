"""Exploitability of exact solvers against OpenSpiel's NashConv, on small games."""

import functools

import numpy as np
from open_spiel.python.mfg.algorithms.distribution import DistributionPolicy
from open_spiel.python.mfg.algorithms.nash_conv import NashConv
from open_spiel.python.mfg.algorithms.policy_value import PolicyValue
import pyspiel
import test_openspiels_games as openspiels

from algorithms import catalogue
from algorithms.model.compiled import Compiled
from mfg_games.settings import SETTINGS, TESTING

from . import trying

COUNT, SECONDS = 500, 120.0
_TOLERANCE = 1e-9
Compiled.xla = False

_GAMES = [
    *(name for name, setting in SETTINGS.items() if TESTING in setting.tags),
    *(f"{name}({given})" for name, given in openspiels.GAMES.items()),
]


@functools.cache
def _solvers() -> tuple[str, ...]:
    """Those without networks."""
    classes = {name: catalogue.solver_class(name) for name in catalogue.SOLVERS}
    return tuple(name for name in classes if not hasattr(classes[name], "presets"))


def draw(rng: np.random.Generator) -> tuple[str, str, int]:
    """A game, a solver and a number of iterations."""
    game, solver = rng.choice(_GAMES), rng.choice(_solvers())
    return str(game), str(solver), int(rng.integers(4))


def attempt(drawn: tuple[str, str, int]) -> bool:
    """Compares after the iterations."""
    text, name, iterations = drawn
    game = catalogue.load_game(text)
    solver_class = catalogue.solver_class(name)
    try:
        solver = solver_class.make(game, **openspiels.small(solver_class))
    except ValueError as error:
        trying.require_refusal(error)
        return True
    for _ in range(iterations):
        solver.iteration()
    policy = solver.get_policy()
    expected = NashConv(game, policy).nash_conv()
    off = abs(solver.exploitability - expected) / max(1.0, _size(game, policy))
    if not off <= _TOLERANCE:
        raise trying.WrongError(f"{solver.exploitability!r} instead of {expected!r}")
    return False


def _size(game: pyspiel.Game, policy) -> float:
    """The largest value of a population, in magnitude."""
    values = PolicyValue(game, DistributionPolicy(game, policy), policy)
    roots = game.new_initial_states()
    return max(abs(values.eval_state(root)) for root in roots)
