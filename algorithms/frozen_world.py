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
        if t == d.horizon:
            self.terminal_rewards = d.discount**t * np.stack(
                [
                    d.terminal_reward(np, mu, d.noise_value(t, history))
                    for history, mu in enumerate(laws)
                ]
            )
        else:
            self._rewards[t], self._laws[t] = _rewards(d, t, laws), _law(d, t, laws)

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
        branches = d.num_common_outcomes(t)
        if branches > 1:
            shocks = d.common_noise.outcome_probabilities[t]
            history = history * branches + rng.choice(branches, len(x), p=shocks)
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
            shares = dynamics.history_probabilities(t)
            self.tell(t, field / shares.reshape([-1] + [1] * (field.ndim - 1)))


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


def _law(d: Dynamics, t: int, fields: np.ndarray) -> _Law:
    branches = d.num_common_outcomes(t)
    successors, cumulated = [], []
    for child in range(d.num_histories(t + 1)):
        mu, z = fields[child // branches], d.noise_value(t + 1, child)
        targets, probabilities = d.transition(np, t, mu, z)
        shape = (d.num_populations, *targets.shape)
        successors.append(targets)
        cumulated.append(thresholds(np.broadcast_to(probabilities, shape)))
    return _Law(np.stack(successors), np.stack(cumulated))


def _rewards(d: Dynamics, t: int, fields: np.ndarray) -> np.ndarray:
    """Rewards at time t, [histories, N, S, A]."""
    rewards = np.stack(
        [d.reward(np, t, mu, d.noise_value(t, h)) for h, mu in enumerate(fields)]
    )
    shape = (*rewards.shape[:-1], d.num_actions)
    return np.broadcast_to(d.discount**t * rewards, shape)


def thresholds(probabilities: np.ndarray) -> np.ndarray:
    """What `draw` takes: cumulated probabilities but the last one, [..., K - 1]."""
    return np.cumsum(probabilities, axis=-1)[..., :-1]


def draw(cumulated: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One outcome for each row of `thresholds`, int [rows]."""
    return (rng.random(len(cumulated))[:, None] >= cumulated).sum(axis=1)
