"""Policies on disk."""

from __future__ import annotations

import pathlib

import numpy as np
import pyspiel

from algorithms import array_file, files
from algorithms.model import MeanFieldModel, load_model
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
      ValueError: the file is missing, damaged, no policy, or of another game.
    """
    arrays = array_file.read(
        path, identity="U0", probabilities="f2", **array_file.NODES
    )
    identity = array_file.read_identity(path, arrays)
    if game is None:
        game = _game(path, identity)
    elif array_file.game_identity(game) != identity:
        raise ValueError(
            f"`{path}` holds a policy of {identity}, not of "
            f"{array_file.game_identity(game)}."
        )
    with files.naming(path):
        return _policy(load_model(game), arrays)


def _game(path: str | pathlib.Path, identity: dict) -> pyspiel.Game:
    try:
        return pyspiel.load_game(identity["game"], identity["parameters"])
    except Exception as error:  # anybody's game may raise anything
        raise ValueError(
            f"`{path}` is of a game that cannot be loaded: {error}"
        ) from error


def _policy(model: MeanFieldModel, arrays: dict[str, np.ndarray]) -> ArrayPolicy:
    """The saved policy in a model's rows."""
    probabilities = arrays["probabilities"]
    rows = array_file.rows_in(model, arrays)
    if rows is not None:
        placed = model.uniform_policy().numpy().copy()
        placed[rows[: len(probabilities)]] = probabilities
        probabilities = placed
    expected = (model.num_nodes, model.num_actions)
    if probabilities.shape != expected or not np.isfinite(probabilities).all():
        raise ValueError(
            f"It must hold finite probabilities of shape {expected}. "
            f"Received: {probabilities.shape}"
        )
    return ArrayPolicy(model, probabilities)
