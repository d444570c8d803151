"""Runs killed at random moments: with --resume they end with the same numbers.

A checkpoint is written after every iteration, so that many kills fall into the middle
of a file. Whatever files there are when a process has ended must be whole.
"""

from collections.abc import Mapping
import csv
import functools
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np

from algorithms import array_file, directory, record

from . import trying

COUNT, SECONDS = 30, 60.0
_ROOT = pathlib.Path(__file__).parents[2]
_SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT")
_RUNS = {
    "exact": (
        "solve.py",
        "--game=mfg_sis(horizon=4)",
        "--algorithm=mirror_descent",
        "--lr=0.1",
        "--iterations=300",
    ),
    "deep": (
        "solve.py",
        "--game=mfg_sis(horizon=3)",
        "--algorithm=deep_mirror_descent",
        "--iterations=60",
        "--parameter=dqn_updates=5",
        "--parameter=dqn_width=8",
    ),
    "flock": (
        "solve.py",
        "--game=flocking_2d(horizon=2)",
        "--algorithm=flock",
        "--iterations=8",
        "--parameter=sac_updates=5",
        "--parameter=flow_updates=5",
        "--parameter=flow_layers=2",
        "--parameter=sac_width=8",
        "--parameter=flow_width=8",
        "--parameter=crowd_size=50",
        "--parameter=simulated=50",
        "--parameter=evaluated=10",
    ),
    "stationary": (
        "stationary.py",
        "--game=crowd_chain_bench_mfg",
        "--iterations=200",
    ),
}
# Python itself ends by the signal where nothing is lost: as it begins, and in its end.
_ENDS = (0, 130, 143, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT)
# Arrays that hold seconds; the tables have the rest of them.
_OF_TIME = ("history", "metrics")

# What a shell starts in the background is deaf to Ctrl-C, and so would these runs be.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def draw(rng: np.random.Generator) -> tuple[str, str, float]:
    """A run, a signal, and the share of its time in its directory when it comes."""
    run, sent = rng.choice(list(_RUNS)), rng.choice(_SIGNALS)
    return str(run), str(sent), round(float(rng.random()), 3)


def attempt(drawn: tuple[str, str, float]) -> bool:
    """Kills a run, goes on with it, and compares it with one that was not killed."""
    name, sent, share = drawn
    seconds, expected = _unbroken(name)
    with tempfile.TemporaryDirectory() as root:
        output = pathlib.Path(root) / "run"
        process = _begun(name, output)
        try:
            process.wait(share * seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(getattr(signal, sent))
        _finish(process, *_ENDS)
        more = ["--resume"] if _is_to_go_on(output) else []
        _finish(_start(name, output, *more), 0)
        found = _numbers(output)
        for each in expected.keys() | found.keys():
            if found.get(each) != expected.get(each):
                raise trying.WrongError(f"the resumed run has another {each}")
    return False


def _is_to_go_on(output: pathlib.Path) -> bool:
    """Whether there is a checkpoint; all that there is must be whole."""
    _numbers(output)
    if output.exists():
        record.read(output / directory.RECORD)
    return (output / directory.CHECKPOINT).exists()


@functools.cache
def _unbroken(name: str) -> tuple[float, Mapping[str, object]]:
    """How long a run has its directory, and what it leaves."""
    with tempfile.TemporaryDirectory() as root:
        output = pathlib.Path(root) / "run"
        process, start = _begun(name, output), time.monotonic()
        _finish(process, 0)
        return time.monotonic() - start, _numbers(output)


def _begun(name: str, output: pathlib.Path) -> subprocess.Popen:
    """A run that has begun to use its directory."""
    process = _start(name, output)
    while process.poll() is None and not output.exists():
        time.sleep(0.001)
    return process


def _start(name: str, output: pathlib.Path, *more: str) -> subprocess.Popen:
    script, *arguments = _RUNS[name]
    path = _ROOT / "examples" / script
    own = "--checkpoint_every=0", f"--output_dir={output}"
    command = [sys.executable, path, *arguments, *own, *more]
    return subprocess.Popen(
        command,
        cwd=_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _finish(process: subprocess.Popen, *expected: int) -> None:
    """Requires one of these ends, without a traceback."""
    _, said = process.communicate()
    if process.returncode not in expected or "Traceback" in said:
        raise trying.WrongError(f"ended with {process.returncode}: {said[-300:]}")


def _numbers(output: pathlib.Path) -> dict[str, object]:
    """All numbers that a run has left but for those that depend on the time."""
    found = {}
    for path in output.glob("*.npz"):
        for name, array in array_file.read(path).items():
            if name not in _OF_TIME:
                found[f"{path.name}: {name}"] = array.tolist()
    for path in output.glob("*.csv"):
        with open(path, encoding="utf-8") as file:
            found[path.name] = [
                {key: text for key, text in row.items() if "second" not in key}
                for row in csv.DictReader(file)
            ]
    return found
