"""A run of a solver as a job that any process can do, and that leaves its directory.

A job's directory is named by what is run. It holds `run.json` (status, settings,
versions, and what was found or the error), `exploitability.csv` when it has finished,
`log.csv` from the beginning if its solver measures more, and the run's checkpoint.
Whoever hands out jobs and whoever does them see the same file system.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import functools
import hashlib
import json
import multiprocessing
import os
import pathlib
import re
import sys
import traceback

from algorithms import arguments, catalogue, files, quiet, record

UNFINISHED, FINISHED, FAILED = "unfinished", "finished", "failed"
_PARENT = os.getppid()  # as this process begins
_LONGEST_NAME = 150  # with the digest well below what file systems allow


@dataclasses.dataclass(frozen=True)
class Job:
    """One run.

    Attributes:
      game: an OpenSpiel string of a mean field game, or the name of a setting.
      algorithm: a name in `algorithms.catalogue.SOLVERS`.
      given: options of the solver by name; others have their defaults. The device
        is no part of what is run.
      iterations: how many in all.
      stopping: arguments of `algorithms.run.Stopping`.
    """

    game: str
    algorithm: str
    given: Mapping[str, arguments.Argument]
    iterations: int
    stopping: Mapping[str, float | None]

    @functools.cached_property
    def name(self) -> str:
        """What is run, legible, and a digest that tells apart what reads the same."""
        given = sorted(without_device(self.given).items())
        words = [f"{name}={value}" for name, value in given]
        text = " ".join([self.game, self.algorithm, *words])
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        legible = re.sub(r"[^A-Za-z0-9_.=-]+", "_", text)[:_LONGEST_NAME]
        return f"{legible}-{digest}"

    @functools.cached_property
    def settings(self) -> dict:
        """All that the numbers depend on, as it is read back from JSON."""
        parameters = arguments.defaults(self.algorithm, self.given) | self.given
        settings = {
            "game": _game_string(self.game),
            "algorithm": self.algorithm,
            "parameters": without_device(parameters),
            "iterations": self.iterations,
            "stopping": dict(self.stopping),
        }
        return json.loads(json.dumps(settings, default=str))

    def record(self, root: pathlib.Path) -> dict:
        """What `run.json` says; nothing but the status if there is none."""
        path = root / self.name / "run.json"
        if not path.exists():
            return {"status": UNFINISHED}
        return json.loads(path.read_text("utf-8"))

    def is_finished(self, root: pathlib.Path) -> bool:
        """Whether it was done with these very settings."""
        found = self.record(root)
        return found["status"] == FINISHED and found["settings"] == self.settings

    def prepare(self, root: pathlib.Path, anew: bool = False) -> None:
        """Makes its directory, and removes a checkpoint that it must not go on from.

        It goes on if nothing but the number of iterations differs, and has grown.

        Args:
          root: where the directories of all jobs are.
          anew: remove the checkpoint in any case.
        """
        directory = root / self.name
        directory.mkdir(parents=True, exist_ok=True)
        earlier = self.record(root).get("settings", {"iterations": 0})
        grown = earlier["iterations"] <= self.iterations
        same = {**earlier, "iterations": self.iterations} == self.settings
        if anew or not (grown and same):
            (directory / "checkpoint.npz").unlink(missing_ok=True)
        self._write(root, UNFINISHED)

    def do(self, root: pathlib.Path, threads: int) -> dict:
        """Does the job, of which errors are a possible outcome.

        Args:
          root: as in `prepare`, which comes first.
          threads: how many TensorFlow may use, unless it is loaded already.

        Returns:
          The record that `run.json` then holds.
        """
        import_tensorflow(threads)
        try:
            return self._write(root, FINISHED, **self._run(root / self.name))
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            trace = traceback.format_exc()
            return self._write(root, FAILED, error=text, traceback=trace)

    def _run(self, directory: pathlib.Path) -> dict:
        from algorithms import logs, run

        solver_class = catalogue.solver_class(self.algorithm)
        result = run.run(
            solver_class.make(catalogue.load_game(self.game), **self.given),
            self.iterations,
            run.Stopping(**self.stopping),
            callbacks=[_end_if_orphaned, logs.CsvLog(directory / "log.csv")],
            checkpoint_path=directory / "checkpoint.npz",
            progress=False,
        )
        result.save_csv(directory / "exploitability.csv")
        return record.of_result(result)

    def _write(self, root: pathlib.Path, status: str, **outcome) -> dict:
        values = {"status": status, "settings": self.settings}
        values |= outcome | record.of_machine()
        files.write_json(root / self.name / "run.json", values)
        return values


def without_device(given: Mapping) -> dict:
    """The arguments that a run's numbers are said to depend on."""
    return {name: value for name, value in given.items() if name != "device"}


def import_tensorflow(threads: int) -> None:
    """Imports TensorFlow with so many threads, and memory of a GPU as it is needed."""
    if "tensorflow" not in sys.modules:
        for pool in ("INTRAOP", "INTEROP"):
            os.environ[f"TF_NUM_{pool}_THREADS"] = str(threads)
        os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    quiet.import_tensorflow()


def _end_if_orphaned(*_) -> None:
    """Leaves the job to whoever goes on with the sweep whose process was killed."""
    if multiprocessing.parent_process() and os.getppid() != _PARENT:
        os._exit(1)  # an exception would be sent to the process that is gone


@functools.cache
def _game_string(text: str) -> str:
    return str(catalogue.load_game(text))
