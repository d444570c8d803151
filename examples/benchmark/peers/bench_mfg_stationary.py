"""Solves stationary games with Bench-MFG, in float64, for our tests to compare with.

    python -m venv peer && peer/bin/pip install bench-mfg-suite==0.1.3
    JAX_ENABLE_X64=1 peer/bin/python examples/benchmark/peers/bench_mfg_stationary.py

Run from the repository's root by an interpreter that has Bench-MFG and not this
project. Writes tests/algorithms/bench_mfg_stationary.json: the exploitability of its
online mirror descent from the uniform policy and the crowd's last law. The peer sums
rewards over a horizon and moves the crowd by 20 steps, and 50 more where it computes
exploitability; here both numbers are so large that they are as good as infinite.
"""

from __future__ import annotations

import argparse
import pathlib

import benchmfg
from benchmfg.envs import mfg_model_class_jit as peer
from benchmfg.learner.jax import omd_jax
from benchmfg.utility import create_solver
import jax
import numpy as np
import reference_file

CHAIN = "num_states=7,stay_probability=0.95,discount=0.9"
# Our game -> the peer's at its default configuration, and the learning rates.
GAMES = {
    f"mfg_two_beach_bars({CHAIN},attraction=5.0,distance_cost=20.0,movement_cost=4.0,"
    "left_bar=2,right_bar=4)": ("multiple_equilibria", (0.001, 0.02)),
    f"mfg_crowd_chain({CHAIN},crowd_cost=40.0,movement_cost=2.0,"
    "center_attraction=3.0)": ("lasry_lions_chain", (0.005, 0.05)),
    "mfg_switching(discount=0.9,switching_cost=2.0,crowd_cost=2.0)": (
        "contraction_game",
        (0.01, 0.3),
    ),
    f"mfg_move_forward({CHAIN},movement_cost=0.1)": (
        "no_interaction_game",
        (0.01, 0.1),
    ),
}
ITERATIONS = 15
STEPS = 50_000  # of the crowd
SWEEPS = 500  # 0.9 to this power is 1e-23
PACKAGES = ["bench-mfg-suite", "jax", "numpy"]


def main() -> None:
    """Writes the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--tests", type=pathlib.Path, default=pathlib.Path("tests"))
    path = parser.parse_args().tests / "algorithms" / "bench_mfg_stationary.json"
    if not jax.config.jax_enable_x64:
        parser.error("float32: set JAX_ENABLE_X64=1.")
    peer.MEAN_FIELD_FIXED_POINT_ITERATIONS = STEPS
    omd_jax.mean_field_by_transition_kernel_multi_jax = moved_for_long
    runs = [
        trajectory(ours, theirs, lr)
        for ours, (theirs, rates) in GAMES.items()
        for lr in rates
    ]
    reference_file.write(path, PACKAGES, runs)


def moved_for_long(policy, spec, num_iterations, initial_mean_field):
    """The peer's function, but with more steps than it is asked for."""
    del num_iterations
    return peer.mean_field_by_transition_kernel_multi_jax(
        policy, spec, num_iterations=STEPS, initial_mean_field=initial_mean_field
    )


def trajectory(ours: str, theirs: str, lr: float) -> dict:
    """Exploitability of the uniform policy and after each iteration, and the law."""
    config = benchmfg.load_config([f"environment={theirs}"])
    env, _ = benchmfg.make_environment(config)
    env.horizon = SWEEPS
    spec = create_solver.get_env_spec(env, config.environment.name)
    uniform = np.full((env.N_states, env.N_actions), 1 / env.N_actions)
    solver = omd_jax.OMD_jax(spec, uniform, lr, ITERATIONS, temperature=1.0)
    _, law, exploitability = solver.eval()
    return {
        "game": ours,
        "lr": lr,
        "exploitability": exploitability,
        "law": law.tolist(),
    }


if __name__ == "__main__":
    main()
