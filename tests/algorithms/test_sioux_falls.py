"""OpenSpiel's largest routing game, whose travel times depend on the traffic."""

from open_spiel.python import policy as openspiel_policy
from open_spiel.python.mfg.algorithms import nash_conv
from open_spiel.python.mfg.games import factory
import pytest

from algorithms.exploitability import exploitability
from algorithms.mirror_descent import MirrorDescent


@pytest.mark.slow
def test_sioux_falls_is_evaluated_and_solved():
    game = factory.create_game_with_setting(
        "python_mfg_dynamic_routing", "dynamic_routing_sioux_falls_dummy_demand"
    )
    uniform = openspiel_policy.UniformRandomPolicy(game)
    expected = nash_conv.NashConv(game, uniform).nash_conv()
    assert exploitability(game, uniform) == pytest.approx(expected, abs=1e-9)
    solver = MirrorDescent(game, lr=1.0)
    assert solver.exploitability == pytest.approx(expected, abs=1e-9)
    solver.iteration()
    assert solver.exploitability < expected
