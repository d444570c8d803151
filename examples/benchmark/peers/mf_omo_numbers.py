"""Computes with MFGLib, in float64, MF-OMO's objective that our tests compare with.

    python -m venv peer && peer/bin/pip install mfglib==0.3.0 opt_einsum
    peer/bin/python examples/benchmark/peers/mf_omo_numbers.py

Run from the repository's root by an interpreter that has MFGLib and not this project.
Writes tests/algorithms/occupation/mf_omo_objectives.json: random measures, values and
slacks, the objective there and its slope along the measure. MFGLib plays at t = 0..T:
its T is our horizon - 1, and its y are our values one time later and, at T, minus those
at time 0.
"""

from __future__ import annotations

import argparse
import pathlib

from mfglib.alg.mf_omo_obj import mf_omo_obj
from mfglib.env import Environment
import numpy as np
import reference_file
import torch

# Our game -> the peer's with its arguments.
GAMES = {
    "mfg_sis(horizon=6)": ("susceptible_infected", {"T": 5}),
    "mfg_rock_paper_scissors(horizon=2)": ("rock_paper_scissors", {}),
    "mfg_left_right(horizon=2)": ("left_right", {}),
    "mfg_treasure_hunting(num_states=3,horizon=6)": (
        "conservative_treasure_hunting",
        {},
    ),
    "mfg_equilibrium_price(max_inventory=3,horizon=5)": ("equilibrium_price", {}),
}
WEIGHTS = [(1.0, 1.0, 1.0), (3.0, 0.5, 2.0)]
PACKAGES = ["mfglib", "torch", "numpy"]


def main() -> None:
    """Writes the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--tests", type=pathlib.Path, default=pathlib.Path("tests"))
    tests = parser.parse_args().tests
    torch.set_default_dtype(torch.float64)
    rng = np.random.default_rng(0)
    entries = [
        entry(ours, *theirs, weights, rng)
        for ours, theirs in GAMES.items()
        for weights in WEIGHTS
    ]
    path = tests / "algorithms" / "occupation" / "mf_omo_objectives.json"
    reference_file.write(path, PACKAGES, entries)


def entry(
    ours: str, theirs: str, arguments: dict, weights: tuple, rng: np.random.Generator
) -> dict:
    """The objective at one random point, arrays with axes [T, S, A] and [T, S]."""
    env = getattr(Environment, theirs)(**arguments)
    times, states, actions = env.T + 1, env.n_states, env.n_actions
    law = rng.dirichlet(np.ones(states * actions), times)
    values = rng.normal(size=(times, states))
    slack = rng.exponential(size=(times, states, actions))
    measure = torch.from_numpy(law).reshape(times, *env.S, *env.A).requires_grad_()
    y = np.concatenate([values[1:].ravel(), -values[0]])
    objective = mf_omo_obj(
        env,
        measure,
        torch.from_numpy(slack.ravel()),
        torch.from_numpy(y),
        "l1_l2",
        *weights,
        parameterize=False,
    )
    objective.backward()
    return {
        "game": ours,
        "weights": weights,
        "measure": law.reshape(slack.shape).tolist(),
        "values": values.tolist(),
        "slack": slack.tolist(),
        "objective": objective.item(),
        "slope": measure.grad.reshape(slack.shape).tolist(),
    }


if __name__ == "__main__":
    main()
