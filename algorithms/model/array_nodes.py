"""The nodes behind the rows of an `ArrayModel`, and what OpenSpiel calls them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from algorithms.model.base import Flow
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
