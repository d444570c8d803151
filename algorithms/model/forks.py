"""Processes that TensorFlow cannot serve.

Its threads do not follow into a child that a process forks: there, the first operation
that needs one of them waits for ever.
"""

from __future__ import annotations

import os

_used = _forked = False


def _in_child() -> None:
    global _forked
    _forked = _used


os.register_at_fork(after_in_child=_in_child)


def use_tensorflow() -> None:
    """Says that TensorFlow is about to be used in this process.

    Raises:
      RuntimeError: it was used before the process was forked off another one.
    """
    global _used
    if _forked:
        raise RuntimeError(
            "This process was forked after TensorFlow had been used, which it does not "
            "survive: start processes by 'spawn' or 'forkserver' "
            "(`multiprocessing.get_context`), or by joblib."
        )
    _used = True
