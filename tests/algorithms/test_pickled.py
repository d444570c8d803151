"""Policies, distributions, values, solvers and results survive pickle and copy."""

import copy
import pathlib
import pickle
import subprocess
import sys

from deep_games import TINY
import numpy as np
from open_spiel.python.mfg import games as openspiel_games  # noqa: F401 (registers)
import pyspiel
import pytest

from algorithms.best_response_value import BestResponse
from algorithms.distribution import DistributionPolicy
from algorithms.mirror_descent import MirrorDescent
from algorithms.munchausen_deep_mirror_descent import DeepMirrorDescent
from algorithms.nash_conv import NashConv
from algorithms.policy_value import PolicyValue
from algorithms.run import run
from algorithms.solver import IterativeSolver
import mfg_games  # noqa: F401 (registers)

# Ours, OpenSpiel's in Python and in C++, and one whose nodes depend on the flow.
GAMES = [
    "mfg_sis(horizon=3)",
    "python_mfg_crowd_modelling(size=5,horizon=3)",
    "mfg_crowd_modelling(size=5,horizon=3)",
    "python_mfg_dynamic_routing(max_num_time_step=8,time_step_length=0.5)",
]
COPIES = {
    "copy": lambda things: list(map(copy.copy, things)),
    "deepcopy": copy.deepcopy,
    "pickle": lambda things: pickle.loads(pickle.dumps(things)),
}


def things(solver: IterativeSolver) -> list:
    """One of everything, after two iterations."""
    result = run(solver, 2, progress=False)
    policy = solver.get_policy()
    game = policy.game
    distribution = DistributionPolicy(game, policy)
    values = [
        NashConv(game, policy),
        BestResponse(game, distribution),
        PolicyValue(game, distribution, policy),
    ]
    return [policy, distribution, *values, solver, result]


def numbers(things: list) -> list[float]:
    """What they say, and what goes on from them."""
    policy, distribution, nash_conv, best, value, solver, result = things
    root = policy.game.new_initial_state()
    found = [
        *policy.probabilities.ravel().tolist(),
        *distribution.distribution.values(),
        NashConv(policy.game, policy).nash_conv(),
        BestResponse(policy.game, distribution)(root),
        nash_conv.nash_conv(),
        *nash_conv.br_values(),
        best(root),
        value(root),
        solver.exploitability,
        *(record.exploitability for record in result.history),
        NashConv(policy.game, result.best_policy).nash_conv(),
    ]
    solver.iteration()
    return [*found, solver.exploitability, solver.num_iterations]


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("way", COPIES)
def test_copies_say_the_same_numbers(way, game):
    originals = things(MirrorDescent(game, lr=0.1))
    copies = COPIES[way](originals)
    # A shallow copy of a solver is a solver of its own too.
    assert numbers(copies) == numbers(originals)


def test_a_deep_solver_is_pickled_with_its_networks():
    originals = things(
        DeepMirrorDescent.make("mfg_beach_bar(size=6,horizon=4)", **TINY)
    )
    found, expected = numbers(pickle.loads(pickle.dumps(originals))), numbers(originals)
    np.testing.assert_array_equal(found, expected)


def test_a_game_of_openspiel_in_python_is_not_pickled_by_itself():
    """Why policies carry the name of their game: OpenSpiel's own copies are empty."""
    game = pyspiel.load_game(GAMES[1])
    assert vars(game)
    assert not vars(pickle.loads(pickle.dumps(game)))


@pytest.mark.slow
def test_a_fresh_process_reads_them(tmp_path):
    written = [things(MirrorDescent(game, lr=0.1)) for game in GAMES]
    path = tmp_path / "pickled"
    path.write_bytes(pickle.dumps(written))
    code = (
        "import pickle, sys, test_pickled as test\n"
        "with open(sys.argv[1], 'rb') as file:\n"
        "    print([test.numbers(things) for things in pickle.load(file)])"
    )
    command = [sys.executable, "-c", code, path]
    folder = pathlib.Path(__file__).parent
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    found = eval(done.stdout)
    for ours, theirs in zip(found, map(numbers, written), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
