"""What the checks look at: a game, its walk and random plays of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
import functools

import numpy as np
import pyspiel

from mfg_games.conformance.play import Trajectory
from mfg_games.conformance.walk import Walk

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
