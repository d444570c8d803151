"""Runs killed at random moments: with --resume they end with the same numbers."""

import csv
import functools
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np

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
        "--iterations=2000",
    ),
    "deep": (
        "solve.py",
        "--game=mfg_sis(horizon=3)",
        "--algorithm=deep_mirror_descent",
        "--iterations=30",
        "--parameter=dqn_updates=5",
    ),
    "flock": (
        "solve.py",
        "--game=flocking_2d(horizon=2)",
        "--algorithm=flock",
        "--iterations=3",
        "--parameter=sac_updates=5",
        "--parameter=flow_updates=5",
    ),
    "stationary": (
        "stationary.py",
        "--game=crowd_chain_bench_mfg",
        "--iterations=1500",
    ),
}
_ENDS = (0, 130, 143, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT)


def draw(rng: np.random.Generator) -> tuple[str, str, float]:
    """A run, a signal, and when it comes: a share of the time that the run takes."""
    run, sent = rng.choice(list(_RUNS)), rng.choice(_SIGNALS)
    return str(run), str(sent), round(float(rng.random()), 3)


def attempt(drawn: tuple[str, str, float]) -> bool:
    """Kills a run, goes on with it, and compares it with one that was not killed."""
    name, sent, share = drawn
    seconds, expected = _unbroken(name)
    with tempfile.TemporaryDirectory() as root:
        output = pathlib.Path(root) / "run"
        process = _start(name, output)
        try:
            process.wait(share * seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(getattr(signal, sent))
        _finish(process, *_ENDS)
        held = (output / "checkpoint.npz").exists()
        _finish(_start(name, output, *(["--resume"] if held else [])), 0)
        if _numbers(output) != expected:
            raise trying.WrongError("the resumed run has other numbers")
    return False


@functools.cache
def _unbroken(name: str) -> tuple[float, list]:
    with tempfile.TemporaryDirectory() as root:
        output = pathlib.Path(root) / "run"
        start = time.monotonic()
        _finish(_start(name, output), 0)
        return time.monotonic() - start, _numbers(output)


def _start(name: str, output: pathlib.Path, *more: str) -> subprocess.Popen:
    script, *arguments = _RUNS[name]
    path = _ROOT / "examples" / script
    command = [sys.executable, path, *arguments, f"--output_dir={output}", *more]
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


def _numbers(output: pathlib.Path) -> list[dict[str, str]]:
    """The history's rows but for what depends on the time."""
    with open(output / "exploitability.csv") as file:
        return [
            {key: text for key, text in row.items() if "second" not in key}
            for row in csv.DictReader(file)
        ]
