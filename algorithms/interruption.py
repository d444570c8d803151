"""Ctrl-C and SIGTERM: the first ends a run after its iteration, the second at once.

A signal comes at any moment, in the middle of an update too. Who must not be left there
works under `deferred` and looks at `received` where it can end: the first signal is
only noted. The second ends the process, whatever it does. Files are whole either way,
since they are moved into place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
import contextlib
import dataclasses
import os
import signal
import sys
import threading
import time

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Seconds within which two signals are one: `timeout` and shells send theirs to a
# process, and again to the group that it belongs to.
_SAME = 0.5
_END = 0  # in the pipe; no signal has this number


class Interrupted(KeyboardInterrupt):
    """Somebody asked this process to end.

    Args:
      number: of the signal.
      result: what a run has found until then (`algorithms.run.Result`), if it was one.
      left: in words, how to go on.
    """

    def __init__(self, number: int, result=None, left: str = ""):
        super().__init__(number)
        self.number, self.result, self.left = number, result, left

    def __str__(self) -> str:
        return f"Interrupted by {signal.Signals(self.number).name}. {self.left}".strip()


@dataclasses.dataclass
class _Watch:
    """What has come since the outermost `deferred` began."""

    number: int | None = None
    when: float = 0.0
    told: list[Callable[[int], None]] = dataclasses.field(default_factory=list)

    def note(self, number: int) -> None:
        if self.number is None:
            self.number, self.when = number, time.monotonic()
            for tell in list(self.told):
                tell(number)
            if sys.stderr.isatty():
                _say("Ending after this iteration. Once more to end at once.")
        elif time.monotonic() - self.when > _SAME:
            _say("Ended at once. What was on disk before is whole.")
            os._exit(128 + number)


_watch: _Watch | None = None


def received() -> int | None:
    """The signal that has come under the outermost `deferred`, if any."""
    return _watch.number if _watch else None


def require_none(left: str = "") -> None:
    """Raises `Interrupted` if a signal has come.

    Args:
      left: in words, how to go on.
    """
    if number := received():
        raise Interrupted(number, left=left)


@contextlib.contextmanager
def deferred(tell: Callable[[int], None] | None = None) -> Iterator[None]:
    """Notes a first SIGINT or SIGTERM for `received`, and ends the process at a second.

    Signals belong to the main thread: in others this does nothing. Within itself it
    goes on with the signals that the outer one has noted.

    Args:
      tell: called with the number of the first signal, from any thread.
    """
    global _watch
    if _watch is not None:
        with _told(_watch, tell):
            yield
    elif threading.current_thread() is not threading.main_thread():
        yield
    else:
        _watch = _Watch()
        try:
            with _told(_watch, tell), _noting(_watch):
                yield
        finally:
            _watch = None


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """SIGTERM raises `Interrupted`, as SIGINT raises `KeyboardInterrupt` by itself."""

    def end(number: int, frame: object) -> None:
        raise Interrupted(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _told(watch: _Watch, tell: Callable[[int], None] | None) -> Iterator[None]:
    if tell is None:
        yield
        return
    watch.told.append(tell)
    try:
        if watch.number is not None:
            tell(watch.number)
        yield
    finally:
        watch.told.remove(tell)


@contextlib.contextmanager
def _noting(watch: _Watch) -> Iterator[None]:
    """Signals go to the watch as they come.

    Python's own handlers wait until its main thread leaves TensorFlow, which may take
    minutes. Their numbers are in the pipe at once, which another thread reads. What the
    process has been told to ignore it goes on to ignore.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    def read() -> None:
        while (number := os.read(reader, 1)[0]) != _END:
            if number in _SIGNALS:
                watch.note(number)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    heard = [s for s in _SIGNALS if signal.getsignal(s) is not signal.SIG_IGN]
    handlers = {number: signal.signal(number, _nothing) for number in heard}
    earlier = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(earlier)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.write(writer, bytes([_END]))
        thread.join()
        os.close(reader)
        os.close(writer)


def _nothing(number: int, frame: object) -> None:
    """A handler, without which there would be no number in the pipe."""


def _say(text: str) -> None:
    os.write(sys.__stderr__.fileno(), f"\n{text}\n".encode())
