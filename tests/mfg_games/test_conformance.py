"""The conformance kit: it passes what is right and names what is wrong."""

import functools
import re
import subprocess
import sys

from broken_dynamics import SAID
from broken_games import BROKEN, BrokenGame, Short, Unsorted
from open_spiel.python import policy
from open_spiel.python.mfg import games  # noqa: F401 - registers OpenSpiel's games
from open_spiel.python.mfg.algorithms import distribution
from open_spiel.python.mfg.games import normal_form_game  # noqa: F401
import pyspiel
import pytest

from algorithms.model import load_model
from mfg_games.conformance import CHECKS, ConformanceError, check_game
from mfg_games.conformance.__main__ import main
from mfg_games.conformance.names import openspiel_names
from mfg_games.conformance.walk import Walk
from mfg_games.settings import SETTINGS, TESTING

TESTING_SETTINGS = [name for name, s in SETTINGS.items() if TESTING in s.tags]
NAMES = {check.__name__ for check in CHECKS}
_report = functools.cache(check_game)

# Defects of OpenSpiel's own games that the kit must name, each known from their code.
UPSTREAM = {
    # Initial outcomes 0..9 with max_chance_outcomes=7; returns overwritten; rewards
    # of the last action; game not restored by pickle; utility_sum=0.
    "mean_field_lin_quad(horizon=2)": {
        "chance",
        "random_simulation",
        "returns",
        "rewards_by_string",
        "game_copies",
    },
    "python_mfg_periodic_aversion(size=5,horizon=2)": {
        "random_simulation",
        "returns",
        "rewards_by_string",
        "game_copies",
    },
    # Serialization drops the distribution, and digits; in garnet, the game.
    "mfg_crowd_modelling_2d(size=3,horizon=2)": {
        "rewards_by_string",
        "deepcopy",
        "pickled",
        "serialized",
    },
    "mfg_garnet(size=4,horizon=2)": {
        "rewards_by_string",
        "deepcopy",
        "pickled",
        "serialized",
    },
    "mfg_crowd_modelling(size=4,horizon=2)": {"rewards_by_string", "serialized"},
    "python_mfg_crowd_modelling(size=4,horizon=2)": {"rewards_by_string"},
    # Tensors without the population.
    "python_mfg_predator_prey(horizon=2)": {"observation_distinct", "game_copies"},
    "python_mfg_crowd_avoidance(horizon=2)": {"observation_distinct", "game_copies"},
    "mean_field_nfg": {"random_simulation", "utilities"},
    # Supports of moving vehicles only.
    "mfg_dynamic_routing": {"support", "mass"},
    "python_mfg_dynamic_routing": {"support", "mass"},
}
# What all of them get right: a kit that cries wolf fails here.
RIGHT_UPSTREAM = {"walk", "random_play", "strings", "lockstep", "clone", "nash_conv"}


@pytest.mark.parametrize("name", TESTING_SETTINGS)
def test_our_games_conform(name):
    report = check_game(SETTINGS[name].load())
    assert report.conforms, str(report)
    assert set(report.passed) == NAMES
    assert report.notes == ()


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_game_fails_its_own_checks_and_no_other(name):
    report = _report(name)
    assert set(report.failed) == set(BROKEN[name]), str(report)


@pytest.mark.parametrize("name", SAID)
def test_what_takes_no_tensors_is_one_line_with_method_and_mend(name):
    (failure,) = _report(name).failures
    assert SAID[name] in failure.cause


@pytest.mark.parametrize("name", [name for name in SAID if "time" not in name])
def test_solvers_refuse_crowds_that_are_no_tensors_in_the_same_words(name):
    game = pyspiel.load_game(name)
    if " of z " in SAID[name] or " on z " in SAID[name]:
        load_model(game)  # few histories: each one is called with numbers
        return
    with pytest.raises(ValueError, match=re.escape(_report(name).failures[0].cause)):
        load_model(game)


