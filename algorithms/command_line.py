"""How scripts end: in one line where they must not go on."""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import signal
import sys

import pyspiel

from algorithms import interruption
from algorithms.interruption import Interrupted

# Mistakes, files and numbers that went wrong; all else is a fault of the program.
_EXPECTED = (ValueError, OSError, FloatingPointError, pyspiel.SpielError)


@contextlib.contextmanager
def in_one_line(*expected: type[Exception]) -> Iterator[None]:
    """Ends the process in one line where a user's mistake or signal ends its work.

    The exit status is 130 after Ctrl-C and 143 after SIGTERM, else 1.

    Args:
      *expected: further errors that are no faults of the program.
    """
    try:
        with interruption.raised():
            yield
    except KeyboardInterrupt as error:
        known = isinstance(error, Interrupted)
        end = error if known else Interrupted(signal.SIGINT)
        print(end, file=sys.stderr)
        sys.exit(128 + end.number)
    except (*_EXPECTED, *expected) as error:
        sys.exit(f"{type(error).__name__}: {error}")
