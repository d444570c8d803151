"""The nodes behind the rows of an `ArrayModel`, and what OpenSpiel calls them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from algorithms.model.base import Flow
from mfg_games.mean_field import normalised, normalised_joint
from mfg_games.nodes import Node
from mfg_games.openspiel_game import MeanFieldGame, MeanFieldState


def decision_states(game: MeanFieldGame) -> Iterator[MeanFieldState]:
    """A state of OpenSpiel for each row, in their order."""
    for t, history, population, x in _nodes(game, range(game.dynamics.horizon)):
        yield game.decision_state(population, t, history, x)


def masses(game: MeanFieldGame, flow: Flow) -> dict[str, float]:
    """The mass of each decision and mean field node by the string of its state."""
    horizon, string = game.dynamics.horizon, game.names.string
    mass = np.concatenate([flow.mass.numpy(), flow.rest.numpy().ravel()])
    nodes = _nodes(game, range(horizon + 1))
    by_name = {}
    for value, (t, history, population, x) in zip(mass.tolist(), nodes, strict=True):
        place = (population, t, history, x, -1)
        if t > 0:
            by_name[string(Node.MEAN_FIELD, *place)] = value
        if t < horizon:
            by_name[string(Node.DECISION, *place)] = value
    return by_name | _joint_masses(game, flow)


def passing_masses(
    game: MeanFieldGame, policy: tf.Tensor, flow: Flow
) -> dict[str, float]:
    """The mass of each start, settlement, chance and terminal node by its string."""
    d, string = game.dynamics, game.names.string
    populations = range(d.num_populations)
    by_name = {string(Node.START, n, 0, 0, -1, -1): 1.0 for n in populations}
    kinds = [Node.SETTLEMENT, Node.CHANCE] if game.has_settlements else [Node.CHANCE]
    legal = d.legal_mask()
    masses = flow.mass.numpy()[:, None] * policy.numpy()
    nodes = _nodes(game, range(d.horizon))
    for row, (t, history, population, x) in zip(masses.tolist(), nodes, strict=True):
        for action in np.flatnonzero(legal[x]).tolist():
            place = (population, t, history, x, action)
            by_name |= {string(kind, *place): row[action] for kind in kinds}
    last = _nodes(game, range(d.horizon, d.horizon + 1))
    ends = flow.rest.numpy().ravel().tolist()
    for mass, (t, history, population, x) in zip(ends, last, strict=True):
        by_name[string(Node.TERMINAL, population, t, history, x, -1)] = mass
    return by_name


def flow(
    game: MeanFieldGame, mass_of: Callable[[str, float], float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The arrays of the flow in which mean field nodes have given masses.

    They are registered as the game's own states do it.
    """
    d = game.dynamics
    layers = [d.initial_laws / len(d.initial_laws)]
    layers += [
        _registered(game, Node.MEAN_FIELD, t, normalised, mass_of)
        for t in range(1, d.horizon + 1)
    ]
    joint = [
        _registered(game, Node.JOINT_MEAN_FIELD, t, normalised_joint, mass_of)
        for t in range(d.horizon if d.joint_law else 0)
    ]
    return (
        np.concatenate([layer.ravel() for layer in layers[:-1]]),
        layers[-1],
        np.concatenate(
            [layer.reshape(-1, d.num_actions) for layer in joint]
            or [np.zeros((0, d.num_actions))]
        ),
    )


def _registered(
    game: MeanFieldGame, node: Node, t: int, normalise: Callable, mass_of: Callable
) -> np.ndarray:
    """The masses of all histories of a time, [H, N, S] or [H, N, S, A]."""
    d = game.dynamics
    laws = []
    for history, probability in enumerate(d.history_probabilities(t)):
        masses = [mass_of(name, 0.0) for name in game.names.support(node, t, history)]
        laws.append(probability * normalise(d, t, history, masses))
    return np.stack(laws)


def _joint_masses(game: MeanFieldGame, flow: Flow) -> dict[str, float]:
    """Mass of every mean field node over states and actions."""
    if not game.dynamics.joint_law:
        return {}
    string, legal = game.names.string, game.dynamics.legal_mask()
    nodes = _nodes(game, range(game.dynamics.horizon))
    return {
        string(Node.JOINT_MEAN_FIELD, population, t, history, x, int(action)): float(
            row[action]
        )
        for row, (t, history, population, x) in zip(
            flow.joint.numpy(), nodes, strict=True
        )
        for action in np.flatnonzero(legal[x])
    }


def _nodes(game: MeanFieldGame, times: range) -> Iterator[tuple[int, int, int, int]]:
    """Time, noise history, population and state of the rows, in their order."""
    d = game.dynamics
    for t in times:
        shape = (d.num_histories(t), d.num_populations, d.num_states)
        for history, population, x in np.ndindex(*shape):
            yield t, history, population, x
