"""What a game takes, told before anything is allocated."""

from __future__ import annotations

import functools
import os
import pathlib
import resource

# OpenSpiel counts moves in 32 bits; a time has two of a player and one of chance.
_LONGEST = 2**30 - 4

# Bytes of a state with its name, coordinates and laws, of an action in a state with its
# successor and reward, of an entry of other tables, and of a time and a history of the
# common noise.
_STATE, _ACTION, _ENTRY, _TIME, _HISTORY = 256, 16, 8, 400, 32

_GROUPS = ("memory.max", "memory/memory.limit_in_bytes")


class TooLargeError(ValueError):
    """A game does not fit into this machine."""


def require(
    horizon: int,
    states: int,
    actions: int,
    populations: int = 1,
    entries: int = 0,
    histories: int | None = None,
) -> None:
    """Requires a game to fit into this machine; every constructor begins with it.

    What is counted is the game itself, without what solvers hold for each node.

    Args:
      horizon: number of decision times.
      states: their number.
      actions: their number.
      populations: their number.
      entries: of other tables that are made.
      histories: of a common noise, summed over the times; None without.

    Raises:
      TooLargeError: it does not fit.
    """
    if horizon > _LONGEST:
        raise TooLargeError(f"games may have {_LONGEST} times at most.")
    needed = states * (_STATE * populations + _ACTION * actions) + entries * _ENTRY
    if histories:
        needed += horizon * _TIME + histories * _HISTORY
    require_bytes(needed)


def require_bytes(needed: int) -> None:
    """Requires the machine's memory to hold so many bytes.

    Raises:
      TooLargeError: it does not.
    """
    if lack := shortage(needed):
        raise TooLargeError(f"{lack}.")


def shortage(needed: int) -> str:
    """What is missing, in words, if the memory does not hold so many bytes."""
    if needed <= memory():
        return ""
    least, there = needed / 2**30, memory() / 2**30
    return f"{least:.3g} GiB at least are more than the {there:.3g} GiB of memory"


@functools.cache
def memory() -> int:
    """Bytes that this process may use: the machine's, or of its group or limit."""
    known = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        known.append(limit)
    for name in _GROUPS:
        path = pathlib.Path("/sys/fs/cgroup", name)
        text = path.read_text("ascii").strip() if path.is_file() else "max"
        if text.isdecimal():
            known.append(int(text))
    return min(known)