@pytest.mark.parametrize(
    "name",
    [
        "broken_integermask",
        "broken_floatmoves",
        "broken_floatsuccessors",
        "broken_terminalrow",
        "broken_roundscrowds",
        "broken_roundslaws",
    ],
)
def test_solvers_refuse_other_types_and_shapes_in_the_same_words(name):
    (failure,) = _report(name).failures
    said = failure.cause.partition(":")[0]
    if failure.check == "function_shapes":
        said = re.escape(
            failure.found.removeprefix("ValueError: ").partition(" (t=")[0]
        )
    with pytest.raises(ValueError, match=said):
        load_model(pyspiel.load_game(name))


@pytest.mark.parametrize("name", [name for name in BROKEN if "broken_leaks" in name])
def test_a_leak_is_one_line_with_time_crowd_and_sum(name):
    (failure,) = _report(name).failures
    assert failure.expected == "transition returns probabilities that sum to 1"
    assert re.match(r"\d\.\d+ at t=\d, \w+", failure.found)


def test_one_probability_may_stand_for_all_outcomes():
    assert _report("broken_even").conforms
    (failure,) = _report("broken_leaksdoubled").failures
    assert failure.check == "transition_laws" and failure.found.startswith("2.0 at t=1")


def test_every_check_has_a_game_made_for_it():
    own = {checks[0] for checks in BROKEN.values() if checks}
    assert own | {"short_name"} == NAMES


@pytest.mark.parametrize("game", UPSTREAM)
def test_defects_of_openspiels_games_are_named(game):
    report = check_game(game)
    assert UPSTREAM[game] <= set(report.failed), str(report)
    assert set(report.passed) >= RIGHT_UPSTREAM, str(report)
    assert "wrong_distributions" in report.failed  # none of them checks all


def test_hidden_last_action_is_reported_with_string_and_both_rewards():
    game = "mfg_crowd_modelling_2d(size=3,horizon=2)"
    failures = check_game(game).of("rewards_by_string")
    strings = {failure.expected.split("'")[1] for failure in failures}
    assert strings == {f"({x}, {y}, 1)" for x in range(3) for y in range(3)}
    for failure in failures:
        # Moving costs 1 / size more than staying, whatever the density.
        first, second = map(float, re.findall(r"\[(\S+)\]", failure.found))
        assert abs(first - second) == pytest.approx(1 / 3, abs=1e-9)


def test_upstream_without_action_costs_has_rewards_by_string():
    game = "mfg_crowd_modelling_2d(size=3,horizon=2,only_distribution_reward=true)"
    assert "rewards_by_string" in check_game(game).passed


def test_lost_distribution_is_seen_in_the_reward():
    game = "mfg_crowd_modelling_2d(size=3,horizon=2)"
    failures = check_game(game).of("serialized")
    assert any("keeps the rewards" in failure.expected for failure in failures)


def test_walk_meets_what_openspiels_distribution_meets():
    game = pyspiel.load_game("mfg_beach_bar(size=4,horizon=3,closing_time=1)")
    walk = Walk(game, max_states=10_000)
    uniform = policy.UniformRandomPolicy(game)
    upstream = distribution.DistributionPolicy(game, uniform).distribution
    masses = {node.string: node.mass for node in walk.nodes()}
    assert masses.keys() == upstream.keys()
    assert all(
        sum(node.mass for node in layer.values()) == pytest.approx(1.0)
        for layer in walk.layers
    )
    # The walk's own policy is not uniform, and neither is its flow: else a copy that
    # falls back on the uniform distribution could not be told.
    crowds = [m for s, m in masses.items() if s.startswith("t=3") and "mean" in s]
    assert max(crowds) > 1.1 * min(crowds)


def test_a_check_that_crashes_is_a_failure_and_hides_no_other():
    report = check_game("broken_lacksatablerow")
    (crash,) = report.of("nash_conv")
    assert "KeyError" in crash.found
    assert set(report.passed) | set(report.failed) == NAMES


def test_report_reads_well():
    report = check_game("broken_forgetful")
    text = str(report)
    assert "broken_forgetful(horizon=2,size=4): DOES NOT CONFORM" in text
    for word in ("[returns]", "expected:", "found:", "likely:", "more failures of"):
        assert word in text
    with pytest.raises(ConformanceError, match=r"\[returns\]"):
        report.raise_if_failed()
    check_game("mfg_beach_bar(size=3,horizon=1)").raise_if_failed()


