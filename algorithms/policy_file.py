"""Policies on disk."""

from __future__ import annotations

import pathlib

import numpy as np
import pyspiel

from algorithms import array_file
from algorithms.model import load_model
from algorithms.policy import ArrayPolicy


def save_policy(path: str | pathlib.Path, policy: ArrayPolicy) -> None:
    """Writes a policy and the game that it is for, as an `.npz` file."""
    model = policy.model
    array_file.write(
        path,
        identity=array_file.identity_array(array_file.game_identity(model.game)),
        probabilities=policy.probabilities,
        **array_file.node_arrays(model),
    )


def load_policy(
    path: str | pathlib.Path, game: pyspiel.Game | None = None
) -> ArrayPolicy:
    """Reads a policy as an OpenSpiel policy.

    Args:
      path: a file of `save_policy`.
      game: the game to play; None for the game that the file names.

    Raises:
      ValueError: the file is no policy, or of another game.
    """
    arrays = array_file.read(
        path, "identity", "probabilities", "nodes", "legal_actions"
    )
    identity = array_file.read_identity(arrays)
    if game is None:
        game = pyspiel.load_game(identity["game"], identity["parameters"])
    elif array_file.game_identity(game) != identity:
        raise ValueError(
            f"`{path}` holds a policy of {identity}, not of "
            f"{array_file.game_identity(game)}."
        )
    model = load_model(game)
    probabilities = arrays["probabilities"]
    rows = array_file.rows_in(model, arrays)
    if rows is not None:
        placed = model.uniform_policy().numpy().copy()
        placed[rows[: len(probabilities)]] = probabilities
        probabilities = placed
    expected = (model.num_nodes, model.num_actions)
    if probabilities.shape != expected or not np.isfinite(probabilities).all():
        raise ValueError(
            f"`{path}` must hold finite probabilities of shape {expected}. "
            f"Received: {probabilities.shape}"
        )
    return ArrayPolicy(model, probabilities)
