"""Games that do not fit into the machine are refused before anything is allocated."""

import time
import tracemalloc

import pyspiel
import pytest

from mfg_games import sizes
from mfg_games.registration import parameter_specification, registered_games

GIGABYTE = 2**30

# Not those of other tests.
GAMES = [
    name
    for name, dynamics in registered_games().items()
    if dynamics.__module__.startswith("mfg_games.")
]


@pytest.fixture(autouse=True)
def small_machine(monkeypatch):
    monkeypatch.setattr(sizes, "memory", lambda: GIGABYTE)


def load(name, given):
    """What loading answers in a second of this process, without taking memory."""
    tracemalloc.start()
    start = time.process_time()
    try:
        return pyspiel.load_game(name, given)
    except ValueError as error:
        assert len(str(error).splitlines()) == 1
        return str(error)
    finally:
        assert time.process_time() - start < 1
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < GIGABYTE / 20


def whole_numbers(name):
    specification = parameter_specification(registered_games()[name])
    return [key for key, default in specification.items() if type(default) is int]


@pytest.mark.parametrize("name", GAMES)
def test_any_number_is_answered_at_once(name):
    for parameter in whole_numbers(name):
        for value in (2**31 - 1, 10**9):
            answer = load(name, {parameter: value})
            if isinstance(answer, str):
                assert parameter in answer


@pytest.mark.parametrize("name", GAMES)
def test_a_long_horizon_is_refused(name):
    answer = load(name, {"horizon": 2**31 - 1})
    assert "horizon=2147483647" in answer


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("mfg_building", {"floors": 10**6, "size": 1000}),
        ("mfg_beach_bar", {"size": 10**9}),
        ("mfg_beach_bar", {"size": 10**8, "horizon": 1}),
        ("mfg_beach_bar", {"closing_time": 3, "horizon": 10**8}),
        ("mfg_exploration", {"layout": "empty_100000x100000"}),
        ("mfg_exploration", {"layout": "empty_99999999999999999999x1"}),
        ("mfg_predator_prey", {"size": 10**4}),
        ("mfg_linear_quadratic", {"max_action": 10**6, "half_width": 10**6}),
        ("mfg_random_garnet", {"num_states": 10**5, "num_actions": 10**3}),
        ("mfg_flocking", {"dimensions": 2, "num_positions": 1000}),
    ],
)
def test_sizes_that_do_not_fit_are_named(name, given):
    answer = load(name, given)
    assert answer.startswith(f"`{name}` does not fit into this machine with ")
    for parameter, value in given.items():
        assert f"{parameter}={value!r}"[:20] in answer


@pytest.mark.parametrize(
    "family",
    [
        "gaussians:10000",
        "own+points:2:0:10000",
        "points:100000000",
        "+".join(["points:10000"] * 10_000),
        "+".join(["own"] * 10_001),
    ],
)
def test_families_of_laws_that_do_not_fit_are_refused(family):
    answer = load(
        "mfg_exploration", {"layout": "empty_300x300", "initial_laws": family}
    )
    assert "initial_laws" in answer


def test_what_fits_is_loaded():
    assert load("mfg_beach_bar", {"size": 10**5}).dynamics.num_states == 10**5
    game = load("mfg_moving_target", {})
    assert game.dynamics.num_histories(19) == 4**3


def test_the_memory_is_known(monkeypatch):
    monkeypatch.undo()
    assert 2**28 < sizes.memory() < 2**50
