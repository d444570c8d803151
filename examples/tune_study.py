"""A study that goes on where it was interrupted, with the trials it would have had.

Finished trials are lines of JSON in Optuna's journal file; nothing is unpickled. Trials
are asked for in memory, each by a sampler with a seed of its own, so that trial k
depends on the k trials before it alone. One that was interrupted has left no line: it
is asked for again, is the same, and its runs go on from their checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import csv
import dataclasses
import json
import math
import pathlib
import statistics

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.storages import JournalStorage
from optuna.trial import FrozenTrial, Trial, TrialState
import tune_spaces

from algorithms import arguments, catalogue
from algorithms.history import OPTIMALITY_GAP
from algorithms.job import FAILED, Job

_FLOOR = 1e-16  # a smaller share of what there was at the start is rounding
_SETTINGS = "settings"  # the attribute of a study that says what it is of


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is tuned, and how a trial is run.

    Attributes:
      algorithm: the solver.
      spaces: what may be chosen for each parameter tuned.
      given: the other options of the solver that are not at their defaults.
      seeds: options that tell apart the runs of a trial on a game, `seed` or nothing.
      iterations: of a run.
      stopping: arguments of `algorithms.run.Stopping`.
      sampler_seed: decides on the trials.
    """

    algorithm: str
    spaces: Mapping[str, BaseDistribution]
    given: Mapping[str, arguments.Argument]
    seeds: Sequence[Mapping[str, int]]
    iterations: int
    stopping: Mapping[str, float | None]
    sampler_seed: int

    def jobs(self, games: Sequence[str], chosen: Mapping) -> list[Job]:
        """The runs of a trial."""
        return [
            Job(
                game,
                self.algorithm,
                {**self.given, **chosen, **seed},
                self.iterations,
                self.stopping,
            )
            for game in games
            for seed in self.seeds
        ]

    def settings(self, games: Sequence[str]) -> dict:
        """All that the trials of a study depend on, as it is read back from JSON."""
        spaces = {name: distribution_to_json(s) for name, s in self.spaces.items()}
        own = {name: json.loads(space) for name, space in spaces.items()}
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        names = [str(catalogue.load_game(game)) for game in games]
        return json.loads(json.dumps({"games": names, **fields, "spaces": own}))


class Study:
    """Trials of a plan on some games together.

    Args:
      name: in the file and in tables.
      games: their strings, or names of settings.
      plan: what is tuned.
      storage: where finished trials are kept, see `tune_journal`.

    Raises:
      ValueError: the storage has a study of this name with other settings.
    """

    def __init__(
        self, name: str, games: Sequence[str], plan: Plan, storage: JournalStorage
    ):
        self.name = name
        self.games = games
        self._plan = plan
        self._kept = optuna.create_study(
            storage=storage, study_name=name, load_if_exists=True
        )
        self._require_same(plan.settings(games))
        self._asked = optuna.create_study()
        self._asked.add_trials(self._kept.get_trials())

    @property
    def runs_per_trial(self) -> int:
        """Games times seeds."""
        return len(self.games) * len(self._plan.seeds)

    @property
    def defaults(self) -> dict | None:
        """The solver's defaults of what is tuned, if they may be chosen."""
        spaces = self._plan.spaces
        defaults = arguments.defaults(self._plan.algorithm, self._plan.given)
        if all(tune_spaces.contains(spaces[name], defaults[name]) for name in spaces):
            return {name: defaults[name] for name in spaces}
        return None

    @property
    def trials(self) -> list[FrozenTrial]:
        """Those that are finished, failed ones included."""
        return [trial for trial in self._asked.trials if trial.state.is_finished()]

    @property
    def complete(self) -> list[FrozenTrial]:
        """Those whose runs have all finished."""
        return [t for t in self.trials if t.state == TrialState.COMPLETE]

    @property
    def best(self) -> FrozenTrial | None:
        """The first of the trials with the lowest value."""
        return min(self.complete, key=lambda trial: trial.value, default=None)

    def ask(self) -> tuple[Trial, list[Job]]:
        """The next trial and its runs; the first one has the defaults if it may."""
        number = len(self.trials)
        seed = np.random.SeedSequence([self._plan.sampler_seed, number])
        self._asked.sampler = optuna.samplers.TPESampler(
            seed=int(seed.generate_state(1)[0])
        )
        if not number and (defaults := self.defaults):
            self._asked.enqueue_trial(defaults)
        trial = self._asked.ask(dict(self._plan.spaces))
        return trial, self._plan.jobs(self.games, trial.params)

    def tell(self, trial: Trial, jobs: Sequence[Job], root: pathlib.Path) -> None:
        """Keeps what became of a trial.

        Its value is the mean over its runs of log10 of the share of the exploitability
        at the start that is left at the end.

        Args:
          trial: as asked for.
          jobs: its runs, done.
          root: where the directories of all jobs are.
        """
        records = [job.record(root) for job in jobs]
        errors = [r["error"] for r in records if r["status"] == FAILED]
        runs = [] if errors else [_run(job, root) for job in jobs]
        errors += [
            f"{run['game']} starts at an equilibrium: nothing is left to tune for."
            for run in runs
            if run["first"] <= 0
        ]
        if errors:
            trial.set_user_attr("error", errors[0])
            told = self._asked.tell(trial, state=TrialState.FAIL)
        else:
            seconds = sum(record["iterating_seconds"] for record in records)
            trial.set_user_attr("seconds", round(seconds, 3))
            trial.set_user_attr("runs", runs)
            told = self._asked.tell(trial, statistics.mean(map(_value, runs)))
        self._kept.add_trial(told)

    def _require_same(self, settings: Mapping) -> None:
        earlier = self._kept.user_attrs.get(_SETTINGS, settings)
        for name, value in settings.items():
            if earlier[name] != value:
                raise ValueError(
                    f"The study `{self.name}` of this directory has other {name}: "
                    f"{earlier[name]!r}. Received: {value!r}. Choose another directory."
                )
        if _SETTINGS not in self._kept.user_attrs:
            self._kept.set_user_attr(_SETTINGS, settings)


def _run(job: Job, root: pathlib.Path) -> dict:
    """What a run was of, and what it aimed at, at its start and end."""
    first, last = _first_and_last(root / job.name)
    seed = job.given.get("seed")
    return {"game": job.game, "seed": seed, "first": first, "last": last}


def _first_and_last(directory: pathlib.Path) -> tuple[float, float]:
    """Optimality gaps of a run if its solver measures them, else exploitabilities."""
    columns = {"log.csv": OPTIMALITY_GAP, "exploitability.csv": "exploitability"}
    for name, column in columns.items():
        if (directory / name).exists():
            with open(directory / name, encoding="utf-8") as file:
                values = [row[column] for row in csv.DictReader(file) if column in row]
            if values:
                return float(values[0]), float(values[-1])
    raise FileNotFoundError(f"`{directory}` holds no history of a finished run.")


def _value(run: Mapping) -> float:
    return math.log10(max(run["last"] / run["first"], _FLOOR))
