"""Mean-field PSRO: equilibria that are known, other evaluators, checkpoints, errors."""

import numpy as np
from open_spiel.python.mfg.algorithms import correlated_equilibrium as upstream
from open_spiel.python.mfg.algorithms import distribution, utils
from open_spiel.python.mfg.games import normal_form_game  # noqa: F401 (registers)
import pyspiel
import pytest
import toy_dynamics  # noqa: F401 (registers)

from algorithms.checkpoint import load, save
from algorithms.correlated.psro import MeanFieldPSRO
from algorithms.correlated.regret_minimisers import NAMES
from algorithms.history import Record
from algorithms.run import Stopping, run

# One object each, whose sweeps are compiled once.
CIRCLE = pyspiel.load_game("mfg_rock_paper_scissors")
NASH = np.array([26, 20, 31]) / 77
BAR = pyspiel.load_game("mfg_beach_bar(size=6,horizon=4)")


@pytest.mark.parametrize("equilibrium", ["coarse", "correlated"])
def test_the_only_nash_equilibrium_is_what_is_played_on_average(equilibrium):
    """Payoffs are linear in the crowd: at the least gap all three are paid alike."""
    solver = MeanFieldPSRO(CIRCLE, equilibrium)
    result = run(solver, 12, Stopping(absolute_tolerance=1e-8), progress=False)
    assert result.reason == "optimality gap reached 1e-08"
    assert result.best.exploitability < 1e-7
    assert result.best_policy.probabilities[0] == pytest.approx(NASH, abs=1e-6)
    gaps = {name: result.best.metrics[f"{name}_gap"] for name in ("cce", "optimality")}
    assert gaps["cce"] <= gaps["optimality"] + 1e-12
    assert gaps["optimality"] == result.best.distance
    assert ("ce_gap" in result.best.metrics) == (equilibrium == "correlated")
    if equilibrium == "coarse":  # at an equilibrium it rests
        before = solver.state
        solver.iteration()
        for name, array in solver.state.items():
            np.testing.assert_array_equal(array, before[name])


def test_gap_and_device_are_openspiels():
    game = pyspiel.load_game("mean_field_nfg(reward_function=biased_indirect_rps)")
    solver = MeanFieldPSRO(game, "correlated", regret_steps=5)
    for _ in range(2):
        solver.iteration()
    device, policies = solver.correlation_device, solver.correlation_device.policies
    flows = [distribution.DistributionPolicy(game, policy) for policy in policies]
    mus = [utils.MixedDistribution(flows, nu, tol=0.0) for nu in device.nus]
    given = (game, policies, device.weights, mus, device.nus)
    for name in ("cce_gap", "ce_gap"):
        expected = getattr(upstream, name)(*given, compute_true_rewards=True)
        assert solver.metrics[name] == pytest.approx(expected, abs=1e-9)
    assert solver.metrics["policies"] == len(policies)
    assert solver.metrics["welfare"] == device.welfare


@pytest.mark.parametrize("equilibrium", ["coarse", "correlated"])
def test_gaps_fall_on_a_game_in_time(equilibrium, tmp_path):
    solver = MeanFieldPSRO(BAR, equilibrium, regret_steps=10)
    first = solver.metrics["optimality_gap"]
    assert first == pytest.approx(solver.exploitability)  # of the uniform policy
    for _ in range(6):
        solver.iteration()
    save(tmp_path / "c.npz", solver, solver.state, [Record(0, 1.0, 0.0)])
    found = dict(solver.metrics)
    assert 0 < found["optimality_gap"] < 0.2 * first
    solver.iteration()
    expected = dict(solver.metrics), solver.exploitability
    load(tmp_path / "c.npz", solver)
    assert solver.num_iterations == 6
    assert dict(solver.metrics) == found
    solver.iteration()
    assert (dict(solver.metrics), solver.exploitability) == expected


@pytest.mark.slow
def test_without_a_linear_program_the_gap_falls_like_the_regret():
    gaps = []
    for steps in (16, 128):
        options = {"regret_steps": steps, "weights": "uniform"}
        solver = MeanFieldPSRO(CIRCLE, regret_minimiser="hedge", **options)
        for _ in range(3):
            solver.iteration()
        assert len(solver.correlation_device.weights) == steps
        gaps.append(solver.correlation_device.cce_gap)
    # The difference of two payoffs is at most 9; a third for 8 times the steps.
    assert gaps[0] < 9 * 2 * np.sqrt(np.log(4) / 16)
    assert gaps[1] < 0.6 * gaps[0]


def test_idle_iterations_take_more_steps():
    solver = MeanFieldPSRO(
        CIRCLE, regret_minimiser="hedge", weights="uniform", regret_steps=4
    )
    for _ in range(5):
        known, steps = solver.metrics["policies"], int(solver.state["steps"])
        solver.iteration()
        idle = solver.metrics["policies"] == known
        assert int(solver.state["steps"]) == steps + (4 if idle else 0)
    assert idle


def test_the_highest_welfare():
    """No crowd earns more than one that is all at a, or all at b."""
    game = "mean_field_nfg(reward_function=dom)"
    solver = MeanFieldPSRO(game, weights="welfare", regret_steps=4)
    for _ in range(4):
        solver.iteration()
    assert solver.metrics["optimality_gap"] <= 1e-8
    assert solver.metrics["welfare"] == pytest.approx(1.0, abs=1e-6)


def test_upstreams_minimiser_plays_the_same():
    found = []
    for name in ("hedge", "upstream_hedge"):
        solver = MeanFieldPSRO(CIRCLE, regret_minimiser=name, regret_steps=3)
        solver.iteration()
        found.append(solver.correlation_device.cce_gap)
    assert found[0] == pytest.approx(found[1], abs=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"equilibrium": "nash"}, "`equilibrium` must be one of coarse, correlated"),
        ({"regret_minimiser": "exp3"}, f"one of {', '.join(NAMES)}. Received"),
        ({"regret_steps": 0}, "`regret_steps` must be at least 1"),
        ({"weights": "best"}, "`weights` must be one of gap, welfare, uniform"),
        ({"game": "mfg_sis(horizon=3)"}, "do not depend on the crowd.*mfg_sis"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        MeanFieldPSRO(**({"game": CIRCLE} | options))


def test_no_number_stops_it():
    solver = MeanFieldPSRO("mfg_test_two_roads(limit=0.7)", regret_steps=1)
    with pytest.raises(FloatingPointError, match="nan"):
        for _ in range(3):
            solver.iteration()
