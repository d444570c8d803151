"""Proximal gradient and ADMM on the polytope of flows."""

import numpy as np
import polytope_games
import pytest
from scipy import optimize

from algorithms.checkpoint import load, save
from algorithms.frank_wolfe import FrankWolfe
from algorithms.history import Record
from algorithms.mirror_descent import MirrorDescent
from algorithms.occupation.admm import ADMM
from algorithms.occupation.proximal_gradient import ProximalGradient
from mfg_games.settings import SETTINGS

ROADS = "mfg_test_two_roads"
CIRCLE = "mfg_test_circle"
CHAIN = "mfg_move_forward(num_states=5,horizon=5,discount=0.9)"
BEACH_BAR = SETTINGS["beach_bar_testing"].game_string
SOLVERS = {
    "extragradient": ProximalGradient,
    "gradient": lambda game, **given: ProximalGradient(game, rule="gradient", **given),
    "admm": lambda game, **given: ADMM(game, lr=0.5, **given),
}
ITERATIONS = {"extragradient": 20, "gradient": 10, "admm": 40}
each_solver = pytest.mark.parametrize("name", SOLVERS)


def after(solver, iterations: int):
    for _ in range(iterations):
        solver.iteration()
    return solver


@each_solver
def test_two_roads(name):
    solver = after(SOLVERS[name](ROADS), ITERATIONS[name])
    assert solver.get_policy().probabilities[0] == pytest.approx([0.75, 0.25], abs=2e-3)
    assert 0 <= solver.exploitability < 2e-3
    assert "excess" not in solver.metrics


@each_solver
def test_a_toll_that_keeps_the_crowd_off_a_road(name):
    # With six tenths on road 0 it pays -1/10, the other one -4/10.
    solver = after(SOLVERS[name](ROADS, capacity=0.6), ITERATIONS[name])
    assert solver.get_policy().probabilities[0] == pytest.approx([0.6, 0.4], abs=1e-5)
    assert solver.tolls == pytest.approx([0, 0, 0.3, 0], abs=1e-4)
    assert solver.exploitability < 1e-4
    assert solver.metrics["excess"] < 1e-5


def test_a_first_gradient_step_by_hand():
    # Of a fair choice, road 0 pays 0 and road 1 -1/2. The flows are p on road 0 at both
    # times: minus the square of the distance that counts is 4 (p - q)^2 or so, as each
    # share is spread over two entries at t = 1.
    solver = ProximalGradient(ROADS, lr=0.1, rule="gradient")
    solver.iteration()
    share = solver.get_policy().probabilities[0, 0]
    shares = np.linspace(0.4, 0.7, 300_001)
    x = np.stack([shares, 1 - shares, shares / 2, shares / 2, (1 - shares) / 2])
    x = np.vstack([x, x[-1:]])
    start = np.array([0.5, 0.5, 0.25, 0.25, 0.25, 0.25])
    target = start + 0.1 * np.array([0, 0, 0, 0, -0.5, -0.5])
    best = shares[np.argmin(((x - target[:, None]) ** 2).sum(axis=0))]
    assert share == pytest.approx(best, abs=2e-6)


def test_admm_jumps_to_and_fro_where_its_step_is_too_long():
    # Rewards fall by 1 with the share of a road: steps above 2 promise nothing.
    solver = ADMM(ROADS, lr=10.0)
    found = [after(solver, 6).exploitability for _ in range(6)]
    assert found == pytest.approx([1.5, 0.25] * 3, abs=1e-6)


@pytest.mark.slow
def test_extragradient_converges_where_the_gradient_circles():
    equilibrium = polytope_games.Circle.EQUILIBRIUM
    plain = ProximalGradient(CIRCLE, lr=0.3, rule="gradient")
    extra = ProximalGradient(CIRCLE, lr=0.3)
    start = plain.exploitability
    assert after(plain, 30).exploitability > start / 4
    found = after(extra, 60).get_policy().probabilities[0]
    np.testing.assert_allclose(found, equilibrium, atol=5e-3)
    assert after(ADMM(CIRCLE, lr=0.3), 30).exploitability > start / 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "error"),
    [(ProximalGradient, 1e-6), (lambda game, **given: ADMM(game, 0.1, **given), 1e-2)],
    ids=["projected", "admm"],
)
def test_capacities_and_tolls_of_a_linear_program(make, error):
    # Nobody minds the others: the equilibrium is a linear program's solution, and the
    # tolls of a unique one are its multipliers.
    solver = after(make(CHAIN, capacity=0.4), 400)
    polytope = solver.polytope
    full = np.isfinite(polytope.capacity)
    size = polytope.legal.size
    mass = np.zeros((len(polytope.start), size))
    mass[np.repeat(np.arange(len(mass)), polytope.legal.shape[1]), np.arange(size)] = 1
    flow = solver.model.compiled_distribution(solver.model.uniform_policy())
    rewards = solver.model.compiled_steps(flow).rewards.numpy().ravel()
    found = optimize.linprog(
        -rewards,
        A_ub=mass[full],
        b_ub=polytope.capacity[full],
        A_eq=polytope.balance,
        b_eq=polytope.start,
    )
    assert solver.values[0] == pytest.approx(-found.fun, abs=error)
    assert solver.exploitability < 5 * error
    assert solver.metrics["excess"] < error
    free = optimize.linprog(-rewards, A_eq=polytope.balance, b_eq=polytope.start)
    assert found.fun > free.fun + 0.1


