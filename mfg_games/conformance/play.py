"""Random play, and what can be seen of a state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
import dataclasses
import math

import numpy as np
import pyspiel

_TOLERANCE = 1e-9  # relative; serialization with six digits fails it

Move = int | list[float]  # an action or outcome, or the masses of a distribution


@dataclasses.dataclass(frozen=True)
class Portrait:
    """Everything visible of a state that a copy of it must keep.

    `choices` are what the state can be given: chance outcomes with their
    probabilities, legal actions, or the strings of its support.
    """

    string: str
    type: pyspiel.StateType
    player: int
    rewards: list[float]
    returns: list[float]
    choices: list

    @classmethod
    def of(cls, state: pyspiel.State) -> Portrait:
        """The portrait of a state."""
        kind = state.get_type()
        choices = {
            pyspiel.StateType.CHANCE: state.chance_outcomes,
            pyspiel.StateType.DECISION: state.legal_actions,
            pyspiel.StateType.MEAN_FIELD: state.distribution_support,
        }.get(kind, list)
        return cls(
            str(state),
            kind,
            int(state.current_player()),
            floats(state.rewards()),
            floats(state.returns()),
            list(choices()),
        )

    def differences(self, other: Portrait) -> Iterator[tuple[str, object, object]]:
        """Names and values of the fields in which another portrait differs."""
        for field in dataclasses.fields(self):
            mine, theirs = getattr(self, field.name), getattr(other, field.name)
            if not _equal(mine, theirs):
                yield field.name, mine, theirs


def floats(values: Iterable[float]) -> list[float]:
    """Plain floats, which print without their type."""
    return [float(value) for value in values]


def _equal(a: object, b: object) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return same(a, b)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(_equal, a, b))
    return a == b


def same(a: float, b: float) -> bool:
    """Whether two rewards are equal but for rounding; NaN equals NaN."""
    close = math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    return close or (math.isnan(a) and math.isnan(b))


def apply(state: pyspiel.State, move: Move) -> None:
    """Makes a move of any kind."""
    if isinstance(move, list):
        state.update_distribution(move)
    else:
        state.apply_action(move)


class Trajectory:
    """One random play of one population's player.

    Mean field nodes are given random masses that sum to one over the support, as in
    OpenSpiel's own random simulation.

    Attributes:
      population: whose player it is.
      portraits: the portrait of every node, in order.
      moves: what was done at each node but the last.
      error: the exception that ended the play, or None.
    """

    def __init__(
        self,
        state: pyspiel.State,
        population: int,
        rng: np.random.Generator,
        max_moves: int,
    ):
        self.population = population
        self.portraits: list[Portrait] = []
        self.moves: list[Move] = []
        self.error: Exception | None = None
        try:
            self.portraits.append(Portrait.of(state))
            while not state.is_terminal() and len(self.moves) < max_moves:
                move = _random_move(state, rng)
                apply(state, move)
                self.moves.append(move)
                self.portraits.append(Portrait.of(state))
        except Exception as error:  # whatever a stranger's game raises
            self.error = error

    def history(self, length: int | None = None) -> str:
        """The first moves, "mu" for a registered distribution."""
        moves = self.moves[:length]
        words = ["mu" if isinstance(move, list) else str(move) for move in moves]
        return " ".join(words) or "no move"

    def count(self, kind: pyspiel.StateType) -> int:
        """Number of nodes of one type."""
        return sum(portrait.type == kind for portrait in self.portraits)

    @property
    def is_complete(self) -> bool:
        """Whether a terminal state was reached."""
        kinds = [portrait.type for portrait in self.portraits]
        return kinds[-1:] == [pyspiel.StateType.TERMINAL]

    def replay(self, game: pyspiel.Game) -> Iterator[Portrait]:
        """The portraits met when the same moves are made in another game."""
        state = game.new_initial_states()[self.population]
        yield Portrait.of(state)
        for move in self.moves:
            apply(state, move)
            yield Portrait.of(state)


def _random_move(state: pyspiel.State, rng: np.random.Generator) -> Move:
    match state.get_type():
        case pyspiel.StateType.MEAN_FIELD:
            weights = rng.exponential(size=len(state.distribution_support()))
            return (weights / weights.sum()).tolist()
        case pyspiel.StateType.CHANCE:
            outcomes, probabilities = zip(*state.chance_outcomes(), strict=True)
            law = np.array(probabilities)
            return int(rng.choice(outcomes, p=law / law.sum()))
    return int(rng.choice(state.legal_actions()))
