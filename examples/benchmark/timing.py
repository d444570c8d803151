"""Times one contender."""

from __future__ import annotations

from collections.abc import Callable
import dataclasses
import os
import resource
import statistics
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contenders import Iterate


@dataclasses.dataclass(frozen=True)
class Timing:
    """How fast a contender iterates.

    Attributes:
      setup: seconds until it could iterate: enumeration, compilation.
      iterations: how many were timed.
      least, median: milliseconds an iteration.
      exploitability: after as many iterations as the contest compares at.
      peak_memory: megabytes, resident set of the process.
      load: the machine's load average over the last minute.
    """

    setup: float
    iterations: int
    least: float
    median: float
    exploitability: float
    peak_memory: float
    load: float


class Stopwatch:
    """Times iterations, in one round or, to share other processes' load, in several.

    Args:
      start: sets the contender up.
      compare_at: iterations after which the exploitability is kept.
    """

    def __init__(self, start: Callable[[], Iterate], compare_at: int):
        began = time.perf_counter()
        self._iterate = start()
        self._setup = time.perf_counter() - began
        self._compare_at = compare_at
        self._times: list[float] = []

    def close(self) -> None:
        """Ends the contender."""
        del self._iterate

    def run(self, seconds: float) -> Timing:
        """Iterates for a time, or up to `compare_at`, whichever takes longer.

        The least of many timings is what the code costs; the rest is other processes.

        Returns:
          What this and all earlier rounds have found.
        """
        stop = sum(self._times) + seconds
        while len(self._times) < self._compare_at or sum(self._times) < stop:
            began = time.perf_counter()
            exploitability = self._iterate()
            self._times.append(time.perf_counter() - began)
            if len(self._times) == self._compare_at:
                self._compared = exploitability
        return Timing(
            setup=self._setup,
            iterations=len(self._times),
            least=1e3 * min(self._times),
            median=1e3 * statistics.median(self._times),
            exploitability=self._compared,
            peak_memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            load=os.getloadavg()[0],
        )


def measure(start: Callable[[], Iterate], compare_at: int, seconds: float) -> Timing:
    """Times a contender in one round."""
    return Stopwatch(start, compare_at).run(seconds)