@pytest.mark.slow
def test_exploitability_bounds_what_flows_within_the_capacity_gain():
    solver = after(ProximalGradient(BEACH_BAR, capacity=0.25), 3)
    polytope = solver.polytope
    flow = solver.flow
    rewards = solver.model.compiled_steps(flow).rewards.numpy().ravel()
    full = np.isfinite(polytope.capacity)
    mass = np.kron(np.eye(len(polytope.start)), np.ones(polytope.legal.shape[1]))
    found = optimize.linprog(
        -rewards,
        A_ub=mass[full],
        b_ub=polytope.capacity[full],
        A_eq=polytope.balance,
        b_eq=polytope.start,
    )
    gain = -found.fun - solver.values[0]
    assert 0 < gain <= solver.exploitability + 1e-9
    after(solver, 15)
    assert solver.exploitability < 0.1 * gain


@pytest.mark.parametrize("make", [ProximalGradient, ADMM])
def test_goes_on_from_a_checkpoint(make, tmp_path):
    solver = after(make(BEACH_BAR, capacity=0.3), 3)
    save(tmp_path / "c.npz", solver, solver.state, [Record(0, 1.0, 0.0)])
    expected = after(solver, 2).get_policy().probabilities
    again = make(BEACH_BAR, capacity=0.3)
    load(tmp_path / "c.npz", again)
    assert again.num_iterations == 3
    found = after(again, 2).get_policy().probabilities
    np.testing.assert_array_equal(found, expected)


def test_single_precision():
    solver = after(ProximalGradient(ROADS, dtype="float32", tolerance=1e-7), 15)
    assert solver.get_policy().probabilities[0, 0] == pytest.approx(0.75, abs=5e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lr": 0.0}, "`lr` must be above 0"),
        ({"rule": "newton"}, "`rule` must be one of gradient, extragradient"),
        ({"projection": "newton"}, "`projection` must be one of admm, coordinate, dyk"),
        ({"tolerance": -1.0}, "`tolerance` must be above 0"),
        ({"capacity": 1.5}, "`capacity` must be above 0 and at most 1"),
        ({"capacity": 0.4}, "`capacity` must leave room for a flow"),
        ({"capacity": 0.6, "capacity_start": -1}, "`capacity_start` must be at least"),
    ],
)
def test_wrong_parameters_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ProximalGradient(ROADS, **arguments)


def test_a_crowd_that_changes_transitions_is_refused():
    with pytest.raises(ValueError, match=r"`game` must have transitions.*mfg_sis"):
        ADMM("mfg_sis(horizon=3)")


@pytest.mark.slow
def test_frank_wolfe_on_the_same_polytope_agrees():
    game = "mfg_concave_utility(layout=empty_3x3,horizon=6,utility=multi_objective)"
    expected = after(FrankWolfe(game, step="line_search", away_atoms=30), 150)
    solver = after(ProximalGradient(game, rule="gradient"), 60)
    assert solver.exploitability < 1e-4
    assert solver.exploitability < expected.exploitability + 1e-4


@pytest.mark.slow
def test_unbounded_slopes_of_rewards_make_small_steps():
    # The reward -log mu of an empty cell is 57: adaptive steps shrink, and what mirror
    # descent does in a few iterations takes very many.
    game = SETTINGS["concave_utility_testing"].game_string
    solver = ProximalGradient(game)
    start = solver.exploitability
    assert after(solver, 15).exploitability > 0.1 * start
    assert solver.metrics["step"] < 1e-2
    assert after(MirrorDescent(game, lr=0.3), 15).exploitability < 0.1 * start
