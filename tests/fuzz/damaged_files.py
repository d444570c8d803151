"""Damaged files: each is refused by its name, or holds what it held."""

import functools
import pathlib
import tempfile

import numpy as np
import test_array_file as array_files

from algorithms import (
    array_file,
    catalogue,
    checkpoint,
    directory,
    policy_file,
    record,
)
from algorithms.model.compiled import Compiled
from algorithms.run import run

from . import trying

COUNT, SECONDS = 1000, 20.0
GAME = "mfg_sis(horizon=2)"
Compiled.xla = False

_FILES = ("policy.npz", "checkpoint.npz", "run.json")
_DAMAGES = {damage.__name__: damage for damage in array_files.DAMAGES}
FOREIGN, ALTERED = "foreign", "altered"


def draw(rng: np.random.Generator) -> tuple[str, str, int]:
    """A file, what happens to it, and the seed of where."""
    damage = rng.choice([*_DAMAGES, FOREIGN, ALTERED])
    return str(rng.choice(_FILES)), str(damage), int(rng.integers(2**31))


def attempt(drawn: tuple[str, str, int]) -> bool:
    """Reads a damaged file in a directory of its own."""
    name, damage, seed = drawn
    rng = np.random.default_rng(seed)
    files = _whole()
    with tempfile.TemporaryDirectory() as root:
        for each, whole in files.items():
            (pathlib.Path(root) / each).write_bytes(whole)
        path = pathlib.Path(root) / name
        if damage == FOREIGN:
            other = rng.choice([each for each in files if each != name])
            path.write_bytes(files[str(other)])
        elif damage == ALTERED and name.endswith(".npz"):
            _alter(path, rng)
        else:
            change = _DAMAGES.get(damage, array_files.with_bytes_swapped)
            path.write_bytes(change(files[name], rng))
        try:
            _READ[name](path)
        except ValueError as error:
            trying.require_refusal(error, str(path), str(path.parent))
            return True
    return False


def _alter(path: pathlib.Path, rng: np.random.Generator) -> None:
    """Writes the file anew, whole, without an array or with another in its place."""
    arrays = dict(array_file.read(path))
    arrays.pop("versions", None)  # on which nothing depends
    name = str(rng.choice(sorted(arrays)))
    array = arrays.pop(name)
    if array.dtype.kind == "f" and rng.integers(2):
        array = array.copy()
        array.flat[rng.integers(array.size)] = np.nan
        arrays[name] = array
    elif rng.integers(2):
        arrays[name] = array[None]
    array_file.write(path, **arrays)


@functools.cache
def _whole() -> dict[str, bytes]:
    """The files of a run, as they are written."""
    with tempfile.TemporaryDirectory() as root:
        path = pathlib.Path(root)
        of = {"settings": {"game": GAME, "algorithm": "fictitious_play"}}
        with directory.claimed(path, of):
            _solver().restore(_first(), 0)
            run(_solver(), 3, checkpoint_path=path / _FILES[1], progress=False)
            policy_file.save_policy(path / _FILES[0], _solver().get_policy())
        return {name: (path / name).read_bytes() for name in _FILES}


@functools.cache
def _solver():
    return catalogue.solver_class("fictitious_play").make(GAME)


@functools.cache
def _first() -> dict[str, np.ndarray]:
    return {name: np.asarray(array) for name, array in _solver().state.items()}


@functools.cache
def _last() -> dict[str, np.ndarray]:
    _whole()
    return {name: np.asarray(array) for name, array in _solver().state.items()}


def _read_policy(path: pathlib.Path) -> None:
    _whole()
    read = policy_file.load_policy(path, _solver().game).probabilities
    with tempfile.TemporaryDirectory() as root:
        other = pathlib.Path(root) / path.name
        other.write_bytes(_whole()[path.name])
        held = policy_file.load_policy(other, _solver().game).probabilities
    _require_equal({"policy": read}, {"policy": held})


def _read_checkpoint(path: pathlib.Path) -> None:
    held = _last()
    checkpoint.load(path, _solver())
    read = {name: np.asarray(array) for name, array in _solver().state.items()}
    _require_equal(read, held)


def _read_record(path: pathlib.Path) -> None:
    """A text has no checksum: it is a record, or none."""
    if not isinstance(record.read(path), dict):
        raise trying.WrongError("no record")
    of = {"settings": {"game": GAME, "algorithm": "fictitious_play"}}
    with directory.claimed(path.parent, of, resume=True):
        pass


def _require_equal(read: dict, held: dict) -> None:
    for name in held.keys() | read.keys():
        if not np.array_equal(read[name], held[name]):
            raise trying.WrongError(f"{name} was read as another")


_READ = {
    "policy.npz": _read_policy,
    "checkpoint.npz": _read_checkpoint,
    "run.json": _read_record,
}
