"""Solvers of stationary games against Bench-MFG, known equilibria, and their limits."""

import json
import pathlib
import time

import numpy as np
import pytest

from algorithms import stationary
from algorithms.stationary import StationaryModel

# Made by examples/benchmark/peers/bench_mfg_stationary.py.
PATH = pathlib.Path(__file__).with_name("bench_mfg_stationary.json")
RUNS = json.loads(PATH.read_text("utf-8"))["games"]
CHAIN = (
    "mfg_crowd_chain(num_states=7,stay_probability=0.95,crowd_cost=40.0,discount=0.9)"
)


def solved(name, model, iterations, **options):
    solver = stationary.SOLVERS[name](model, **options)
    for _ in range(iterations):
        solver.iteration()
    return solver


@pytest.mark.parametrize("peer", RUNS, ids=lambda peer: f"{peer['game']}-{peer['lr']}")
def test_mirror_descent_equals_bench_mfgs(peer):
    solver = stationary.MirrorDescent(StationaryModel(peer["game"]), lr=peer["lr"])
    for expected in peer["exploitability"][:-1]:
        assert solver.exploitability == pytest.approx(expected, abs=1e-9)
        solver.iteration()
    assert solver.exploitability == pytest.approx(peer["exploitability"][-1], abs=1e-9)
    np.testing.assert_allclose(solver.evaluation.law, [peer["law"]], rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("criterion", "name", "iterations", "options"),
    [
        ("discounted", "fictitious_play", 40, {}),
        ("discounted", "fixed_point", 30, {"damping": 0.9}),
        ("ergodic", "policy_iteration", 30, {"damping": 0.9}),
        ("ergodic", "mirror_descent", 15, {"lr": 1.0}),
        ("occupancy", "fictitious_play", 40, {}),
        ("occupancy", "mirror_descent", 30, {"lr": 1.0}),
    ],
)
def test_all_ways_lead_to_the_equilibrium_of_a_monotone_game(
    criterion, name, iterations, options
):
    """Left or right: in every crowd two of three who have chosen are on the left."""
    discount = None if criterion == "ergodic" else 0.5
    model = StationaryModel("mfg_left_right(horizon=3)", criterion, discount)
    solver = solved(name, model, iterations, **options)
    _, left, right = solver.evaluation.law[0]
    assert left / (left + right) == pytest.approx(2 / 3, abs=0.05)
    assert solver.exploitability < 0.1


def test_fictitious_play_and_mirror_descent_meet_where_the_law_is_unique():
    model = StationaryModel("crowd_chain_bench_mfg")
    laws = [
        solved("fictitious_play", model, 50).evaluation.law,
        solved("mirror_descent", model, 60, lr=0.05).evaluation.law,
    ]
    assert np.abs(laws[0] - laws[1]).sum() / 2 < 0.01


@pytest.mark.parametrize("name", ["fixed_point", "policy_iteration"])
def test_without_a_crowd_one_iteration_or_a_few_are_all(name):
    model = StationaryModel("move_forward_bench_mfg")
    solver = solved(name, model, 3)
    assert solver.exploitability == pytest.approx(0.0, abs=1e-9)


def test_three_populations_stay_at_the_uniform_equilibrium():
    """Those who meet a wall stay, so that a uniform crowd does: nothing is to gain."""
    model = StationaryModel("mfg_predator_prey(size=3)", discount=0.9)
    solver = solved("mirror_descent", model, 2)
    np.testing.assert_allclose(solver.evaluation.law, np.full((3, 9), 1 / 9))
    assert solver.exploitability == pytest.approx(0.0, abs=1e-9)


def test_what_fails_without_damping():
    """Greedy crowds run to and fro, and so does mirror descent at too high a rate."""
    model = StationaryModel("crowd_chain_bench_mfg")
    first = stationary.FictitiousPlay(model).exploitability
    for name, options in (
        ("fixed_point", {}),
        ("policy_iteration", {}),
        ("policy_iteration", {"temperature": 5.0}),
        ("mirror_descent", {"lr": 1.0}),
    ):
        assert solved(name, model, 10, **options).exploitability > 2 * first
    damped = solved("policy_iteration", model, 30, damping=0.95)
    assert damped.exploitability < 0.3 * first


