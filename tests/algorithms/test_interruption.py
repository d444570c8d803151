"""Signals while a run goes on: the first is noted, the second ends the process."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time

import pytest

from algorithms import interruption
from algorithms.interruption import Interrupted

DEAF = """
import time
from algorithms import interruption
with interruption.deferred():
    print("ready", flush=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        time.sleep(0.01)
        if interruption.received():
            print("noted", flush=True)
            break
    time.sleep(60)
"""


def sent(number):
    os.kill(os.getpid(), number)
    deadline = time.monotonic() + 60
    while interruption.received() is None:
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_noted_once_and_told(number):
    told = []
    before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
    with interruption.deferred(), interruption.deferred(told.append):
        interruption.require_none()
        sent(number)
        sent(number)  # at once: by `timeout`, which sends it to the group too
        assert interruption.received() == number
        with pytest.raises(Interrupted, match=rf"by {number.name}\. Go on\."):
            interruption.require_none("Go on.")
        late = []
        with interruption.deferred(late.append):
            assert late == [number]
    assert told == [number]
    assert interruption.received() is None
    assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)] == before


def test_other_threads_hear_of_it():
    heard = []

    def listen():
        with interruption.deferred():
            deadline = time.monotonic() + 60
            while not heard and time.monotonic() < deadline:
                time.sleep(0.001)
                heard.extend(filter(None, [interruption.received()]))

    with interruption.deferred():
        thread = threading.Thread(target=listen)
        thread.start()
        sent(signal.SIGTERM)
        thread.join()
    assert heard == [signal.SIGTERM]


def test_sigterm_raises_where_nothing_is_deferred():
    with interruption.raised(), pytest.raises(Interrupted) as caught:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    assert caught.value.number == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruption.deferred():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
            assert interruption.received() is None
    finally:
        signal.signal(signal.SIGINT, before)


def test_it_travels_between_processes():
    assert pickle.loads(pickle.dumps(Interrupted(15))).number == 15


def test_the_second_signal_ends_the_process_at_once():
    with subprocess.Popen(
        [sys.executable, "-c", DEAF], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout.readline() == b"ready\n"
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == b"noted\n"
            time.sleep(0.6)
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130
    assert error.decode().split("\n") == [
        "",
        "Ended at once. What was on disk before is whole.",
        "",
    ]
