"""A run of a solver as a job that any process can do, and that leaves its directory.

A job's directory is named by what is run. It holds `run.json` (status, settings,
versions, and what was found or the error), `exploitability.csv` when it has finished,
`log.csv` from the beginning if its solver measures more, and the run's checkpoint.
Whoever hands out jobs and whoever does them see the same file system: a file there,
`STOP`, ends all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import dataclasses
import functools
import hashlib
import json
import multiprocessing
import os
import pathlib
import re
import signal
import sys
import threading
import traceback

from algorithms import arguments, catalogue, directory, files, quiet, record
from algorithms.arguments import without_device
from algorithms.interruption import Interrupted
from algorithms.record import FAILED, FINISHED, INTERRUPTED, UNFINISHED

DAMAGED = "damaged"  # the status of a job whose record cannot be read
STOP = "stop"  # holds the number of the signal by which all jobs beside it end
_STATUSES = (UNFINISHED, FINISHED, FAILED, INTERRUPTED)
_PARENT = os.getppid()  # as this process begins
_IS_A_CHILD = multiprocessing.parent_process() is not None
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
        game = _game_string(self.game)
        settings = {
            **arguments.settings(game, self.algorithm, self.given),
            "iterations": self.iterations,
            "stopping": dict(self.stopping),
        }
        return json.loads(json.dumps(settings, default=str))

    def record(self, root: pathlib.Path) -> dict:
        """What `run.json` says; nothing but the status if there is none.

        A file that is no record of a job has the status `DAMAGED`, and an error.
        """
        path = root / self.name / directory.RECORD
        try:
            found = record.read(path)
        except ValueError as error:
            return {"status": DAMAGED, "error": str(error)}
        if not found:
            return {"status": UNFINISHED}
        if not _is_of_a_job(found):
            return {"status": DAMAGED, "error": f"`{path}` is no record of a job."}
        return found

    def is_finished(self, root: pathlib.Path) -> bool:
        """Whether it was done with these very settings."""
        found = self.record(root)
        history = root / self.name / "exploitability.csv"
        done = found["status"] == FINISHED and history.exists()
        return done and found["settings"] == self.settings

    def check(self, root: pathlib.Path) -> None:
        """Requires that its directory holds no run that it would overwrite.

        Raises:
          ValueError: the directory holds a run that it cannot go on with.
        """
        if not self._goes_on(root):
            earlier = self.record(root)["settings"]
            held, own = record.differences(earlier, self.settings)
            raise ValueError(
                f"`{root / self.name}` holds a run of {held}, this one has {own}: use "
                "--force or another directory."
            )

    def prepare(self, root: pathlib.Path, anew: bool = False) -> None:
        """Makes its directory, and removes a checkpoint that it must not go on from.

        Args:
          root: where the directories of all jobs are.
          anew: remove what an earlier run has left in any case.
        """
        own = root / self.name
        own.mkdir(parents=True, exist_ok=True)
        if anew or not self._goes_on(root):
            directory.clear(own)
        self._write(root, UNFINISHED)

    def damage(self, root: pathlib.Path) -> str:
        """What is wrong with the files that it would go on from; empty if nothing."""
        found = self.record(root)
        if found["status"] == DAMAGED:
            return found["error"]
        checkpoint = root / self.name / directory.CHECKPOINT
        if checkpoint.exists():
            from algorithms import array_file

            try:
                array_file.read(checkpoint)
            except ValueError as error:
                return str(error)
        return ""

    def _goes_on(self, root: pathlib.Path) -> bool:
        """Whether nothing but the number of iterations differs, and has grown."""
        earlier = self.record(root).get("settings", self.settings)
        same = {**earlier, "iterations": self.iterations} == self.settings
        return same and earlier["iterations"] <= self.iterations

    def do(self, root: pathlib.Path, threads: int) -> dict:
        """Does the job, of which errors are a possible outcome.

        Args:
          root: as in `prepare`, which comes first.
          threads: how many TensorFlow may use, unless it is loaded already.

        Returns:
          The record that `run.json` then holds.
        """
        if (root / STOP).exists():
            return self.record(root)
        _leave_interrupts_to_the_parent()
        import_tensorflow(threads)
        try:
            with directory.locked(root / self.name):
                return self._outcome(root)
        except (OSError, ValueError) as error:  # nothing can be written there
            return self._values(FAILED, error=f"{type(error).__name__}: {error}")

    def _outcome(self, root: pathlib.Path) -> dict:
        own = root / self.name
        try:
            return self._write(root, FINISHED, **self._run(own))
        except Interrupted as end:
            return self._write(root, INTERRUPTED, **_written(end.result, own))
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            trace = traceback.format_exc()
            return self._write(root, FAILED, error=text, traceback=trace)

    def _run(self, own: pathlib.Path) -> dict:
        from algorithms import logs, run

        def stop(*_) -> None:
            if (own.parent / STOP).exists():
                raise Interrupted(int((own.parent / STOP).read_text("utf-8")))

        solver_class = catalogue.solver_class(self.algorithm)
        result = run.run(
            solver_class.make(catalogue.load_game(self.game), **self.given),
            self.iterations,
            run.Stopping(**self.stopping),
            callbacks=[_end_if_orphaned, logs.CsvLog(own / "log.csv"), stop],
            checkpoint_path=own / directory.CHECKPOINT,
            progress=False,
        )
        return _written(result, own)

    def _write(self, root: pathlib.Path, status: str, **outcome) -> dict:
        values = self._values(status, **outcome)
        files.write_json(root / self.name / directory.RECORD, values)
        return values

    def _values(self, status: str, **outcome) -> dict:
        values = {"status": status, "settings": self.settings}
        return values | outcome | record.of_machine()


def prepare_all(jobs: Sequence[Job], root: pathlib.Path, anew: bool = False) -> None:
    """Prepares jobs, and names the damaged files among theirs. Imports TensorFlow.

    Args:
      jobs: those to be done.
      root: where the directories of all jobs are.
      anew: remove what earlier runs have left.

    Raises:
      OSError: a directory cannot be made or written to.
      ValueError: a job would overwrite a run with other settings; none is prepared.
    """
    for job in jobs if not anew else ():
        job.check(root)
    for job in jobs:
        damage = "" if anew else job.damage(root)
        if damage:
            print(f"{damage} This run is done anew.")
        job.prepare(root, anew or bool(damage))


def import_tensorflow(threads: int) -> None:
    """Imports TensorFlow with so many threads, and memory of a GPU as it is needed."""
    if "tensorflow" not in sys.modules:
        for pool in ("INTRAOP", "INTEROP"):
            os.environ[f"TF_NUM_{pool}_THREADS"] = str(threads)
        os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    quiet.import_tensorflow()


def _written(result, own: pathlib.Path) -> dict:
    """What a run has found, after its history is written."""
    result.save_csv(own / "exploitability.csv")
    return record.of_result(result)


def _is_of_a_job(found: Mapping) -> bool:
    """Whether a record has what is read from those of jobs."""
    needed = {
        FAILED: ("error",),
        FINISHED: ("best_exploitability", "iterating_seconds"),
    }
    status, settings = found.get("status"), found.get("settings")
    return (
        status in _STATUSES
        and isinstance(settings, dict)
        and isinstance(settings.get("iterations"), int)
        and all(name in found for name in needed.get(status, ()))
    )


def _leave_interrupts_to_the_parent() -> None:
    """Ctrl-C reaches all processes of a terminal; one of them tells all jobs to end."""
    main = threading.current_thread() is threading.main_thread()
    if _IS_A_CHILD and main:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _end_if_orphaned(*_) -> None:
    """Leaves the job to whoever goes on with the sweep whose process was killed."""
    if multiprocessing.parent_process() and os.getppid() != _PARENT:
        os._exit(1)  # an exception would be sent to the process that is gone


@functools.cache
def _game_string(text: str) -> str:
    return str(catalogue.load_game(text))