def test_a_cut_walk_is_said_to_be_cut():
    report = check_game("mfg_beach_bar(size=9,horizon=5)", max_states=100)
    assert report.conforms, str(report)
    assert "ended after 4 layers" in report.notes[0]  # 1 + 9 + 27 + 27 states
    assert "larger than the limit" in report.not_applicable["nash_conv"]


def test_a_start_larger_than_the_limit_is_checked_as_far_as_possible():
    report = check_game("mfg_beach_bar(size=30,horizon=2)", max_states=5)
    assert report.conforms, str(report)
    assert {"mass", "empty_cells", "observation_size"} <= report.not_applicable.keys()


def test_taken_name_is_reported_from_a_snapshot():
    before = {"broken_unsorted", "chess"}
    report = check_game("broken_unsorted", names_before=before)
    assert "'broken_unsorted'" in report.of("short_name")[0].expected
    assert "short_name" in check_game("broken_unsorted").passed


def test_a_name_of_openspiels_own_is_taken():
    assert {"mfg_garnet", "python_mfg_crowd_modelling"} <= openspiel_names()

    class Impostor(BrokenGame):
        dynamics_class = Short.dynamics_class
        game_type = pyspiel.load_game("mfg_crowd_modelling").get_type()

    taken, replaced = check_game(Impostor({"size": 3, "horizon": 1})).of("short_name")
    assert "'mfg_crowd_modelling'" in taken.expected
    assert "Impostor" in replaced.expected and "pyspiel" in replaced.found


def test_a_name_that_was_registered_again_is_reported():
    game = pyspiel.load_game("broken_unsorted")
    own_class, own_type = type(game), game.get_type()
    try:
        pyspiel.register_game(own_type, Short)
        (failure,) = check_game(game).of("short_name")
        assert "Short" in failure.found
    finally:
        pyspiel.register_game(own_type, own_class)
    assert own_class.state_class is Unsorted


def test_only_mean_field_games_are_taken():
    with pytest.raises(ValueError, match="`game` must be a mean field game"):
        check_game("tic_tac_toe")
    with pytest.raises(ValueError, match="`max_states` must be at least 1"):
        check_game("mfg_beach_bar", max_states=0)


def test_command_line(capsys):
    assert main(["mfg_beach_bar(size=3,horizon=1)"]) == 0
    assert "conforms (" in capsys.readouterr().out
    assert main(["mfg_beach_bar(size=3,horizon=1)", "broken_modest"]) == 1
    assert "[utilities]" in capsys.readouterr().out
    with pytest.raises(SystemExit) as refused:
        main(["tic_tac_toe"])
    assert refused.value.code == 2
    assert "must be a mean field game" in capsys.readouterr().err


def test_unknown_names_are_met_with_the_nearest(capsys):
    with pytest.raises(SystemExit) as refused:
        main(["mfg_beach_baar(size=3)"])
    assert refused.value.code == 2
    said = capsys.readouterr().err
    assert "no game called 'mfg_beach_baar'. Did you mean 'mfg_beach_bar'?" in said
    assert "--import_module=" in said
    with pytest.raises(SystemExit):
        main(["mfg_beach_bar", "--import_module=no.such.module"])
    assert "--import_module=no.such.module: No module" in capsys.readouterr().err


def _run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return done.stdout


_MAIN = """
import runpy, sys
sys.argv[1:] = ['mfg_beach_bar(size=3,horizon=1)']
try: runpy.run_module('mfg_games.conformance', run_name='__main__')
except SystemExit as end: assert end.code == 0, end.code
"""


def test_nothing_of_solvers_is_imported_before_a_game_is_checked():
    _run(
        "import sys, mfg_games.conformance.__main__, mfg_games.settings\n"
        "assert not {'tensorflow', 'algorithms'} & sys.modules.keys()"
    )


@pytest.mark.parametrize("missing", ["tensorflow", "algorithms"])
def test_the_kit_says_what_it_leaves_out_where_there_are_no_solvers(missing):
    said = _run(f"import sys; sys.modules[{missing!r}] = None\n{_MAIN}")
    assert f"conforms ({len(NAMES) - 2} checks passed, 0 failed)" in said
    assert "not checked: tensors, solver_steps: what solvers see" in said
