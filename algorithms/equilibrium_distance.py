"""How far apart the crowds of two policies are, time by time.

Two policies may differ where nobody comes, and equilibria may differ in policies alone;
what can be seen of an equilibrium is its flow. Distances between the distributions mu
and nu of a population at one time:

- total variation, half the sum of |mu - nu|: the share of the players who are in other
  states, however near;
- Wasserstein-1, the least total way that the players of one crowd must go to become the
  other one, where the way is measured between the states' coordinates or in moves.

Under common noise both are averages over its histories, which both crowds share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from open_spiel.python import policy as openspiel_policy
import pyspiel
from scipy import optimize, sparse, stats

from algorithms import frozen_world
from algorithms.distribution import DistributionPolicy
from mfg_games import parameters
from mfg_games.dynamics import Dynamics
from mfg_games.mean_field import MeanField
from mfg_games.openspiel_game import MeanFieldGame

COORDINATES, MOVES = GROUNDS = ("coordinates", "moves")


def total_variation(
    game: pyspiel.Game | str,
    first: openspiel_policy.Policy,
    second: openspiel_policy.Policy,
) -> np.ndarray:
    """Total variation between the crowds of two policies, [T + 1, N], in [0, 1].

    Args:
      game: a game registered by `mfg_games.register`, or its string.
      first: an OpenSpiel policy of that game.
      second: another one.

    Raises:
      ValueError: the game is not one of this collection.
    """
    _, layers = _flows(game, first, second)
    return np.array([np.abs(mu - nu).sum((0, 2)) / 2 for mu, nu in layers])


def wasserstein(
    game: pyspiel.Game | str,
    first: openspiel_policy.Policy,
    second: openspiel_policy.Policy,
    ground: str = COORDINATES,
) -> np.ndarray:
    """Wasserstein-1 distance between the crowds of two policies, [T + 1, N].

    Args:
      game: a game registered by `mfg_games.register`, or its string.
      first: an OpenSpiel policy of that game.
      second: another one.
      ground: how far two states are apart: "coordinates" for the Euclidean distance of
        their coordinates, through walls; "moves" for the least number of moves from one
        to the other, in any direction, around walls and tori. Moves are what actions
        ask for, or where the game does not tell them from noise, what may happen.

    Raises:
      ValueError: the game is not one of this collection, the ground is another one, or
        no moves lead from the one crowd to the other.
    """
    parameters.one_of("ground", ground, GROUNDS)
    d, layers = _flows(game, first, second)
    if ground == MOVES:
        distance = MoveDistance(d)
    else:
        distance = _coordinate_distance(d.state_coordinates())
    found = np.zeros((len(layers), d.num_populations))
    for t, (mu, nu) in enumerate(layers):
        for history, population in np.ndindex(mu.shape[:2]):
            pair = mu[history, population], nu[history, population]
            found[t, population] += _transported(*pair, distance)
    return found


def _transported(mu: np.ndarray, nu: np.ndarray, distance: Callable) -> float:
    """Distance of measures [S] of one mass; only what differs has to go."""
    excess = mu - nu
    sources, targets = np.maximum(excess, 0.0), np.maximum(-excess, 0.0)
    moved = sources.sum()
    if moved <= 1e-15:  # rounding of equal distributions
        return 0.0
    return moved * distance(sources / moved, targets / targets.sum())


def _coordinate_distance(coordinates: np.ndarray) -> Callable:
    """Wasserstein-1 of distributions on points, int [S, factors], by SciPy."""

    def distance(sources: np.ndarray, targets: np.ndarray) -> float:
        at, to = np.flatnonzero(sources), np.flatnonzero(targets)
        masses = sources[at], targets[to]
        if coordinates.shape[1] == 1:
            points = coordinates[at, 0], coordinates[to, 0]
            return stats.wasserstein_distance(*points, *masses)
        points = coordinates[at], coordinates[to]
        return stats.wasserstein_distance_nd(*points, *masses)

    return distance


class MoveDistance:
    """Wasserstein-1 of distributions on the graph of a game's moves.

    The least cost of a flow along the graph's edges that carries the one distribution
    to the other (Beckmann 1952): a linear programme with a variable for each direction
    of an edge, in place of one for each pair of states.
    """

    def __init__(self, dynamics: Dynamics):
        edges = _edges(dynamics)
        count = np.arange(len(edges))
        shape = (dynamics.num_states, len(edges))
        outflow, inflow = (
            sparse.csr_array((np.ones(len(edges)), (ends, count)), shape=shape)
            for ends in edges.T
        )
        self._balance = outflow - inflow

    def __call__(self, sources: np.ndarray, targets: np.ndarray) -> float:
        """The distance of distributions [S].

        Raises:
          ValueError: no moves lead from the one to the other.
        """
        found = optimize.linprog(
            np.ones(self._balance.shape[1]),
            A_eq=self._balance,
            b_eq=sources - targets,
            method="highs",
        )
        if not found.success:
            raise ValueError(
                "No moves of the game lead from the one crowd to the other: "
                f"{found.message}"
            )
        return found.fun


def _edges(d: Dynamics) -> np.ndarray:
    """Pairs of states that one move joins, in both directions, int [E, 2]."""
    states, actions = np.nonzero(d.legal_mask())
    if d.moves is not None:
        pairs = np.stack([states, d.moves[states, actions]], axis=-1)
    else:
        ways = {step.tobytes(): step for step in _ways(d, states, actions)}
        pairs = np.concatenate(list(ways.values()))
    return np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0)


def _ways(d: Dynamics, states: np.ndarray, actions: np.ndarray) -> Iterator[np.ndarray]:
    """Pairs of states that actions join, at each time and noise history, int [E, 2]."""
    law = d.uniform_law()
    for t in range(d.horizon):
        for history in range(d.num_histories(t)):
            field = MeanField(d, t, history, law)
            for outcome in range(d.num_common_outcomes(t)):
                successors, probabilities = field.transition(outcome)
                possible = (probabilities > 0).any(axis=0)[states, actions]
                taken, outcomes = np.nonzero(possible)
                ends = successors[states[taken], actions[taken], outcomes]
                yield np.stack([states[taken], ends], axis=-1)


def _flows(
    game: pyspiel.Game | str,
    first: openspiel_policy.Policy,
    second: openspiel_policy.Policy,
) -> tuple[Dynamics, list[tuple[np.ndarray, np.ndarray]]]:
    """The game, and for t = 0..T both policies' masses, [H_t, N, S] each."""
    layers = []
    for policy in (first, second):
        found = DistributionPolicy(game, policy)
        if not isinstance(found.game, MeanFieldGame):
            raise ValueError(
                f"`game` must be one registered by mfg_games. Received: {found.game}"
            )
        d, flow = found.game.dynamics, found.flow
        masses = frozen_world.by_time(d, np.asarray(flow.mass, np.float64))
        layers.append([*masses, np.asarray(flow.rest, np.float64)])
    return d, list(zip(*layers, strict=True))
