"""Workers of sweeps and tuning."""

import os
import time

import joblib
import numpy as np
import pytest

_grown = []


def grow(megabytes: int) -> int:
    """Keeps memory, as compiled programs do; the worker's id."""
    time.sleep(1.1)  # joblib looks at most once a second
    _grown.append(np.ones(megabytes * 2**17))
    return os.getpid()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:A worker stopped while some jobs")
def test_workers_are_renewed_when_they_have_grown():
    calls = [joblib.delayed(grow)(megabytes) for megabytes in [1] * 2 + [400] * 4]
    workers = joblib.Parallel(n_jobs=2, batch_size=1)(calls)
    assert len(workers) == 6
    assert len(set(workers)) >= 4
