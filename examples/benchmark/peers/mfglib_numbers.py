"""Computes with MFGLib, in float64, what our tests compare with.

    python -m venv peer && peer/bin/pip install mfglib==0.3.0 opt_einsum
    peer/bin/python examples/benchmark/peers/mfglib_numbers.py

Run from the repository's root by an interpreter that has MFGLib and not this project.
Writes tests/algorithms/mfglib_trajectories.json, the exploitability of online mirror
descent, and tests/mfg_games/mfglib_steps.json, rewards and transition probabilities
for random laws of state and action. MFGLib plays at t = 0..T: its T is our horizon - 1.
"""

from __future__ import annotations

import argparse
import pathlib

from mfglib.alg import OnlineMirrorDescent
from mfglib.env import Environment
import numpy as np
import reference_file
import torch

# Our game -> the peer's, both at the peer's default settings.
GAMES = {
    "mfg_sis(horizon=51)": "susceptible_infected",
    "mfg_rock_paper_scissors(horizon=2)": "rock_paper_scissors",
    "mfg_left_right(horizon=2)": "left_right",
    "mfg_treasure_hunting(num_states=3,horizon=6)": "conservative_treasure_hunting",
    "mfg_equilibrium_price(max_inventory=3,horizon=5)": "equilibrium_price",
}
RANDOM = ("mfg_random_linear(num_states=5,horizon=4)", "random_linear")
RATES = (0.05, 0.3, 1.0)
ITERATIONS = 20
TABLES = {
    "reward_slope": lambda env: env.reward_fn.r1,
    "reward_offset": lambda env: env.reward_fn.r2,
    "logit_slope": lambda env: env.transition_fn.p1,
    "logit_offset": lambda env: env.transition_fn.p2,
}
PACKAGES = ["mfglib", "torch", "numpy"]


def main() -> None:
    """Writes both files."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--tests", type=pathlib.Path, default=pathlib.Path("tests"))
    tests = parser.parse_args().tests
    torch.set_default_dtype(torch.float64)
    runs = [trajectory(*game, lr) for game in GAMES.items() for lr in RATES]
    path = tests / "algorithms" / "mfglib_trajectories.json"
    reference_file.write(path, PACKAGES, runs)
    rng = np.random.default_rng(0)
    steps = [entry(*game, rng) for game in [*GAMES.items(), RANDOM]]
    path = tests / "mfg_games" / "mfglib_steps.json"
    reference_file.write(path, PACKAGES, steps)


def trajectory(ours: str, theirs: str, lr: float) -> dict:
    """Exploitability of the uniform policy and after each iteration."""
    env = getattr(Environment, theirs)()
    solver = OnlineMirrorDescent(alpha=lr)
    _, exploitability, _ = solver.solve(env, max_iter=ITERATIONS, atol=None, rtol=None)
    return {"game": ours, "lr": lr, "exploitability": exploitability}


def entry(ours: str, theirs: str, rng: np.random.Generator) -> dict:
    """One game's steps, with its random tables if it has any."""
    env = getattr(Environment, theirs)()
    result = {"game": ours}
    if theirs == RANDOM[1]:
        result["tables"] = {name: table(env).tolist() for name, table in TABLES.items()}
    times = (0, 1, env.T)
    return result | {"steps": [step(env, t, rng) for t in times]}


def step(env: Environment, t: int, rng: np.random.Generator) -> dict:
    """Law [S, A], rewards [S, A] and transition probabilities [S, A, S]."""
    shape = (env.n_states, env.n_actions)
    law = rng.dirichlet(np.ones(env.n_states * env.n_actions)).reshape(shape)
    joint = torch.from_numpy(law).reshape(*env.S, *env.A)
    probabilities = env.prob(t, joint).reshape(env.n_states, *shape)
    return {
        "t": t,
        "law": law.tolist(),
        "rewards": env.reward(t, joint).reshape(shape).tolist(),
        "transitions": probabilities.permute(1, 2, 0).tolist(),
    }


if __name__ == "__main__":
    main()
