"""From a game to the model that solvers sweep."""

from __future__ import annotations

import collections
import copyreg
import threading

import pyspiel
import tensorflow as tf

from algorithms import catalogue, pickled
from algorithms.model.array_model import ArrayModel
from algorithms.model.base import (
    Evaluation,
    Flow,
    GameFault,
    MeanFieldModel,
    ScorePolicy,
    Totals,
)
from algorithms.model.enumerated_model import EnumeratedModel
from algorithms.model.enumeration import Discovered
from algorithms.model.forks import use_tensorflow
from mfg_games.continuous import ContinuousGame
from mfg_games.openspiel_game import MeanFieldGame

__all__ = [
    "Evaluation",
    "Flow",
    "GameFault",
    "MeanFieldModel",
    "ScorePolicy",
    "Totals",
    "load_model",
]

_DTYPES = ("float64", "float32")

# Models of the games used last, so that metrics called again and again on one game do
# not enumerate and compile it anew.
_recent: collections.OrderedDict[tuple, MeanFieldModel] = collections.OrderedDict()
_MAX_RECENT = 8
_lock = threading.Lock()


def load_model(
    game: pyspiel.Game | str, dtype: str = "float64", device: str | None = None
) -> MeanFieldModel:
    """The model of any mean field game: ours, OpenSpiel's or a stranger's.

    Games registered by `mfg_games.register` become arrays swept by TensorFlow; any
    other one is enumerated once through the OpenSpiel API. A game asked for again with
    the same dtype and device gives the same model.

    Args:
      game: the game, or its string.
      dtype: "float64" or "float32".
      device: a TensorFlow device such as "/GPU:0"; None for TensorFlow's choice.
        Enumerated games live on the CPU.

    Raises:
      ValueError: the game is no mean field game, the dtype is not one of the two, or
        there is no such device.
      RuntimeError: this process was forked after TensorFlow had been used.
    """
    if dtype not in _DTYPES:
        raise ValueError(f"`dtype` must be one of {_DTYPES}. Received: {dtype!r}")
    if isinstance(game, str):
        game = catalogue.load_game(game)
    if isinstance(game, ContinuousGame):
        raise ValueError(
            f"`{game}` has no states to enumerate: it is a game in continuous space, "
            "which the solver `flock` is for."
        )
    if game.get_type().dynamics != pyspiel.GameType.Dynamics.MEAN_FIELD:
        raise ValueError(f"`{game}` is no mean field game.")
    use_tensorflow()
    # A model keeps its game alive, so an id in the table cannot be another game's.
    key = (id(getattr(game, "dynamics", game)), dtype, device)
    with _lock:
        if key not in _recent:
            if isinstance(game, MeanFieldGame):
                _require_device(device)
                _recent[key] = ArrayModel(game, dtype, device)
            else:
                _recent[key] = EnumeratedModel(game, dtype)
        _recent.move_to_end(key)
        if len(_recent) > _MAX_RECENT:
            _recent.popitem(last=False)
        return _recent[key]


def _reduced(model: MeanFieldModel) -> tuple:
    """How models are pickled: by their games, and what of those they have met."""
    game = pickled.packed(model.game)
    return (_restored, (game, model.dtype.name, model.discovered()))


def _restored(packed, dtype: str, discovered: Discovered | None) -> MeanFieldModel:
    game = pickled.unpacked(packed)
    if discovered is None:
        return load_model(game, dtype)
    return EnumeratedModel(game, dtype, discovered)


copyreg.pickle(ArrayModel, _reduced)
copyreg.pickle(EnumeratedModel, _reduced)


def _require_device(device: str | None) -> None:
    """TensorFlow itself would take another device without a word."""
    if device is None:
        return
    wanted = tf.DeviceSpec.from_string(device)
    devices = [d.name for d in tf.config.list_logical_devices()]
    found = [tf.DeviceSpec.from_string(name) for name in devices]
    if not any(
        wanted.device_type == spec.device_type
        and wanted.device_index in (None, spec.device_index)
        for spec in found
    ):
        raise ValueError(f"`device` must be one of {devices}. Received: {device!r}")
