"""What the checks look at: a game, its walk and random plays of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
import functools

import numpy as np
import pyspiel

from mfg_games.conformance import crowds
from mfg_games.conformance.play import Trajectory
from mfg_games.conformance.report import NotApplicableError
from mfg_games.conformance.walk import Walk
from mfg_games.dynamics import Dynamics

# What a check yields for everything wrong: expected, found, likely cause.
Findings = Iterator[tuple[str, str, str]]

_PLAYS = 5  # for each population
_MOST_MOVES = 10_000


class Subject:
    """A game under examination.

    Attributes:
      game: the game.
      max_states: limit on the number of states that the walk makes.
      names_before: short names that were taken before the game came; None for those
        of OpenSpiel itself.
      seed: seed of the random plays.
      solver_step: the step of the solvers' sweeps, once it is made.
    """

    def __init__(
        self,
        game: pyspiel.Game,
        max_states: int,
        names_before: Collection[str] | None,
        seed: int,
    ):
        self.game = game
        self.max_states = max_states
        self.names_before = names_before
        self.seed = seed
        self.solver_step = None

    @functools.cached_property
    def walk(self) -> Walk:
        """The game's layers."""
        return Walk(self.game, self.max_states)

    @functools.cached_property
    def trajectories(self) -> list[Trajectory]:
        """A few random plays of every population."""
        rng = np.random.default_rng(self.seed)
        return [
            Trajectory(state, population, rng, _MOST_MOVES)
            for _ in range(_PLAYS)
            for population, state in enumerate(self.game.new_initial_states())
        ]

    @property
    def dynamics(self) -> Dynamics:
        """The functions that the game is derived from.

        Raises:
          NotApplicableError: it is written by hand.
        """
        dynamics = getattr(self.game, "dynamics", None)
        if not isinstance(dynamics, Dynamics):
            raise NotApplicableError("the game is not derived from a Dynamics")
        return dynamics

    @functools.cached_property
    def chosen_steps(self) -> list[crowds.Step]:
        """What the functions return in random crowds and at corners."""
        return list(crowds.chosen_steps(self.dynamics, self.seed))

    @functools.cached_property
    def response_steps(self) -> list[crowds.Step]:
        """What they return in the crowds of best responses."""
        return list(crowds.response_steps(self.dynamics, self.max_states))

    @property
    def steps(self) -> list[crowds.Step]:
        """Both."""
        return [*self.chosen_steps, *self.response_steps]
