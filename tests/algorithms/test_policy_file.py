"""Policies that are written and read back."""

import numpy as np
import pyspiel
import pytest

from algorithms.exploitability import exploitability
from algorithms.fictitious_play import FictitiousPlay
from algorithms.policy_file import load_policy, save_policy
import mfg_games  # noqa: F401 (registers)

GAMES = ["mfg_beach_bar(size=6,horizon=4)", "python_mfg_dynamic_routing"]


@pytest.mark.parametrize("text", GAMES)
def test_a_saved_policy_plays_alike(tmp_path, text):
    solver = FictitiousPlay(text)
    for _ in range(3):
        solver.iteration()
    path = tmp_path / "policy.npz"
    save_policy(path, solver.get_policy())
    game = pyspiel.load_game(text)
    loaded = load_policy(path, game)
    assert exploitability(game, loaded) == pytest.approx(
        solver.exploitability, abs=1e-12
    )
    np.testing.assert_array_equal(
        load_policy(path).probabilities, solver.get_policy().probabilities
    )


def test_floats_of_the_game_survive_to_the_last_digit(tmp_path):
    parameters = {"size": 6, "horizon": 4, "stay_probability": 0.12345678901234568}
    game = pyspiel.load_game("mfg_beach_bar", parameters)
    save_policy(tmp_path / "policy.npz", FictitiousPlay(game).get_policy())
    loaded = load_policy(tmp_path / "policy.npz")
    assert loaded.game.get_parameters() == game.get_parameters()


def test_a_policy_of_another_game_is_refused(tmp_path):
    path = tmp_path / "policy.npz"
    save_policy(path, FictitiousPlay(GAMES[0]).get_policy())
    other = pyspiel.load_game("mfg_beach_bar(size=6,horizon=5)")
    with pytest.raises(ValueError, match=r"holds a policy of .*'horizon': 4"):
        load_policy(path, other)


def test_probabilities_of_a_wrong_shape_are_refused(tmp_path):
    path = tmp_path / "policy.npz"
    save_policy(path, FictitiousPlay(GAMES[0]).get_policy())
    with np.load(path) as file:
        arrays = dict(file)
    arrays["probabilities"] = arrays["probabilities"][:-1]
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="finite probabilities of shape"):
        load_policy(path)


def test_a_file_that_is_no_policy_is_refused(tmp_path):
    path = tmp_path / "policy.npz"
    np.savez(path, a=np.zeros(2))
    with pytest.raises(ValueError, match="lacks the arrays"):
        load_policy(path)
