"""Times contenders by turns, those too that live in another interpreter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
import json
import os
import pathlib
import select
import subprocess
from typing import TYPE_CHECKING

from timing import Timing

if TYPE_CHECKING:
    from contests import Contender

ROUNDS = 4
_SLOW = 5000.0  # milliseconds: no second round
_HERE = pathlib.Path(__file__).parent


class Stopped(Exception):
    """The contender was given up; the message says why, in a table's cell."""


class RemoteStopwatch:
    """A `Stopwatch` in a subprocess, which starts with the first round.

    Args:
      python: the interpreter.
      worker: the script that answers, in `peers/`, or a path.
      case: what the worker gets as JSON.
      limit: seconds that a round may take, the first one with its setup.
    """

    def __init__(self, python: str, worker: str, case: Mapping, limit: float):
        self._command = [python, _HERE / "peers" / worker, json.dumps(dict(case))]
        self._limit = limit
        self._process = None

    def run(self, seconds: float) -> Timing:
        """One round.

        Raises:
          Stopped: it took too long or had too little memory.
          RuntimeError: it failed for another reason.
        """
        if self._process is None:
            self._process = self._start()
        print(seconds, file=self._process.stdin, flush=True)
        if not select.select([self._process.stdout], [], [], self._limit)[0]:
            self.close()
            raise Stopped(f"no iteration in {self._limit:g} s")
        answer = self._process.stdout.readline()
        if not answer:
            self._explain()
        return Timing(**json.loads(answer))

    def close(self) -> None:
        """Ends the subprocess."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def _start(self) -> subprocess.Popen:
        return subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(_HERE)},
        )

    def _explain(self) -> None:
        error = self._process.communicate()[1]
        if "allocate memory" in error or "MemoryError" in error:
            raise Stopped("out of memory")
        raise RuntimeError(f"{self._command[1]} failed:\n{error}")


def play(
    contenders: Iterable[Contender], rounds: Iterable = range(ROUNDS)
) -> dict[Contender, Timing | str]:
    """Lets contenders take turns; each one's timing or why it has none."""
    playing = {contender: contender.start() for contender in contenders}
    results = {}
    for _ in rounds:
        for contender, stopwatch in list(playing.items()):
            try:
                results[contender] = stopwatch.run(contender.seconds)
            except Stopped as reason:
                results.setdefault(contender, str(reason))
                del playing[contender]
            else:
                if results[contender].least > _SLOW:
                    playing.pop(contender).close()
    for stopwatch in playing.values():
        stopwatch.close()
    return results


def versions(python: str | None, packages: Iterable[str]) -> dict[str, str]:
    """Versions of packages of an interpreter, none without one."""
    if python is None:
        return {}
    script = "from importlib.metadata import version as v; print(v('{}'))"
    return {
        name: subprocess.run(
            [python, "-c", script.format(name)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for name in packages
    }
