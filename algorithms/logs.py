"""Logs that grow while a run goes on: callbacks for `algorithms.run.run`.

A record is on disk before the next iteration begins, so that a run that is killed has
logged all that it did. A run that is resumed goes on behind the rows of its checkpoint
and replaces later ones; a run that begins replaces the logs of an earlier one.
"""

from __future__ import annotations

import csv
import pathlib
import time

import tensorflow as tf

from algorithms import files
from algorithms.history import COLUMNS, Record
from algorithms.solver import Solver

# The messages of TensorBoard's files. `tf.summary` has no way to say where a run was
# resumed, and wants the package `tensorboard`, which only those need who look at them.
_Event = tf.compat.v1.Event
_SessionLog = tf.compat.v1.SessionLog
_Summary = tf.compat.v1.Summary
_EVENTS = "events.out.tfevents."  # how a file begins that TensorBoard finds


class CsvLog:
    """A table with a row for each record, and a column for each metric.

    There is no file as long as the solver has measured nothing; then it also holds the
    rows before.

    Args:
      path: the file.
    """

    def __init__(self, path: str | pathlib.Path):
        self._path = pathlib.Path(path)
        self._columns: list[str] = []
        self._waiting: list[Record] = []

    def __call__(self, solver: Solver, record: Record) -> None:
        """Writes a record.

        Raises:
          ValueError: the file to go on with is no log.
        """
        if not record.iteration:
            self._path.unlink(missing_ok=True)
        self._waiting.append(record)
        if not record.metrics:
            return
        rows = [waiting.row for waiting in self._waiting]
        if record.row.keys() <= set(self._columns):
            self._append(rows)
        else:
            self._replace(self._rows_before(self._waiting[0].iteration) + rows)
        self._waiting.clear()

    def _rows_before(self, iteration: int) -> list[dict]:
        """What the file says of earlier iterations; a torn last line is left out."""
        if not self._path.exists():
            return []
        lines = self._path.read_text("utf-8").splitlines(keepends=True)
        reader = csv.DictReader(line for line in lines if line.endswith("\n"))
        if tuple(reader.fieldnames or ())[: len(COLUMNS)] != COLUMNS:
            raise ValueError(
                f"`{self._path}` is no log of a run: its columns are "
                f"{reader.fieldnames}. Remove it or choose another file."
            )
        return [row for row in reader if int(row["iteration"]) < iteration]

    def _replace(self, rows: list[dict]) -> None:
        """Writes all rows, with the columns that they have together."""
        self._columns = list(dict.fromkeys(name for row in rows for name in row))
        texts = ([row.get(name, "") for name in self._columns] for row in rows)
        files.write_csv(self._path, self._columns, texts)

    def _append(self, rows: list[dict]) -> None:
        with open(self._path, "a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, self._columns).writerows(rows)


class TensorBoardLog:
    """Curves for TensorBoard: exploitability, seconds and each metric by iteration.

    Args:
      directory: of this run alone. It gets a file for each session of the run.
    """

    def __init__(self, directory: str | pathlib.Path):
        self._directory = pathlib.Path(directory)
        self._writer: tf.io.TFRecordWriter | None = None

    def __call__(self, solver: Solver, record: Record) -> None:
        """Writes a record."""
        if self._writer is None:
            self._begin(record.iteration)
        values = {
            "exploitability": record.exploitability,
            "seconds": record.seconds,
            **record.metrics,
        }
        curves = [
            _Summary.Value(tag=name, simple_value=value)
            for name, value in values.items()
        ]
        self._write(step=record.iteration, summary=_Summary(value=curves))
        self._writer.flush()

    def _begin(self, iteration: int) -> None:
        """Opens a file whose points replace those that are there from here on."""
        self._directory.mkdir(parents=True, exist_ok=True)
        earlier = sorted(self._directory.glob(_EVENTS + "[0-9]" * 6))
        number = int(earlier[-1].suffix[1:]) + 1 if earlier else 0
        if not iteration:
            for path in earlier:
                path.unlink()
        path = self._directory / f"{_EVENTS}{number:06d}"
        self._writer = tf.io.TFRecordWriter(str(path))
        self._write(file_version="brain.Event:2")
        start = _SessionLog(status=_SessionLog.START)
        self._write(step=iteration, session_log=start)

    def _write(self, **content) -> None:
        event = _Event(wall_time=time.time(), **content)
        self._writer.write(event.SerializeToString())
