"""Tables of action values, learnt from sampled episodes alone.

Shapes: E players, D decision nodes in the order of the array model, A actions; a layer
is a view [histories, N, S, A] of a table at one time.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from algorithms.checked import Checked
from algorithms.frozen_world import FrozenWorld, by_time, draw, thresholds
from mfg_games import parameters
from mfg_games.dynamics import Dynamics

SAMPLED = "whose steps can be sampled"  # why solvers take no other games

# Bytes of a place, an action, a reward and the next place.
_STEP = 64


@dataclasses.dataclass(frozen=True)
class Learning(metaclass=Checked):
    """How a table is learnt.

    Attributes:
      episodes: how many each population plays in an iteration.
      batch_size: how many of them at a time; it divides `episodes`.
      learning_rate: of the table.
      exploration: probability of a random action.
      seed: of all random numbers.

    Raises:
      ValueError: an attribute is out of range.
    """

    episodes: int
    batch_size: int
    learning_rate: float
    exploration: float
    seed: int

    def __post_init__(self):
        parameters.at_least("batch_size", self.batch_size, 1)
        parameters.require(
            self.episodes > 0 and self.episodes % self.batch_size == 0,
            "episodes",
            self.episodes,
            f"a multiple of batch_size={self.batch_size}",
        )
        parameters.require(
            0 < self.learning_rate <= 1,
            "learning_rate",
            self.learning_rate,
            "above 0 and at most 1",
        )
        parameters.probability("exploration", self.exploration)
        parameters.at_least("seed", self.seed, 0)

    def require_room(self, dynamics: Dynamics) -> None:
        """Requires the memory to hold the steps of a batch of episodes.

        Raises:
          ValueError: it does not.
        """
        needed = bytes_of_walks(dynamics, self.batch_size)
        parameters.fits(needed, batch_size=self.batch_size)

    def iteration(
        self,
        q: np.ndarray,
        world: FrozenWorld,
        number: int,
        policy: np.ndarray | None = None,
    ) -> np.ndarray:
        """A table after the episodes of one iteration.

        Args:
          q: [D, A], the table before.
          world: where to play.
          number: of the iteration.
          policy: as in `play`.
        """
        q = np.array(q, np.float64)
        rng = np.random.default_rng([self.seed, number])
        for _ in range(self.episodes // self.batch_size):
            rates = self.learning_rate, self.exploration
            play(q, world, self.batch_size, *rates, rng, policy)
        return q


def bytes_of_walks(dynamics: Dynamics, players: int) -> int:
    """What is remembered of players, so many of each population, in a game."""
    return _STEP * dynamics.horizon * dynamics.num_populations * players


def play(
    q: np.ndarray,
    world: FrozenWorld,
    num_episodes: int,
    learning_rate: float,
    exploration: float,
    rng: np.random.Generator,
    policy: np.ndarray | None = None,
) -> None:
    """Plays episodes side by side, then learns from their steps, the last ones first.

    Args:
      q: [D, A], changed in place; rows as in the array model.
      world: where to play.
      num_episodes: of each population.
      learning_rate: of the table.
      exploration: probability of a random legal action.
      rng: random numbers.
      policy: [D, A], which is played and whose values are learnt (expected Sarsa);
        None for the greedy policy of `q` at any time (Q-learning).
    """
    layers = by_time(world.dynamics, q)
    policies = len(layers) * [None]
    if policy is not None:
        policies = by_time(world.dynamics, policy)
    players = world.start(num_episodes, rng)
    steps = []
    for t, (layer, chosen) in enumerate(zip(layers, policies, strict=True)):
        legal = world.legal[players.x]
        if chosen is None:
            actions = np.where(legal, layer[players], -np.inf).argmax(axis=-1)
        else:
            actions = draw(thresholds(chosen[players]), rng)
        _explore(actions, legal, exploration, rng)
        rewards, after = world.step(t, players, actions, rng)
        steps.append((layer, chosen, (*players, actions), rewards, after))
        players = after
    worth = world.terminal_rewards
    for layer, chosen, places, rewards, after in reversed(steps):
        learn(layer, places, rewards + worth[after], learning_rate)
        worth = best(layer, world) if chosen is None else (chosen * layer).sum(axis=-1)


def best(layer: np.ndarray, world: FrozenWorld) -> np.ndarray:
    """The highest values of a layer, [histories, N, S]."""
    return np.where(world.legal, layer, -np.inf).max(axis=-1)


def _explore(
    actions: np.ndarray,
    legal: np.ndarray,
    exploration: float,
    rng: np.random.Generator,
) -> None:
    """Replaces a share of the actions [E] by random ones among the legal [E, A]."""
    explorers = rng.random(len(actions)) < exploration
    scores = rng.random((explorers.sum(), legal.shape[-1]))
    actions[explorers] = np.where(legal[explorers], scores, -1.0).argmax(axis=-1)


def learn(
    layer: np.ndarray,
    places: tuple[np.ndarray, ...],
    targets: np.ndarray,
    rates: float | np.ndarray,
) -> None:
    """Moves values to the mean of their targets; n at one place count as n moves.

    Args:
      layer: values, changed in place.
      places: indices into the layer, int [E] each.
      targets: [E].
      rates: of one move, for all values or for each one, as the layer.
    """
    flat = layer.reshape(-1)
    rows, which, visits = np.unique(
        np.ravel_multi_index(places, layer.shape),
        return_inverse=True,
        return_counts=True,
    )
    mean = np.bincount(which, targets) / visits
    kept = (1 - np.broadcast_to(rates, layer.shape).reshape(-1)[rows]) ** visits
    flat[rows] += (1 - kept) * (mean - flat[rows])
