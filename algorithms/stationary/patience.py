"""When to give up an iteration that has no end."""

from __future__ import annotations

import math

_AT_LEAST = 0.9  # what a gap shrinks by while one is patient


class Patience:
    """Raises an error when a gap no longer shrinks.

    Args:
      num_states: of the game: what moves from state to state needs so many sweeps to
        arrive, during which no gap need shrink.
      hint: the end of the error's message.
    """

    def __init__(self, num_states: int, hint: str):
        self._sweeps = 1000 + 20 * num_states
        self._hint = hint
        self._count = 0
        self._before = math.inf

    def check(self, gap: float) -> None:
        """Looks at the gap after one more sweep.

        Raises:
          RuntimeError: it is hardly less than so many sweeps ago.
        """
        self._count += 1
        if self._count % self._sweeps:
            return
        if not gap <= _AT_LEAST * self._before:
            raise RuntimeError(
                f"No end is in sight after {self._count} sweeps: the last one left a "
                f"gap of {gap:.3g}, {self._sweeps} sweeps before it was "
                f"{self._before:.3g}. {self._hint}"
            )
        self._before = gap
