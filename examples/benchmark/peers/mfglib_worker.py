"""Times MFGLib's online mirror descent in its own interpreter.

`remote.py` starts it with the case as JSON: "environment", "parameters", "alpha",
"opt_einsum", "threads", "compare_at" and "gigabytes" of memory. For each line on
standard input, the seconds of a round, it prints a `Timing` as JSON.
"""

from __future__ import annotations

from collections.abc import Callable
import dataclasses
import json
import resource
import sys

from mfglib.alg import OnlineMirrorDescent
from mfglib.env import Environment
from mfglib.scoring import exploitability_score
from timing import Stopwatch
import torch


def main() -> None:
    """Answers until standard input ends."""
    case = json.loads(sys.argv[1])
    torch.set_num_threads(case["threads"])
    # What `pip install mfglib` gives is MFGLib without opt_einsum.
    torch.backends.opt_einsum.enabled = case["opt_einsum"]
    limit = int(case["gigabytes"] * 2**30)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    stopwatch = Stopwatch(lambda: start(case), case["compare_at"])
    for line in sys.stdin:
        timing = stopwatch.run(float(line))
        print(json.dumps(dataclasses.asdict(timing)), flush=True)


def start(case: dict) -> Callable[[], float]:
    """What `OnlineMirrorDescent.solve` does in each of its iterations."""
    env = getattr(Environment, case["environment"])(**case["parameters"])
    solver = OnlineMirrorDescent(alpha=case["alpha"])
    uniform = torch.ones((env.T + 1, *env.S, *env.A)) / env.n_actions
    state = solver.init_state(env, uniform)

    def iterate() -> float:
        nonlocal state
        state = solver.step_next_state(state, None, None)
        return exploitability_score(env, state.pi)

    return iterate


if __name__ == "__main__":
    main()
