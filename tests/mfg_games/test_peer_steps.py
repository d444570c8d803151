"""Rewards and transitions against what other libraries compute for the games we share.

The numbers were made by the scripts in examples/benchmark/peers.
"""

import json
import pathlib

import numpy as np
import pyspiel
import pytest

import mfg_games  # noqa: F401 (registers)
from mfg_games.random_linear import RandomLinear, Tables

HERE = pathlib.Path(__file__).parent
ENTRIES = [
    entry
    for name in ("mfglib_steps.json", "bench_mfg_steps.json")
    for entry in json.loads((HERE / name).read_text("utf-8"))["games"]
]


def peers_dynamics(entry):
    """Ours with the peer's random tables, if it has any."""
    dynamics = pyspiel.load_game(entry["game"]).dynamics
    if "tables" not in entry:
        return dynamics
    dynamics = RandomLinear(**dynamics.parameters)
    tables = {name: np.array(table) for name, table in entry["tables"].items()}
    dynamics.tables = Tables(**tables)
    return dynamics


def our_step(dynamics, t, law):
    """Rewards [S, A] and transition probabilities [S, A, S]."""
    size, num_actions = dynamics.num_states, dynamics.num_actions
    successors, probabilities = dynamics.transition(np, t, law, None)
    probabilities = np.broadcast_to(probabilities, (1, *successors.shape))[0]
    transitions = (np.eye(size)[successors] * probabilities[..., None]).sum(-2)
    if dynamics.moves is not None:
        transitions = transitions[dynamics.moves]
    rewards = dynamics.reward(np, t, law, None)[0]
    return np.broadcast_to(rewards, (size, num_actions)), transitions


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["game"])
def test_step_equals_the_peers(entry):
    dynamics = peers_dynamics(entry)
    names = [dynamics.action_name(a) for a in range(dynamics.num_actions)]
    order = [names.index(name) for name in entry.get("actions", names)]
    for step in entry["steps"]:
        law = np.array(step["law"] if "law" in step else step["mu"])
        if law.ndim > 1 and not dynamics.joint_law:
            law = law.sum(axis=1)
        rewards, transitions = our_step(dynamics, step["t"], law[None])
        np.testing.assert_allclose(
            rewards[:, order], step["rewards"], rtol=0, atol=1e-12
        )
        np.testing.assert_allclose(
            transitions[:, order], step["transitions"], rtol=0, atol=1e-12
        )