def test_solvers_find_different_equilibria_where_there_are_several():
    """Of two bars that draw crowds, all go to the first one, or half to each."""
    model = StationaryModel("two_beach_bars_bench_mfg")
    crowds = []
    for name, iterations, options in (
        ("fixed_point", 2, {}),
        ("mirror_descent", 60, {"lr": 0.02}),
    ):
        solver = solved(name, model, iterations, **options)
        assert solver.exploitability < 1e-4
        crowds.append(solver.evaluation.law[0, [2, 4]])
    np.testing.assert_allclose(crowds, [[0.95, 0.0], [0.475, 0.475]], atol=2e-3)


@pytest.mark.parametrize("method", stationary.METHODS)
def test_softmax_responses_rest_at_their_own_equilibrium(method):
    """With a temperature the fixed point is a quantal response: p = softmax(Q / T)."""
    model = StationaryModel("mfg_left_right(horizon=3)", discount=0.5, method=method)
    solver = solved("fixed_point", model, 60, temperature=1.0, damping=0.5)
    q = solver.evaluation.best_q[0, 1]
    share = 1 / (1 + np.exp(q[1] - q[0]))
    np.testing.assert_allclose(solver.policy[0, 1:, 0], share, atol=1e-9)


def test_it_runs_as_the_other_solvers_do():
    """With history, stopping rules and the best iterate."""
    from algorithms import run

    model = StationaryModel("crowd_chain_testing")
    solver = stationary.FictitiousPlay(model)
    stopping = run.Stopping(relative_tolerance=0.1)
    result = run.run(solver, 100, stopping, progress=False)
    assert result.reason.startswith("exploitability reached")
    assert len(result.history) == solver.num_iterations + 1 < 100
    assert result.best.exploitability == pytest.approx(
        model.exploitability(result.best_policy), abs=1e-12
    )


@pytest.mark.parametrize("name", list(stationary.SOLVERS))
def test_it_is_resumed_with_the_numbers_of_an_unbroken_run(tmp_path, name):
    from algorithms import run

    model = StationaryModel("crowd_chain_testing")

    def ran(iterations, path=None):
        solver = stationary.SOLVERS[name](model)
        return run.run(solver, iterations, checkpoint_path=path, progress=False)

    path = tmp_path / "checkpoint.npz"
    assert ran(3, path).reason == "all 3 iterations are done"
    resumed, unbroken = ran(6, path), ran(6)
    assert [record.exploitability for record in resumed.history] == [
        record.exploitability for record in unbroken.history
    ]
    np.testing.assert_array_equal(resumed.policy, unbroken.policy)
    np.testing.assert_array_equal(resumed.best_policy, unbroken.best_policy)
    other = stationary.MirrorDescent(model, lr=0.5)
    with pytest.raises(
        ValueError, match=r"this one has .*(lr=0\.5|solver=MirrorDescent)"
    ):
        run.run(other, 6, checkpoint_path=path, progress=False)
    with pytest.raises(ValueError, match="`state` must be arrays"):
        other.restore({"scores": np.zeros((1, 2, 3))}, 1)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("fictitious_play", {"lr": 0.0}, r"lr=0\.0"),
        ("fictitious_play", {"temperature": 0.0}, r"temperature=0\.0"),
        ("fixed_point", {"damping": 1.0}, r"damping=1\.0"),
        ("mirror_descent", {"lr": -1.0}, r"lr=-1\.0"),
        ("policy_iteration", {"damping": -0.1}, r"damping=-0\.1"),
        ("policy_iteration", {"temperature": -1.0}, r"temperature=-1\.0"),
    ],
)
def test_errors_name_the_parameter(name, options, message):
    model = StationaryModel("crowd_chain_testing")
    with pytest.raises(ValueError, match=message):
        stationary.SOLVERS[name](model, **options)


@pytest.mark.slow
@pytest.mark.parametrize("criterion", stationary.CRITERIA)
def test_ten_thousand_cells(criterion):
    """A crowd that spreads over a room of 100 x 100 cells, from one corner."""
    game = "mfg_exploration(layout=empty_100x100,horizon=2)"
    discount = None if criterion == "ergodic" else 0.99
    model = StationaryModel(game, criterion, discount)
    solver = stationary.FictitiousPlay(model)
    values = [solver.exploitability]
    began = time.process_time()
    for _ in range(20):
        solver.iteration()
        values.append(solver.exploitability)
    assert (time.process_time() - began) / 20 < 3  # on a busy machine
    assert min(values) >= 0
    result = solver.evaluation
    moved = model.problems(result.law, result.policy)[0].kernel(result.policy[0])
    if criterion != "occupancy":
        np.testing.assert_allclose(result.law[0] @ moved, result.law[0], atol=1e-12)
