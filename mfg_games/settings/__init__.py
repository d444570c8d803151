"""Named settings: the games of papers and of other libraries, and small ones for tests.

    from mfg_games.settings import setting
    game = setting("four_rooms_deep_2022").load()

Settings tagged "paper" or "peer" give every parameter, so that a changed default does
not change them. Settings tagged "testing" have at most a few hundred decision nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
import types

from mfg_games import parameters
from mfg_games.settings.definition import COMMON_NOISE, PAPER, PEER, TESTING, Setting
from mfg_games.settings.papers import PAPERS
from mfg_games.settings.peers import PEERS
from mfg_games.settings.testing import SMALL

__all__ = [
    "COMMON_NOISE",
    "PAPER",
    "PEER",
    "SETTINGS",
    "TESTING",
    "Setting",
    "setting",
]

SETTINGS: Mapping[str, Setting] = types.MappingProxyType(
    {entry.name: entry for entry in PAPERS + PEERS + SMALL}
)


def setting(name: str) -> Setting:
    """The setting of this name.

    Raises:
      ValueError: there is none; the message names the nearest one.
    """
    parameters.known("setting", name, SETTINGS)
    return SETTINGS[name]
