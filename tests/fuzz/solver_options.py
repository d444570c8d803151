"""Options of solvers of any value: the solver is made, or one line names which."""

import numpy as np

from algorithms import catalogue
from algorithms.model.compiled import Compiled

from . import bad_values, trying

COUNT, SECONDS = 1000, 20.0
GAME = "mfg_exploration(layout=empty_2x2,horizon=2,initial_laws=own+uniform)"
FLOCK = "flocking_2d(horizon=2)"
Compiled.xla = False


def draw(rng: np.random.Generator) -> tuple[str, dict]:
    """A solver and one or two of its options."""
    name = str(rng.choice(list(catalogue.SOLVERS)))
    defaults = catalogue.solver_class(name).options()
    options = list(defaults)
    number = min(len(options), int(rng.integers(1, 3)))
    given = {
        str(key): bad_values.anything(rng, defaults[key])
        for key in rng.choice(options, number, replace=False)
    }
    if rng.integers(12) == 0:
        given["no_such_option"] = 1
    return name, given


def attempt(drawn: tuple[str, dict]) -> bool:
    """Makes a solver for a tiny game."""
    name, given = drawn
    game = FLOCK if name == "flock" else GAME
    try:
        with trying.little_memory(trying.GIGABYTE, 4 * trying.GIGABYTE):
            catalogue.solver_class(name).make(game, **given)
    except (ValueError, TypeError) as error:
        trying.require_refusal(error, *given)
        return True
    return False
