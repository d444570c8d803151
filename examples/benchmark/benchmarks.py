"""What all benchmarks share: a directory of results for each, and its command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import pathlib
import shlex
import sys

from absl import flags

sys.path.append(str(pathlib.Path(__file__).parents[1]))

import outputs


def define_flags(into: flags.FlagValues, name: str) -> None:
    """Defines --output_dir and --force as a benchmark's own, which `--help` lists."""
    outputs.define_flags(into, f"runs/benchmark/{name}", module_name=sys.argv[0])


def run(
    name: str,
    argv: Sequence[str],
    given: flags.FlagValues,
    measure: Callable[[pathlib.Path], None],
) -> None:
    """Measures in the directory that a benchmark's flags name; no other run may."""
    if len(argv) > 1:
        sys.exit(f"Unexpected arguments: {argv[1:]}")
    with outputs.claimed(name, given) as output:
        measure(output)


def command(name: str) -> str:
    """What somebody typed to run the benchmark of a name."""
    return shlex.join(["python", f"examples/benchmark/{name}.py", *sys.argv[1:]])
