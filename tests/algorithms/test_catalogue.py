"""Names of games and solvers, and what a misspelt one says."""

import inspect
import pathlib
import subprocess
import sys

import pyspiel
import pytest

import algorithms
from algorithms import catalogue
from algorithms.solver import IterativeSolver
import mfg_games


def all_solvers(cls=IterativeSolver):
    for subclass in cls.__subclasses__():
        yield subclass
        yield from all_solvers(subclass)


def test_every_solver_of_the_package_is_listed_and_described():
    classes = {catalogue.solver_class(name) for name in catalogue.SOLVERS}
    ours = {
        c
        for c in all_solvers()
        if c.__module__.startswith("algorithms.") and not inspect.isabstract(c)
    }
    assert classes == ours
    for name in catalogue.SOLVERS:
        assert catalogue.solver_summary(name).endswith(".")


def test_games_are_ours_and_openspiels():
    games = catalogue.games()
    assert set(mfg_games.registered_games()) <= set(games)
    assert "mfg_crowd_modelling_2d" in games
    assert "python_mfg_dynamic_routing" in games
    assert "chess" not in games


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: catalogue.load_game("mfg_beach_baz"), "Did you mean 'mfg_beach_bar'"),
        (lambda: catalogue.load_game("chess"), "`chess` is no mean field game."),
        (lambda: catalogue.solver_class("mirror_decent"), "mean 'mirror_descent'"),
    ],
)
def test_wrong_names(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_wrong_parameter_is_openspiels_error():
    with pytest.raises(pyspiel.SpielError, match="Unknown parameter 'sise'"):
        catalogue.load_game("mfg_beach_bar(sise=3)")


def test_the_catalogue_imports_no_tensorflow():
    root = pathlib.Path(algorithms.__file__).parents[1]
    code = "import algorithms.catalogue, sys; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


@pytest.mark.parametrize("value", ["-", "1" * 30, str(2**31), "-" + "1" * 300])
@pytest.mark.parametrize("game", ["mfg_sis", "flocking_2d"])
def test_a_value_that_openspiel_cannot_read_is_named(game, value):
    with pytest.raises(ValueError, match=f"^`horizon` must be .*{value}'$"):
        catalogue.load_game(f"{game}(dt=0.5,horizon={value})")


@pytest.mark.parametrize("text", ["mfg_sis(horizon", "mfg_sis(horizon=3"])
def test_what_is_no_string_of_a_game_is_refused(text):
    with pytest.raises((ValueError, pyspiel.SpielError)) as caught:
        catalogue.load_game(text)
    assert len(str(caught.value).splitlines()) == 1
