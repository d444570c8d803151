"""Jobs as processes of this machine or of a cluster, by joblib."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import multiprocessing
import pathlib
import warnings

from absl import flags
import joblib
import tqdm

from algorithms import files, interruption
from algorithms.job import FAILED, FINISHED, STOP, Job
from algorithms.record import INTERRUPTED

_GO_ON = "The same command, without --force, goes on from here."
# Backends of a cluster, and the package that each needs.
_CLUSTERS = {"dask": "distributed", "ray": "ray"}
_DONE = (FINISHED, FAILED, INTERRUPTED)
BACKENDS = ("loky", "multiprocessing", "threading", "sequential", *_CLUSTERS)


def define_flags(into: flags.FlagValues) -> None:
    """Defines the flags, which the script's `--help` then lists with its own."""
    flags.DEFINE_enum(
        "backend", "loky", BACKENDS, "What joblib runs the processes by.", into
    )
    flags.DEFINE_integer(
        "jobs",
        None,
        "Runs at a time; default: as many as there are cores.",
        lower_bound=1,
        flag_values=into,
    )
    flags.DEFINE_integer(
        "threads",
        None,
        "TensorFlow's in a process; default: the cores shared out, 1 on a cluster.",
        lower_bound=1,
        flag_values=into,
    )


def check_backend(name: str) -> None:
    """Raises a ValueError if the package that a backend needs is not installed."""
    package = _CLUSTERS.get(name)
    if package and importlib.util.find_spec(package) is None:
        raise ValueError(
            f"`--backend={name}` needs the package `{package}`: pip install {package}"
        )


def do_all(
    jobs: list[Job],
    root: pathlib.Path,
    backend: str = "loky",
    num_jobs: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> list[dict]:
    """Does jobs in processes, showing progress.

    Args:
      jobs: what to do, each prepared.
      root: where their directories are.
      backend: one of `BACKENDS`.
      num_jobs: how many at a time; None for as many as there are cores.
      threads: of TensorFlow in each process; None for the cores shared out, and for 1
        on a cluster.
      progress: of several such calls; None for a bar of these jobs alone.

    Returns:
      The record of each job.

    Raises:
      Interrupted: by a signal, after all jobs have ended.
    """
    interruption.require_none(_GO_ON)
    if backend in _CLUSTERS:
        num_jobs, threads = num_jobs or -1, threads or 1
    else:
        num_jobs = min(num_jobs or joblib.cpu_count(), len(jobs))
        threads = threads or max(1, joblib.cpu_count() // num_jobs)
    calls = (joblib.delayed(Job.do)(job, root, threads) for job in jobs)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_stopping(root))
        joined = stack.enter_context(_connected(backend))
        if progress is None:
            progress = stack.enter_context(Progress(root, len(jobs)))
        progress.begin(jobs)
        stack.enter_context(warnings.catch_warnings())
        # What is compiled is never freed: workers are renewed when they have grown.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs")
        parallel = Parallel(progress, n_jobs=num_jobs, backend=joined, batch_size=1)
        records = parallel(calls)
        interruption.require_none(_GO_ON)
    return records


@contextlib.contextmanager
def _stopping(root: pathlib.Path):
    """Tells all jobs to end when a signal comes."""
    stop = root / STOP

    def tell(number: int) -> None:
        with contextlib.suppress(OSError):  # they end by themselves on a full disk
            files.write_text(stop, str(number))

    stop.unlink(missing_ok=True)
    try:
        with interruption.deferred(tell):
            yield
    finally:
        stop.unlink(missing_ok=True)


@contextlib.contextmanager
def _connected(name: str):
    """What joblib takes as its backend, connected to its cluster if it has one."""
    if name == "dask":
        from dask import distributed

        logging.getLogger("distributed").setLevel(logging.ERROR)
        with distributed.Client(), joblib.parallel_config("dask"):
            yield None  # the backend of the context
    elif name == "ray":
        import ray
        from ray.util.joblib import register_ray

        register_ray()
        with ray.init():
            yield name
    elif name == "multiprocessing":  # a fork of TensorFlow's threads would hang
        yield multiprocessing.get_context("spawn")
    else:
        yield name


class Parallel(joblib.Parallel):
    """Tells how many calls were handed out whenever some are done.

    Args:
      progress: called with that number.
      **options: of `joblib.Parallel`.
    """

    def __init__(self, progress: Progress, **options):
        super().__init__(**options)
        self._progress = progress

    def print_progress(self) -> None:
        """Called by joblib, with every backend, and from any thread."""
        self._progress(self.n_dispatched_tasks)


class Progress:
    """A bar of the runs done, and a line for each.

    Args:
      root: where their directories are.
      total: how many runs there will be.
    """

    def __init__(self, root: pathlib.Path, total: int):
        self._root = root
        self._jobs: list[Job] = []
        self._num_dispatched = 0
        self._running: list[Job] = []
        self._num_failed = 0
        self._bar = tqdm.tqdm(total=total, unit="run", dynamic_ncols=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error) -> None:
        self._bar.close()

    def begin(self, jobs: list[Job]) -> None:
        """Takes the next runs, in the order in which they are handed out."""
        self._jobs, self._num_dispatched = jobs, 0

    def skip(self, number: int) -> None:
        """Counts runs that were done before."""
        self._bar.update(number)

    def __call__(self, num_dispatched: int) -> None:
        """Shows which of the jobs handed out have left their record since."""
        self._running += self._jobs[self._num_dispatched : num_dispatched]
        self._num_dispatched = num_dispatched
        records = [(job, job.record(self._root)) for job in self._running]
        for job, record in records:
            if record["status"] in _DONE:
                self._running.remove(job)
                self._show(job.name, record)

    def _show(self, name: str, record: dict) -> None:
        if record["status"] == FINISHED:
            outcome = f"exploitability {record['best_exploitability']:.4g}"
        elif record["status"] == FAILED:
            outcome = record["error"]
            self._num_failed += 1
        else:
            outcome = f"after {record['iterations']} iterations"
        self._bar.write(f"{record['status']:<8}  {name}  {outcome}")
        self._bar.set_postfix_str(f"{self._num_failed} failed", refresh=False)
        self._bar.update()
