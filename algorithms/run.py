"""Runs a solver: progress, history, stopping, the best iterate, checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
import contextlib
import dataclasses
import functools
import math
import pathlib
import signal
import time

import numpy as np
import tqdm

from algorithms import checkpoint, files, interruption
from algorithms.history import COLUMNS, Record, with_rates
from algorithms.interruption import Interrupted
from algorithms.policy import ArrayPolicy
from algorithms.solver import IterativeSolver, State
from algorithms.stopping import Stopping
from mfg_games import parameters


@dataclasses.dataclass(frozen=True)
class Result:
    """What a run has found.

    Attributes:
      history: a record before the first iteration and after each one.
      best: the record of the lowest exploitability, or optimality gap if measured.
      reason: why the run ended.
      solver: the solver that ran.
      state, best_state: its last state, and that of the best record.
    """

    history: list[Record]
    best: Record
    reason: str
    solver: IterativeSolver
    state: State
    best_state: State

    def __reduce__(self):
        states = [
            {name: np.asarray(array) for name, array in state.items()}
            for state in (self.state, self.best_state)
        ]
        rest = (self.history, self.best, self.reason, self.solver)
        return (_restored, (rest, states, self.solver.node_arrays()))

    # Made when asked for: an array of all nodes and actions may not fit into memory.
    @functools.cached_property
    def policy(self) -> ArrayPolicy:
        """The last policy."""
        return self.solver.policy_of(self.state)

    @functools.cached_property
    def best_policy(self) -> ArrayPolicy:
        """The policy of the best record."""
        return self.solver.policy_of(self.best_state)

    def save_csv(self, path: str | pathlib.Path) -> None:
        """Writes the history but its metrics as CSV with a header."""
        rows = ([record.row[name] for name in COLUMNS] for record in self.history)
        files.write_csv(path, COLUMNS, rows)


def _restored(rest: tuple, states: list[dict], arrays: dict) -> Result:
    """A result that was pickled."""
    solver = rest[-1]
    done, own = solver.num_iterations, []
    now = {name: np.asarray(array) for name, array in solver.state.items()}
    for state in states:  # the solver says how it holds them
        solver.restore(solver.in_own_rows(state, arrays), done)
        own.append(solver.state)
    solver.restore(now, done)
    return Result(*rest, *own)


def run(
    solver: IterativeSolver,
    iterations: int,
    stopping: Stopping | None = None,
    callbacks: Sequence[Callable[[IterativeSolver, Record], None]] = (),
    checkpoint_path: str | pathlib.Path | None = None,
    checkpoint_every: float = 30.0,
    progress: bool = True,
) -> Result:
    """Iterates a solver until `iterations` are done or a rule stops it.

    With a checkpoint file that exists the run goes on where the file was written, with
    the numbers that it would have had without the break. Ctrl-C and SIGTERM end it
    after the iteration, with its checkpoint written; a second one ends the process.

    Args:
      solver: a fresh solver.
      iterations: the number of iterations in all, those before a break included.
      stopping: rules to end early.
      callbacks: called with the solver and each new record. One that raises
        `Interrupted` ends the run as a signal does.
      checkpoint_path: an `.npz` file to write to and to resume from.
      checkpoint_every: seconds between two checkpoints.
      progress: show a bar with rate, time left, current and best exploitability, and
        the losses, moves and updates a second of the last iteration.

    Raises:
      ValueError: `iterations` is negative, or the checkpoint is of another run.
      FloatingPointError: something became no number; the message says when, and names
        the last good checkpoint.
      Interrupted: by a signal; it has the result until then.
    """
    iterations = parameters.typed("iterations", iterations, int)
    if iterations < 0:
        raise ValueError(f"`iterations` must not be negative. Received: {iterations}")
    parameters.at_least("checkpoint_every", checkpoint_every, 0)
    session = _Session(solver, checkpoint_path, checkpoint_every)
    bar = tqdm.tqdm(
        total=iterations,
        initial=solver.num_iterations,
        disable=not progress,
        unit="it",
        dynamic_ncols=True,
    )
    with interruption.deferred(), bar, session.naming_the_checkpoint():
        reason = None
        while reason is None:
            record = session.record()
            _show(bar, record, session.best)
            number = _call(callbacks, solver, record)
            reason = (stopping or Stopping()).reason(session.history, session.best)
            if record.iteration >= iterations:
                reason = reason or f"all {iterations} iterations are done"
            if number:
                reason = f"{signal.Signals(number).name} interrupted it"
            session.save(now=reason is not None)
            if reason is None:
                solver.iteration()
    result = session.result(reason)
    if number:
        raise Interrupted(number, result)
    return result


def _call(
    callbacks: Sequence[Callable[[IterativeSolver, Record], None]],
    solver: IterativeSolver,
    record: Record,
) -> int | None:
    """Calls all, and returns the number of a signal that has come, if any."""
    try:
        for callback in callbacks:
            callback(solver, record)
    except Interrupted as end:
        return end.number
    return interruption.received()


def _show(bar: tqdm.tqdm, record: Record, best: Record) -> None:
    text = f"{record.aim} {record.distance:.4g}, best {best.distance:.4g}"
    measured = f", {record.summary}" if record.summary else ""
    bar.set_postfix_str(text + measured, refresh=False)
    bar.update(record.iteration - bar.n)


class _Session:
    """The history and the best iterate of one run, which may have had breaks."""

    def __init__(
        self, solver: IterativeSolver, path: str | pathlib.Path | None, every: float
    ):
        self._solver = solver
        self._path = path
        self._every = every
        self.history: list[Record] = []
        self.best = Record(0, math.inf, 0.0)
        self._best_state = solver.state
        self._last_good: int | None = None
        if path:
            files.remove_partial(path)
        if path and pathlib.Path(path).exists():
            self._restore(*checkpoint.load(path, solver))
        before = self.history[-1].seconds if self.history else 0.0
        self._saved = time.monotonic()
        self._start = self._saved - before

    def record(self) -> Record:
        """Appends the solver's current record, once."""
        iteration = self._solver.num_iterations
        if self.history and self.history[-1].iteration == iteration:
            return self.history[-1]
        exploitability = self._solver.exploitability
        seconds = time.monotonic() - self._start
        measured = self._solver.metrics
        for name, value in {"exploitability": exploitability, **measured}.items():
            if not math.isfinite(value):
                raise FloatingPointError(
                    f"{type(self._solver).__name__} on `{self._solver.game}`: the "
                    f"{name.replace('_', ' ')} is {value} at iteration {iteration}."
                )
        before = self.history[-1].seconds if self.history else 0.0
        metrics = with_rates(measured, seconds - before)
        record = Record(iteration, exploitability, seconds, metrics)
        self.history.append(record)
        if record.distance < self.best.distance:
            self.best = record
            self._best_state = self._solver.state
        return record

    def save(self, now: bool) -> None:
        """Writes a checkpoint, if there is a path and `now` or one is due."""
        due = now or time.monotonic() - self._saved >= self._every
        if self._path and due:
            checkpoint.save(self._path, self._solver, self._best_state, self.history)
            self._saved = time.monotonic()
            self._last_good = self._solver.num_iterations

    @contextlib.contextmanager
    def naming_the_checkpoint(self) -> Iterator[None]:
        """Adds to the message of a number gone wrong what is left of the run."""
        try:
            yield
        except FloatingPointError as error:
            if self._path is None:
                left = "had no checkpoint file"
            elif self._last_good is None:
                left = f"had not written its checkpoint `{self._path}` yet"
            else:
                left = (
                    f"left its last good checkpoint, of iteration {self._last_good}, "
                    f"in `{self._path}`"
                )
            raise FloatingPointError(
                f"{error} The run stopped after {self._solver.num_iterations} "
                f"iterations and {left}."
            ) from error

    def _restore(self, best_state: State, history: list[Record]) -> None:
        self.history = history
        self.best = min(history, key=lambda record: record.distance)
        self._best_state = best_state
        self._last_good = self._solver.num_iterations

    def result(self, reason: str) -> Result:
        """The result, when the run ends."""
        return Result(
            history=self.history,
            best=self.best,
            reason=reason,
            solver=self._solver,
            state=self._solver.state,
            best_state=self._best_state,
        )
