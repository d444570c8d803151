"""Every named setting loads, and every game of the package has a small one."""

import dataclasses
import inspect

import pyspiel
import pytest

import mfg_games
from mfg_games.settings import PAPER, PEER, SETTINGS, TESTING, Setting, setting

GAMES = {
    name: dynamics
    for name, dynamics in mfg_games.registered_games().items()
    if dynamics.__module__.startswith("mfg_games.")
}
ALL = sorted(SETTINGS)
COMPLETE = [name for name in ALL if {PAPER, PEER} & set(SETTINGS[name].tags)]
SMALL = [name for name in ALL if TESTING in SETTINGS[name].tags]


@pytest.mark.parametrize("name", ALL)
def test_loads_by_call_and_by_string(name):
    entry = setting(name)
    game = entry.load()
    assert game.get_type().short_name == entry.game
    assert entry.parameters.items() <= game.get_parameters().items()
    by_string = pyspiel.load_game(entry.game_string)
    assert by_string.get_parameters() == game.get_parameters()


@pytest.mark.parametrize("name", ALL)
def test_says_what_it_is(name):
    entry = SETTINGS[name]
    assert entry.name == name
    assert entry.source
    assert entry.description
    assert len({PAPER, PEER, TESTING} & set(entry.tags)) == 1


@pytest.mark.parametrize("name", COMPLETE)
def test_settings_of_papers_and_peers_give_every_parameter(name):
    expected = inspect.signature(GAMES[SETTINGS[name].game]).parameters
    assert SETTINGS[name].parameters.keys() == expected.keys()


@pytest.mark.parametrize("name", SMALL)
def test_testing_settings_have_few_decision_nodes(name):
    d = SETTINGS[name].load().dynamics
    histories = sum(d.num_histories(t) for t in range(d.horizon))
    assert histories * d.num_populations * d.num_states < 1000


@pytest.mark.parametrize("game", GAMES)
def test_every_game_has_a_testing_setting(game):
    assert game in {SETTINGS[name].game for name in SMALL}


@pytest.mark.parametrize("game", ["mfg_beach_bar", "mfg_linear_quadratic"])
def test_games_with_common_noise_have_a_testing_setting_that_uses_it(game):
    assert any(
        SETTINGS[name].load().dynamics.common_noise
        for name in SMALL
        if SETTINGS[name].game == game
    )


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(ValueError, match=r"'four_room_deep'.*'four_rooms_deep_2022'"):
        setting("four_room_deep")


def test_settings_are_immutable():
    entry = SETTINGS["sis_testing"]
    with pytest.raises(TypeError):
        SETTINGS["sis_testing"] = entry
    with pytest.raises(TypeError):
        entry.parameters["horizon"] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry.game = "mfg_beach_bar"


def test_game_string_keeps_every_digit():
    parameters = {"stay_probability": 1 / 3, "crowd_aversion": 1e-5 / 3}
    entry = Setting("thirds", "mfg_beach_bar", parameters, "here", "thirds", ())
    loaded = pyspiel.load_game(entry.game_string).get_parameters()
    assert parameters.items() <= loaded.items()
