"""Flags of `examples/solve.py`: a run of no iterations, or one line names which."""

import contextlib
import io
import pathlib
import tempfile

from absl import flags
import numpy as np
import scripts

from algorithms import catalogue

from . import bad_values, solver_options, trying

COUNT, SECONDS = 1000, 20.0
_SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "solve.py"
_FLAGS = {
    "algorithm": "fictitious_play",
    "lr": 0.1,
    "temperature": 0.5,
    "damping": 0.5,
    "dtype": "float64",
    "seed": 0,
    "setting": "sis_testing",
    "absolute_tolerance": 0.1,
    "relative_tolerance": 0.1,
    "patience": 3,
    "seconds": 1.0,
    "iterations": 0,
}


def draw(rng: np.random.Generator) -> list[str]:
    """One to three flags or parameters after those of a tiny run."""
    name = str(rng.choice(sorted(catalogue.SOLVERS.keys() - {"flock"})))
    given = [f"--algorithm={name}"]
    options = catalogue.solver_class(name).options()
    for _ in range(rng.integers(1, 4)):
        if rng.integers(2):
            key = str(rng.choice(list(options)))
            value = bad_values.number_or_word(rng, options[key])
            given.append(f"--parameter={key}={value}")
        else:
            key = str(rng.choice(list(_FLAGS)))
            value = bad_values.number_or_word(rng, _FLAGS[key])
            if key == "iterations" and str(value).isdecimal():
                value = min(int(value), 5)  # more take time, as they should
            given.append(f"--{key}={value}")
    return given


def attempt(given: list[str]) -> bool:
    """Runs the script but for its tables and pictures."""
    with (
        tempfile.TemporaryDirectory() as output,
        scripts.loaded(_SCRIPT) as script,
        contextlib.redirect_stdout(io.StringIO()),
    ):
        script._write = lambda *_: None
        common = [f"--game={solver_options.GAME}", f"--output_dir={output}/run"]
        common += ["--iterations=0"]
        try:
            scripts.call(script, *common, *given)
        except (SystemExit, flags.Error) as end:
            names = [text.lstrip("-").split("=") for text in given]
            trying.require_refusal(
                end, *(part[0] for part in names), *(part[1] for part in names)
            )
            return True
    return False
