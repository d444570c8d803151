"""Single players in a population whose laws are given: sampled steps for learners.

Shapes: E players, N populations, S states, A actions, K outcomes of the individual
noise; D decision nodes in the order of the array model: by time, noise history,
population and state.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from algorithms.model import Flow
from mfg_games.dynamics import Dynamics
from mfg_games.mean_field import MeanField


class Players(NamedTuple):
    """Where E players are, int [E] each; indexes arrays [histories, N, S]."""

    history: np.ndarray
    population: np.ndarray
    x: np.ndarray


class SampledWorld:
    """What a single player meets in a population whose laws it is told.

    Args:
      dynamics: the game.

    Attributes:
      dynamics: the game.
      legal: bool [S, A].
      terminal_rewards: [histories at the horizon, N, S], once the last law is told.
    """

    def __init__(self, dynamics: Dynamics):
        self.dynamics = dynamics
        self.legal = dynamics.legal_mask()
        self.terminal_rewards = None
        self._rewards = dynamics.horizon * [None]
        self._laws = dynamics.horizon * [None]
        self._starts = thresholds(dynamics.initial_laws)

    def tell(self, t: int, laws: np.ndarray) -> None:
        """Tells how the population is distributed at a time from now on.

        Args:
          t: a decision time, or the horizon.
          laws: given each noise history, [histories, N, S]; at decision times of games
            with `joint_law` [histories, N, S, A].
        """
        d = self.dynamics
        fields = [MeanField(d, t, history, law) for history, law in enumerate(laws)]
        if t == d.horizon:
            self.terminal_rewards = np.stack([each.terminal_rewards for each in fields])
        else:
            self._rewards[t], self._laws[t] = _rewards(d, fields), _law(d, t, fields)

    def start(self, num_players: int, rng: np.random.Generator) -> Players:
        """That many players of each population, drawn from its initial laws."""
        population = np.repeat(np.arange(self.dynamics.num_populations), num_players)
        history = rng.integers(len(self._starts), size=len(population))
        x = draw(self._starts[history, population], rng)
        return Players(history, population, x)

    def step(
        self, t: int, players: Players, actions: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, Players]:
        """What the players get for their actions at time t and where they come to.

        Args:
          t: a decision time.
          players: where they are.
          actions: int [E].
          rng: random numbers.

        Returns:
          Rewards [E], and the players at time t + 1.
        """
        d, law = self.dynamics, self._laws[t]
        history, population, x = players
        rewards = self._rewards[t][history, population, x, actions]
        history = d.drawn_history(t, history, rng)
        source = (x, actions) if d.moves is None else (d.moves[x, actions],)
        outcome = draw(law.thresholds[history, population, *source], rng)
        x = law.successors[history, *source, outcome]
        return rewards, Players(history, population, x)


class FrozenWorld(SampledWorld):
    """What a single player meets in a population whose flow is frozen.

    Args:
      dynamics: the game.
      flow: of the population, as the array model gives it.
    """

    def __init__(self, dynamics: Dynamics, flow: Flow):
        super().__init__(dynamics)
        law = flow.joint if dynamics.joint_law else flow.mass
        fields = [*by_time(dynamics, np.asarray(law)), np.asarray(flow.rest)]
        for t, field in enumerate(fields):
            self.tell(t, dynamics.given_histories(t, field))


def by_time(dynamics: Dynamics, array: np.ndarray) -> list[np.ndarray]:
    """Views of the rows of each time.

    Args:
      dynamics: the game.
      array: [D, ...], or longer by the rows of the horizon.

    Returns:
      A view [histories, N, S, ...] for each decision time, and for the horizon if the
      array has its rows.
    """
    layer = (dynamics.num_populations, dynamics.num_states)
    views, first, t = [], 0, 0
    while first < len(array):
        shape = (dynamics.num_histories(t), *layer)
        last = first + math.prod(shape)
        views.append(array[first:last].reshape(*shape, *array.shape[1:]))
        first, t = last, t + 1
    return views


class _Law(NamedTuple):
    """Where players go in one step; with `moves` the axis A is missing.

    Attributes:
      successors: int [histories of the next time, S, A, K].
      thresholds: [histories of the next time, N, S, A, K - 1], as `draw` takes them.
    """

    successors: np.ndarray
    thresholds: np.ndarray


def _law(d: Dynamics, t: int, fields: list[MeanField]) -> _Law:
    branches = range(d.num_common_outcomes(t))
    steps = [field.transition(outcome) for field in fields for outcome in branches]
    successors, probabilities = map(np.stack, zip(*steps, strict=True))
    return _Law(successors, thresholds(probabilities))


def _rewards(d: Dynamics, fields: list[MeanField]) -> np.ndarray:
    """Rewards at one time, [histories, N, S, A]."""
    rewards = np.stack([field.rewards for field in fields])
    return np.broadcast_to(rewards, (*rewards.shape[:-1], d.num_actions))


def thresholds(probabilities: np.ndarray) -> np.ndarray:
    """What `draw` takes: cumulated probabilities but the last one, [..., K - 1]."""
    return np.cumsum(probabilities, axis=-1)[..., :-1]


def draw(cumulated: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One outcome for each row of `thresholds`, int [rows]."""
    return (rng.random(len(cumulated))[:, None] >= cumulated).sum(axis=1)
