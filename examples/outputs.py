"""The output directory of a script: it belongs to one run of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
import contextlib
import pathlib
from typing import TYPE_CHECKING

from absl import flags

from algorithms import command_line, directory, record
from algorithms.interruption import Interrupted

if TYPE_CHECKING:  # TensorFlow is loaded when a run begins
    from algorithms.run import Result

_NO_PART = ("output_dir", "force")  # of what is run


def define_flags(into: flags.FlagValues, default: str, **own) -> None:
    """Defines --output_dir and --force.

    Args:
      into: where.
      default: of the directory.
      **own: `module_name`, if it is not the caller's.
    """
    flags.DEFINE_string("output_dir", default, "Where results go.", into, **own)
    anew = "Replace the results that --output_dir holds."
    flags.DEFINE_bool("force", False, anew, into, **own)


@contextlib.contextmanager
def claimed(script: str, given: flags.FlagValues) -> Iterator[pathlib.Path]:
    """Keeps --output_dir for a run of a script with its other flags.

    Mistakes and signals end the process in one line, see `algorithms.command_line`.

    Args:
      script: its name, and that of its table.
      given: its flags.
    """
    values = {
        flag.name: flag.value
        for module, own in given.flags_by_module_dict().items()
        for flag in own
        if not module.startswith("absl") and flag.name not in _NO_PART
    }
    of = {"script": script, "flags": values}
    output, table = pathlib.Path(given.output_dir), f"{script}.csv"
    with (
        command_line.in_one_line(),
        directory.claimed(output, of, given.force, results=(table,)),
    ):
        yield output


def solved(run: Callable[[], Result], write: Callable[[Result, str], None]) -> None:
    """Runs a solver and writes its result, or what it found until a signal came.

    Args:
      run: the run.
      write: is called with the result and its status in the record.

    Raises:
      Interrupted: by a signal.
    """
    try:
        result = run()
    except Interrupted as end:
        if end.result is not None:  # else it came before the first iteration
            write(end.result, record.INTERRUPTED)
            end.left = "The same command with --resume goes on from here."
        raise
    write(result, record.FINISHED)
