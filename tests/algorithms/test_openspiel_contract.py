"""Our classes take the arguments of OpenSpiel's, by position and with its defaults."""

import importlib
import inspect

import numpy as np
from open_spiel.python.mfg import games as openspiel_games  # noqa: F401 (registers)
from open_spiel.python.mfg import value
from open_spiel.python.mfg.algorithms import best_response_value as theirs_best
from open_spiel.python.mfg.algorithms import distribution as theirs
from open_spiel.python.mfg.algorithms import policy_value as theirs_value
from open_spiel.python.policy import UniformRandomPolicy
import pyspiel
import pytest

from algorithms.best_response_value import BestResponse
from algorithms.distribution import DistributionPolicy
from algorithms.mirror_descent import MirrorDescent
from algorithms.nash_conv import NashConv
from algorithms.policy_value import PolicyValue
import mfg_games  # noqa: F401 (registers)

CLASSES = [
    ("best_response_value", "BestResponse"),
    ("boltzmann_policy_iteration", "BoltzmannPolicyIteration"),
    ("distribution", "DistributionPolicy"),
    ("fictitious_play", "FictitiousPlay"),
    ("fictitious_play", "MergedPolicy"),
    ("fixed_point", "FixedPoint"),
    ("greedy_policy", "GreedyPolicy"),
    ("mirror_descent", "MirrorDescent"),
    ("munchausen_mirror_descent", "MunchausenMirrorDescent"),
    ("nash_conv", "NashConv"),
    ("policy_value", "PolicyValue"),
    ("softmax_policy", "SoftmaxPolicy"),
]
# Steps of OpenSpiel's recursions, and what a table of values is written by.
INNER = {"eval_state", "evaluate", "get_state_value", "set_value", "add_value", "has"}
# Games whose nodes differ in kind: joint laws, several populations, common noise,
# settlements, nodes that depend on the flow, OpenSpiel's own.
GAMES = [
    "mfg_sis(horizon=3)",
    "mfg_price_impact(horizon=2)",
    "mfg_predator_prey(size=3,horizon=2)",
    "mfg_beach_bar(size=4,horizon=3,closing_time=2)",
    "python_mfg_crowd_modelling(size=5,horizon=3)",
    "python_mfg_dynamic_routing(max_num_time_step=8,time_step_length=0.5)",
]


def both(module: str, name: str) -> tuple[type, type]:
    packages = ("algorithms", "open_spiel.python.mfg.algorithms")
    return tuple(
        getattr(importlib.import_module(f"{package}.{module}"), name)
        for package in packages
    )


def arguments(function) -> list[tuple[str, object]]:
    found = list(inspect.signature(function).parameters.values())[1:]
    return [(argument.name, argument.default) for argument in found]


@pytest.mark.parametrize(("module", "name"), CLASSES)
def test_arguments_come_in_openspiels_order_with_its_defaults(module, name):
    ours, upstream = both(module, name)
    expected = arguments(upstream.__init__)
    assert arguments(ours.__init__)[: len(expected)] == expected


@pytest.mark.parametrize(("module", "name"), CLASSES)
def test_public_methods_are_there_and_take_the_same(module, name):
    ours, upstream = both(module, name)
    for method, function in inspect.getmembers(upstream):
        if method.startswith("_") or method in INNER:
            continue
        assert hasattr(ours, method), method
        if inspect.isfunction(function):
            expected = [argument for argument, _ in arguments(function)]
            found = [argument for argument, _ in arguments(getattr(ours, method))]
            assert found[: len(expected)] == expected, method


@pytest.mark.parametrize("name", GAMES)
def test_all_nodes_have_openspiels_masses_and_values(name):
    game = pyspiel.load_game(name)
    uniform = UniformRandomPolicy(game)
    crowd = theirs.DistributionPolicy(game, uniform)
    ours = DistributionPolicy(game, uniform)
    for node, mass in crowd.get_params().items():
        assert ours.get_params()[node] == pytest.approx(mass, abs=1e-12), node
        assert ours.value_str(node) == pytest.approx(mass, abs=1e-12)
    for root in game.new_initial_states():
        assert ours.value(root) == ours(root) == 1.0
    for arguments_, own, other in (
        ((), BestResponse, theirs_best.BestResponse),
        ((uniform,), PolicyValue, theirs_value.PolicyValue),
    ):
        found, expected = (value.TabularValueFunction(game) for _ in range(2))
        own(game, crowd, *arguments_, found)
        other(game, crowd, *arguments_, expected)
        assert found._values.keys() == expected._values.keys()
        for node, number in expected._values.items():
            assert found._values[node] == pytest.approx(number, abs=1e-9), node


def test_tables_of_openspiel_are_policies():
    game = pyspiel.load_game(GAMES[4])
    uniform = UniformRandomPolicy(game)
    crowd = theirs.DistributionPolicy(game, uniform.to_tabular())
    root = game.new_initial_state()
    found = PolicyValue(game, crowd, uniform.to_tabular())(root)
    expected = theirs_value.PolicyValue(game, crowd, uniform).eval_state(root)
    assert found == pytest.approx(expected, abs=1e-12)


def test_openspiels_calls_of_solvers():
    game = pyspiel.load_game(GAMES[4])
    table = value.TabularValueFunction(game)
    solver = MirrorDescent(game, table, 0.1, game.new_initial_state())
    solver.iteration()
    by_name = MirrorDescent(game, lr=0.1)
    by_name.iteration()
    np.testing.assert_array_equal(
        solver.get_projected_policy().probabilities, by_name.get_policy().probabilities
    )
    with pytest.raises(ValueError, match="`state_value` must be None or a value"):
        MirrorDescent(game, 0.1)


def test_what_belongs_to_another_game_is_refused():
    sis, chain = (pyspiel.load_game(name) for name in ("mfg_sis", "mfg_crowd_chain"))
    uniform = UniformRandomPolicy(chain)
    for crowd in (DistributionPolicy, theirs.DistributionPolicy):
        with pytest.raises(ValueError, match=r"distribution was made for `mfg_crowd"):
            BestResponse(sis, crowd(chain, uniform))
    with pytest.raises(ValueError, match=r"policy was made for `mfg_crowd_chain"):
        NashConv(sis, uniform)


def test_only_the_start_is_a_root():
    game = pyspiel.load_game(GAMES[0])
    uniform = UniformRandomPolicy(game)
    root = game.new_initial_state()
    expected = NashConv(game, uniform).nash_conv()
    assert NashConv(game, uniform, root).nash_conv() == expected
    with pytest.raises(ValueError, match="`root_state` must be None or the start"):
        NashConv(game, uniform, root.child(0))


def test_no_distribution_at_all_is_refused():
    game = pyspiel.load_game(GAMES[4])
    crowd = theirs.DistributionPolicy(game, UniformRandomPolicy(game))
    crowd.set_params({node: 2 * mass for node, mass in crowd.get_params().items()})
    with pytest.raises(ValueError, match="must sum to 1"):
        BestResponse(game, crowd)
    used = value.TabularValueFunction(game)
    used.set_value("initial", 3.0)
    crowd = DistributionPolicy(game, UniformRandomPolicy(game))
    with pytest.raises(ValueError, match="`state_value` must be empty"):
        BestResponse(game, crowd, used)
