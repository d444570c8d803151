"""What a named setting is."""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import types

import numpy as np
import pyspiel

PAPER, PEER, TESTING = "paper", "peer", "testing"
COMMON_NOISE = "common noise"


@dataclasses.dataclass(frozen=True)
class Setting:
    """One game with its parameters.

    Attributes:
      name: name of the setting.
      game: short name of the game.
      parameters: parameters that the setting fixes, read-only.
      source: the paper and section, or "testing".
      description: one line.
      tags: words to choose settings by.
    """

    name: str
    game: str
    parameters: Mapping[str, int | float | bool | str]
    source: str
    description: str
    tags: tuple[str, ...]

    def __post_init__(self):
        frozen = types.MappingProxyType(dict(self.parameters))
        object.__setattr__(self, "parameters", frozen)

    @property
    def game_string(self) -> str:
        """What `pyspiel.load_game` takes, floats to the last digit."""
        words = [f"{name}={_text(value)}" for name, value in self.parameters.items()]
        return f"{self.game}({','.join(words)})"

    def load(self) -> pyspiel.Game:
        """The OpenSpiel game."""
        return pyspiel.load_game(self.game, dict(self.parameters))


def _text(value: int | float | bool | str) -> str:
    if isinstance(value, float):  # OpenSpiel takes 1e-05 for a string
        return np.format_float_positional(value, trim="0")
    return str(value)
