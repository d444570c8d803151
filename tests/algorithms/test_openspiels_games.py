"""Every solver on every mean field game of OpenSpiel: solved, or refused at once."""

from collections.abc import Mapping

from open_spiel.python.mfg import games as openspiel_games  # noqa: F401 (registers)
from open_spiel.python.mfg.algorithms.nash_conv import NashConv
import pyspiel
import pytest

from algorithms import catalogue
import mfg_games

GAMES = {
    "mean_field_lin_quad": "size=4,horizon=2",
    "mfg_crowd_modelling": "size=4,horizon=2",
    "mfg_crowd_modelling_2d": "size=3,horizon=2",
    "mfg_dynamic_routing": "max_num_time_step=5",
    "mfg_garnet": "size=4,horizon=2",
    "python_mfg_crowd_avoidance": "horizon=1,coef_congestion=1.5",
    "python_mfg_crowd_modelling": "size=4,horizon=2",
    "python_mfg_dynamic_routing": "max_num_time_step=8,time_step_length=0.5",
    "python_mfg_periodic_aversion": "size=5,horizon=2",
    "python_mfg_predator_prey": "horizon=2",
}
# Names of parameters, or their last words, and how small they are made.
SMALL = {
    "updates": 4,
    "players": 4,
    "width": 4,
    "games": 2,
    "batch_size": 4,
    "episodes": 8,
    "simulations": 4,
    "rounds": 2,
    "particles": 3,
}
ROUTING = {"mfg_dynamic_routing", "python_mfg_dynamic_routing"}
# Solvers whose theory needs games in which the crowd does not change where one goes.
FIXED_KERNEL = {"admm", "mean_field_psro", "particle_swarm", "proximal_gradient"}


def small(solver: type) -> Mapping[str, int]:
    """Parameters with which a solver takes no time."""
    return {
        name: min(default, size)
        for name, default in solver.options().items()
        for word, size in SMALL.items()
        if f"_{name}".endswith(f"_{word}") and type(default) is int
    }


def refusal(name: str, game: str) -> str | None:
    """Why a solver does not take a game; None where it does."""
    if name == "flock":
        return "a game in continuous space"
    if catalogue.solver_class(name).own_games_only:
        return "registered by `?mfg_games"
    if name in FIXED_KERNEL and game in ROUTING:
        return "do not depend on the crowd"
    deep = hasattr(catalogue.solver_class(name), "presets")
    if deep and game == "mfg_dynamic_routing":
        return "no observation tensor"
    return None


def test_no_game_of_openspiel_is_missing():
    ours = set(mfg_games.registered_games())
    theirs = {name for name in catalogue.games() if not name.startswith("mfg_test")}
    python = {name for name in theirs if name.startswith("python_mfg")}
    assert python | {"mean_field_lin_quad", "mfg_garnet"} <= GAMES.keys()
    assert GAMES.keys() <= theirs - ours


@pytest.mark.slow
@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("name", sorted(catalogue.SOLVERS))
def test_each_game_is_solved_or_refused(name, game):
    solver = catalogue.solver_class(name)
    loaded = pyspiel.load_game(f"{game}({GAMES[game]})")
    reason = refusal(name, game)
    if reason is not None:
        with pytest.raises(ValueError, match=reason) as refused:
            solver.make(loaded, **small(solver))
        assert "\n" not in str(refused.value)
        return
    solving = solver.make(loaded, **small(solver))
    for _ in range(2):
        solving.iteration()
    theirs = NashConv(loaded, solving.get_policy()).nash_conv()
    assert solving.exploitability == pytest.approx(theirs, abs=1e-9)
