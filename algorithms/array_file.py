"""Arrays on disk: `.npz` files without pickle, written at once or not at all."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pyspiel

from algorithms import files
from algorithms.model import MeanFieldModel


def write(path: str | pathlib.Path, **arrays: np.ndarray) -> None:
    """Writes an `.npz` file, replacing an old one at once or not at all."""
    with files.replacing(path) as own, open(own, "wb") as file:
        np.savez(file, **arrays)


def read(path: str | pathlib.Path, *required: str) -> dict[str, np.ndarray]:
    """Reads an `.npz` file, never unpickling anything.

    Raises:
      ValueError: it is no such file, or lacks one of the required arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except (ValueError, EOFError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"`{path}` is no readable .npz file: {error}") from error
    missing = sorted(set(required) - set(arrays))
    if missing:
        raise ValueError(f"`{path}` lacks the arrays {missing}.")
    return arrays


def game_identity(game: pyspiel.Game) -> dict:
    """Name and parameters of a game, with all digits of its floats."""
    name = game.get_type().short_name
    return {"game": name, "parameters": game.get_parameters()}


def node_arrays(model: MeanFieldModel) -> dict[str, np.ndarray]:
    """What tells the rows of a model's arrays later, in another process."""
    names = model.node_names()
    legal = model.legal_actions.numpy() if names else np.zeros((0, 0), bool)
    return {"nodes": np.array(names, dtype=np.str_), "legal_actions": legal}


def rows_in(model: MeanFieldModel, arrays: dict[str, np.ndarray]) -> np.ndarray | None:
    """Rows that the saved `node_arrays` have in a model; None for the same ones."""
    return model.rows_of(arrays["nodes"].tolist(), arrays["legal_actions"])


def identity_array(identity: dict) -> np.ndarray:
    """A JSON value as an array."""
    return np.array(json.dumps(identity, sort_keys=True))


def read_identity(arrays: dict[str, np.ndarray]) -> dict:
    """The value that `identity_array` made."""
    return json.loads(str(arrays["identity"]))
