"""Arguments that OpenSpiel's mean field algorithms take, checked."""

from __future__ import annotations

from typing import Any

from open_spiel.python.mfg import value as openspiel_value
import pyspiel

# Arguments of solvers that are objects of OpenSpiel, and change no number of ours.
OBJECTS = ("state_value", "root_state")


def require_same_game(kind: str, owner: Any, game: pyspiel.Game) -> None:
    """Requires that a policy or distribution was made for a game.

    One that knows no game is taken as it is.

    Raises:
      ValueError: it was made for another one.
    """
    own = getattr(owner, "game", game)
    if str(own) != str(game):
        raise ValueError(f"The {kind} was made for `{own}`, not for `{game}`.")


def require_value_function(state_value: Any) -> None:
    """Requires None or a value function of OpenSpiel.

    Raises:
      ValueError: it is something else.
    """
    if not isinstance(state_value, openspiel_value.ValueFunction | None):
        raise ValueError(
            "`state_value` must be None or a value function of OpenSpiel. "
            f"Received: state_value={state_value!r}"
        )


def require_start(game: pyspiel.Game, root_state: pyspiel.State | None) -> None:
    """Requires None or the start of a game with one population, which is the default.

    The distribution elsewhere follows from more than a state.

    Raises:
      ValueError: it is another state.
    """
    if root_state is None:
        return
    start = game.num_players() == 1 and root_state.move_number() == 0
    if not start or str(root_state) != str(game.new_initial_state()):
        raise ValueError(
            "`root_state` must be None or the start of a game with one population. "
            f"Received: {root_state}"
        )
