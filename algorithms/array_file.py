"""Arrays on disk: `.npz` files without pickle, written at once or not at all."""

from __future__ import annotations

import contextlib
import json
import math
import os
import pathlib
import zipfile

import numpy as np
import pyspiel

from algorithms import files
from algorithms.model import MeanFieldModel
from mfg_games import sizes

# The arrays of `node_arrays`, for `read`.
NODES = {"nodes": "U1", "legal_actions": "b2"}

# The names of the others, since damage can hide the end of an archive's list.
_CONTENTS = "contents"

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def write(path: str | pathlib.Path, **arrays: np.ndarray) -> None:
    """Writes an `.npz` file, replacing an old one at once or not at all."""
    with files.replacing(path) as own, open(own, "wb") as file:
        np.savez(file, **arrays, **{_CONTENTS: np.array(sorted(arrays))})


def read(path: str | pathlib.Path, **required: str) -> dict[str, np.ndarray]:
    """Reads an `.npz` file of `write`, never unpickling anything.

    Every byte of an array and its header is compared with its checksum, and nothing is
    allocated that the file does not hold.

    Args:
      path: the file.
      **required: arrays that must be there: their kind, a letter of NumPy's, and their
        number of axes ("f2" for a matrix of floats).

    Returns:
      The arrays by name; they are read-only.

    Raises:
      ValueError: there is no such file, it is damaged or was not written by `write`, or
        it lacks one of the required arrays. The message names the file.
    """
    if not os.path.isfile(path):  # a pipe or a device may have no end
        raise ValueError(f"There is no file `{path}`.")
    try:
        arrays = _members(path)
    except Exception as error:  # damaged bytes make zipfile and NumPy raise anything
        raise ValueError(
            f"`{path}` is damaged or no .npz file of this collection: {error}"
        ) from error
    required = {_CONTENTS: "U1", **required}
    found = {name: f"{array.dtype.kind}{array.ndim}" for name, array in arrays.items()}
    wrong = {name for name, kind in required.items() if found.get(name) != kind}
    wrong |= set(arrays.pop(_CONTENTS, np.array([])).ravel().tolist()) - arrays.keys()
    if wrong:
        raise ValueError(
            f"`{path}` lacks the arrays {sorted(wrong)}, or they are of another kind."
        )
    return arrays


def _members(path: str | pathlib.Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        size = sum(member.file_size for member in members)
        if size > os.path.getsize(path):
            raise ValueError("it would be larger than the file when unpacked")
        sizes.require_bytes(size)
        return {
            member.filename.removesuffix(".npy"): _array(archive, member)
            for member in members
        }


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        shape, in_columns, dtype = _HEADERS[version](stream)
        if dtype.hasobject:
            raise ValueError(f"`{member.filename}` holds pickled objects")
        if stream.tell() + math.prod(shape) * dtype.itemsize != member.file_size:
            raise ValueError(f"`{member.filename}` has another size than it says")
        content = stream.read()  # up to the end, where the checksum is compared
    array = np.frombuffer(content, dtype)
    return array.reshape(shape, order="F" if in_columns else "C")


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


def read_identity(path: str | pathlib.Path, arrays: dict[str, np.ndarray]) -> dict:
    """The value that `identity_array` made of a game's identity and more.

    Raises:
      ValueError: the array of the file at `path` is something else.
    """
    with contextlib.suppress(ValueError, RecursionError):
        identity = json.loads(str(arrays["identity"]))
        if isinstance(identity, dict) and {"game", "parameters"} <= identity.keys():
            return identity
    raise ValueError(f"`{path}` does not say which game it is of.")
