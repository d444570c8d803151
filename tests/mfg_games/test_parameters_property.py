"""Whatever its parameters, a game loads and plays, or says which one is wrong."""

import inspect
import math
import re

from hypothesis import event, given, settings
from hypothesis import strategies as st
import numpy as np
import pyspiel
import pytest

import mfg_games
from mfg_games.settings import SETTINGS, TESTING

GAMES = {
    name: dynamics
    for name, dynamics in mfg_games.registered_games().items()
    if dynamics.__module__.startswith("mfg_games.")
}
INTS = [-2, -1, 0, 1, 2, 3, 6]
FLOATS = [0.0, 1.0, -1.0, 1e-12, 1e12, 1e300, math.inf, -math.inf, math.nan]
TEXTS = [
    "",
    " ",
    "0",
    "0 0",
    "-1 1",
    "1 nan",
    "0 1;-1 0",
    "0 1;1",
    "1|1",
    "9|9;",
    "#|.",
]


def defaults(game: str) -> dict:
    """Parameters and their defaults."""
    parameters = inspect.signature(GAMES[game]).parameters
    return {name: parameter.default for name, parameter in parameters.items()}


def small_settings(game: str) -> list[dict]:
    """Parameters of the game's testing settings."""
    return [
        dict(s.parameters)
        for s in SETTINGS.values()
        if s.game == game and TESTING in s.tags
    ]


def candidates(name: str, default) -> list:
    """Values for one parameter, sensible and not."""
    match default:
        case bool():
            return [False, True]
        case int():
            return INTS
        case float():
            return [default, *FLOATS]
    used = {s.parameters.get(name) for s in SETTINGS.values()}
    return [default, *sorted(v for v in used if isinstance(v, str)), *TEXTS]


def strategy(name: str, default) -> st.SearchStrategy:
    """The candidates and what lies between them."""
    values = st.sampled_from(candidates(name, default))
    if isinstance(default, float):
        return values | st.floats(0, 1)
    if isinstance(default, str):
        return values | st.text("09 -.|;#x", max_size=8)
    return values


@st.composite
def changed_parameters(draw, game: str) -> dict:
    """A small setting with two or three parameters changed: of many, one is wrong."""
    parameters = dict(draw(st.sampled_from(small_settings(game))))
    specification = defaults(game)
    names = st.sampled_from(sorted(specification))
    fewest = min(2, len(specification))
    for name in draw(st.lists(names, min_size=fewest, max_size=3, unique=True)):
        parameters[name] = draw(strategy(name, specification[name]))
    return parameters


def play(game: pyspiel.Game, population: int) -> None:
    """Plays once, against random distributions; all rewards must be finite."""
    rng = np.random.default_rng(0)
    state = game.new_initial_state_for_population(population)
    total = np.zeros(game.num_players())
    while True:
        rewards = (
            state.rewards() if not state.is_chance_node() else np.zeros(len(total))
        )
        assert np.isfinite(rewards).all(), (str(state), rewards)
        total += rewards
        if state.is_terminal():
            break
        if state.is_chance_node():
            outcomes, law = zip(*state.chance_outcomes(), strict=True)
            assert sum(law) == pytest.approx(1)
            state.apply_action(rng.choice(outcomes, p=np.divide(law, sum(law))))
        elif state.current_player() == pyspiel.PlayerId.MEAN_FIELD:
            support = len(state.distribution_support()) // game.num_players()
            mu = rng.dirichlet(np.ones(support), size=game.num_players())
            state.update_distribution(mu.ravel().tolist())
        else:
            state.apply_action(rng.choice(state.legal_actions()))
    np.testing.assert_allclose(state.returns(), total, rtol=1e-9, atol=1e-9)
    assert (total >= game.min_utility()).all()
    assert (total <= game.max_utility()).all()


def load(name: str, parameters: dict) -> pyspiel.Game | None:
    """The game, or None if it refuses a parameter, which it must name."""
    try:
        return pyspiel.load_game(name, parameters)
    except (ValueError, pyspiel.SpielError) as error:
        wrong = rf"`({'|'.join(defaults(name))})`.*Received"
        assert re.search(wrong, str(error), re.DOTALL), (parameters, error)
        return None


@pytest.mark.parametrize("name", GAMES)
def test_one_parameter_at_a_time(name):
    outcomes = set()
    for small in small_settings(name):
        for parameter, default in defaults(name).items():
            for value in candidates(parameter, default):
                game = load(name, {**small, parameter: value})
                outcomes.add(game is not None)
                if game:
                    play(game, game.num_players() - 1)
    assert outcomes == {True, False}


@pytest.mark.parametrize("name", GAMES)
@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_several_parameters_at_once(name, data):
    game = load(name, data.draw(changed_parameters(name)))
    event("loaded" if game else "refused")
    if game:
        for population in range(game.num_players()):
            play(game, population)
        pyspiel.random_sim_test(game, num_sims=1, serialize=False, verbose=False)
