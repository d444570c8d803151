"""Computes with Bench-MFG, in float64, what our tests compare with.

    python -m venv peer && peer/bin/pip install bench-mfg-suite==0.1.3
    JAX_ENABLE_X64=1 peer/bin/python examples/benchmark/peers/bench_mfg_numbers.py

Run from the repository's root by an interpreter that has Bench-MFG and not this
project. Writes tests/mfg_games/bench_mfg_steps.json: rewards and transition
probabilities for random distributions. The peer's games are stationary and ours end
at a horizon; bench_mfg_stationary.py compares the solutions of their stationary form.
"""

from __future__ import annotations

import argparse
import pathlib

import benchmfg
from benchmfg.envs import mfg_model_class_jit as peer
from benchmfg.utility import create_solver
import jax
import numpy as np
import reference_file

# (our game, the peer's, what changes in its default configuration).
CHAIN = "stay_probability=0.95,discount=0.9,horizon=100"
BARS = f"mfg_two_beach_bars({CHAIN},attraction=5.0,distance_cost=20.0,movement_cost=4.0"
CROWD = f"mfg_crowd_chain({CHAIN},crowd_cost=40.0,movement_cost=2.0"
GAMES = (
    (f"{BARS},num_states=7,left_bar=2,right_bar=4)", "multiple_equilibria", 7),
    (f"{BARS},num_states=8,left_bar=2,right_bar=4)", "multiple_equilibria", 8),
    (f"{CROWD},center_attraction=3.0,num_states=7)", "lasry_lions_chain", 7),
    (f"{CROWD},center_attraction=3.0,num_states=8)", "lasry_lions_chain", 8),
    ("mfg_switching(switching_cost=2.0,crowd_cost=2.0)", "contraction_game", 2),
    ("mfg_kinetic_congestion(capacity=0.18)", "kinetic_congestion", 25),
    (f"mfg_move_forward({CHAIN},num_states=7)", "no_interaction_game", 7),
)
PACKAGES = ["bench-mfg-suite", "jax", "numpy"]


def main() -> None:
    """Writes the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--tests", type=pathlib.Path, default=pathlib.Path("tests"))
    path = parser.parse_args().tests / "mfg_games" / "bench_mfg_steps.json"
    if not jax.config.jax_enable_x64:
        parser.error("float32: set JAX_ENABLE_X64=1.")
    rng = np.random.default_rng(0)
    reference_file.write(path, PACKAGES, [entry(*game, rng) for game in GAMES])


def entry(ours: str, theirs: str, size: int, rng: np.random.Generator) -> dict:
    """One game's steps, with our names of its actions where the order is another."""
    config = benchmfg.load_config([f"environment={theirs}"])
    config.environment.num_states = size
    env, _ = benchmfg.make_environment(config)
    spec = create_solver.get_env_spec(env, config.environment.name)
    result = {"game": ours}
    draws = [rng.dirichlet(np.ones(size)) for _ in range(2)]
    if theirs == "kinetic_congestion":
        # Its first action adds one to the row, which is down in our pictures.
        result["actions"] = ["down", "right", "up", "left", "stay"]
        draws = [hundredths(mu, env.capacity_threshold, rng) for mu in draws]
    return result | {"steps": [step(spec, mu) for mu in draws]}


def hundredths(mu: np.ndarray, capacity: float, rng: np.random.Generator) -> np.ndarray:
    """A distribution for which probabilities in hundredths, which it has, are exact.

    All cells hold hundredths of the capacity, but the first one the rest: it is full.
    """
    density = rng.multinomial(round(60 / capacity), mu) * capacity / 100
    density[0] += 1 - density.sum()
    return density


def step(spec: peer.EnvSpec, mu: np.ndarray) -> dict:
    """Distribution [S], rewards [S, A] and transition probabilities [S, A, S]."""
    env = spec.environment
    density = jax.numpy.asarray(mu)
    successors = np.asarray(peer._transition_tensor(density, spec))  # [S, A, noise]
    reached = successors[..., None] == np.arange(env.N_states)
    transitions = np.einsum("sany,n->say", reached, env.noise_prob)
    return {
        "t": 0,
        "mu": mu.tolist(),
        "rewards": np.asarray(peer._reward_matrix(density, spec)).tolist(),
        "transitions": transitions.tolist(),
    }


if __name__ == "__main__":
    main()
