"""Games and states that are pickled in one process and read in another."""

import pathlib
import subprocess
import sys
import textwrap

import joblib
import pyspiel
import pytest

MODULE = '''
import numpy as np

from mfg_games.dynamics import Dynamics
from mfg_games.registration import register


@register("mfg_test_ferry")
class Ferry(Dynamics):
    """A ferry that comes or not."""

    def __init__(self, horizon: int = 2, delay: float = 0.1):
        self.horizon = horizon
        self.num_actions = 1
        self.state_shape = (2,)
        self.initial_distribution = np.array([[1.0, 0.0]])
        self.reward_range = (0.0, 1.0)
        self._successors = np.array([[[0, 1]], [[1, 0]]], np.int32)
        self._probabilities = np.array([[delay, 1 - delay]])

    def transition(self, xp, t, mu, z):
        return self._successors, self._probabilities

    def reward(self, xp, t, mu, z):
        return mu[..., None]
'''
WRITE = """
import pickle
import pyspiel
import outsiders_ferry
from open_spiel.python.policy import UniformRandomPolicy

game = pyspiel.load_game("mfg_test_ferry", {"delay": 1 / 3})
state = game.new_initial_state().child(0).child(0)
policy = UniformRandomPolicy(game).to_tabular()
with open("pickled", "wb") as file:
    pickle.dump([game, state, policy], file)
print(game.get_parameters(), state, state.chance_outcomes(), policy.states[-1])
"""
READ = """
import pickle

with open("pickled", "rb") as file:
    game, state, policy = pickle.load(file)
print(game.get_parameters(), state, state.chance_outcomes(), policy.states[-1])
"""
# The game is the script's own, which no other process can import.
SCRIPT = """
import joblib
import pyspiel

if __name__ == "__main__":
    games = [pyspiel.load_game("mfg_test_ferry", {"horizon": h}) for h in (2, 5)]
    print(joblib.Parallel(2)(joblib.delayed(str)(game) for game in games))
"""


def run(code: str, folder: pathlib.Path) -> str:
    """What a fresh process prints that runs a script of this folder."""
    script = folder / "script.py"
    script.write_text(textwrap.dedent(code))
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_fresh_process_reads_an_outsiders_game_and_its_states(tmp_path):
    (tmp_path / "outsiders_ferry.py").write_text(MODULE)
    written = run(WRITE, tmp_path)
    assert "0.333" in written
    assert run(READ, tmp_path) == written


@pytest.mark.slow
def test_joblibs_workers_take_games_of_a_script(tmp_path):
    printed = run(MODULE + SCRIPT, tmp_path)
    assert "horizon=2" in printed
    assert "horizon=5" in printed


@pytest.mark.slow
def test_joblibs_workers_take_games_of_this_collection():
    names = ["mfg_sis(horizon=3)", "mfg_left_right"]
    games = [pyspiel.load_game(name) for name in names]
    found = joblib.Parallel(2)(joblib.delayed(str)(game) for game in games)
    assert found == list(map(str, games))
