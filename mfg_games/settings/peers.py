"""Other libraries' games at their default sizes, every parameter given."""

from __future__ import annotations

from mfg_games.settings.definition import Setting

PEERS: tuple[Setting, ...] = ()
