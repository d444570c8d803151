"""Check that OpenSpiel's own evaluators take the game."""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import math
import sys

from mfg_games.conformance.report import NotApplicableError
from mfg_games.conformance.subject import Findings, Subject

_ROUNDING = 1e-9
_FRAMES_PER_LAYER = 10


def nash_conv(subject: Subject) -> Findings:
    """OpenSpiel's NashConv of the uniform policy is finite and not negative."""
    if subject.walk.cut:
        raise NotApplicableError("the game is larger than the limit on states")
    # Imported late: they take a second, and a game is useful without them.
    from open_spiel.python import policy
    from open_spiel.python.mfg.algorithms import nash_conv as upstream

    with _deep_recursion(len(subject.walk.layers)):
        uniform = policy.UniformRandomPolicy(subject.game)
        found = upstream.NashConv(subject.game, uniform).nash_conv()
    if not math.isfinite(found) or found < -_ROUNDING:
        yield (
            "OpenSpiel's NashConv of the uniform policy is finite and at least 0",
            f"{found}",
            "rewards are not finite, or values cached by string do not belong together",
        )


@contextlib.contextmanager
def _deep_recursion(layers: int) -> Iterator[None]:
    """OpenSpiel's evaluators recurse over layers, beyond Python's default limit."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 1000 + _FRAMES_PER_LAYER * layers))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
