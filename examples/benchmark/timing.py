"""Times one contender."""

from __future__ import annotations

from collections.abc import Callable
import dataclasses
import os
import resource
import statistics
import time

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


def measure(start: Callable[[], Iterate], compare_at: int, seconds: float) -> Timing:
    """Iterates for a time, or up to `compare_at`, whichever takes longer.

    The least of many timings is what the code costs; the rest is other processes.
    """
    began = time.perf_counter()
    iterate = start()
    setup = time.perf_counter() - began
    times = []
    while len(times) < compare_at or sum(times) < seconds:
        began = time.perf_counter()
        exploitability = iterate()
        times.append(time.perf_counter() - began)
        if len(times) == compare_at:
            compared = exploitability
    return Timing(
        setup=setup,
        iterations=len(times),
        least=1e3 * min(times),
        median=1e3 * statistics.median(times),
        exploitability=compared,
        peak_memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        load=os.getloadavg()[0],
    )
