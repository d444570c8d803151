"""Mirror descent against what MFGLib computes, in float64, for the games we share.

Both start from the uniform policy and update it with Q at all times, the last included.
"""

import json
import pathlib

import numpy as np
import pytest

from algorithms.mirror_descent import MirrorDescent

# Made by examples/benchmark/peers/mfglib_numbers.py.
PATH = pathlib.Path(__file__).with_name("mfglib_trajectories.json")
RUNS = json.loads(PATH.read_text("utf-8"))["games"]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run['game']}-{run['lr']}")
def test_trajectory_equals_mfglibs(exploitabilities, run):
    solver = MirrorDescent(run["game"], lr=run["lr"])
    found = exploitabilities(solver, len(run["exploitability"]) - 1)
    np.testing.assert_allclose(found, run["exploitability"], rtol=0, atol=1e-10)
