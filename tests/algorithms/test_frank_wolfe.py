"""Frank-Wolfe against fictitious play, a general optimiser and definitions."""

import numpy as np
from numpy_reference import NumpyReference
from open_spiel.python.mfg.algorithms.nash_conv import NashConv
import pyspiel
import pytest
from scipy import optimize
from toy_dynamics import RANDOM_GAMES

from algorithms.checkpoint import load, save
from algorithms.fictitious_play import FictitiousPlay
from algorithms.frank_wolfe import FrankWolfe
from algorithms.history import Record
from mfg_games.concave_utility import (
    CONSTRAINED,
    ENTROPY,
    IMITATION,
    MATCHING,
    UTILITIES,
)

MEDIUM = "mfg_concave_utility(layout=empty_5x5,horizon=10,utility={})"
TINY = (
    "mfg_concave_utility(layout=empty_{},horizon=3,noise=0.3,discount=0.9,utility={})"
)
GOALS = "mfg_concave_utility(layout=empty_3x3,horizon=6,utility=multi_objective)"


def tiny(utility: str) -> str:
    """A game with a ring if it takes one."""
    return TINY.format("3x3" if utility == MATCHING else "2x2", utility)


def utility_of(solver) -> float:
    """Total utility of the flow of a solver's policy."""
    d, mass = solver.game.dynamics, solver.flow.mass.numpy()
    flow = mass.reshape(d.horizon, 1, d.num_states)
    if d.joint_law:
        policy = solver.get_policy().probabilities
        flow = flow[..., None] * policy.reshape(*flow.shape, d.num_actions)
    return d.total_utility(flow)


def trajectory(solver, iterations: int) -> tuple[np.ndarray, np.ndarray]:
    """Utility and exploitability before and after each iteration."""
    rows = [(utility_of(solver), solver.exploitability)]
    for _ in range(iterations):
        solver.iteration()
        rows.append((utility_of(solver), solver.exploitability))
    return tuple(np.array(rows).T)


def best_utility(game: pyspiel.Game, kernel: np.ndarray) -> float:
    """The maximum over the polytope of flows, by sequential quadratic programs."""
    d = game.dynamics
    shape = (d.horizon, d.num_states, d.num_actions)
    rows = np.eye(np.prod(shape)).reshape(-1, *shape)
    inflow = np.einsum("vtsa,say->vty", rows, kernel)
    balance = rows.sum(-1)
    balance[:, 1:] -= inflow[:, :-1]
    right = np.zeros(shape[:2])
    right[0] = d.initial_distribution[0]

    def law(flow):
        flow = np.maximum(flow.reshape(d.horizon, 1, *shape[1:]), 0.0)
        return flow if d.joint_law else flow.sum(-1)

    def loss(flow):
        return -d.total_utility(law(flow))

    def slope(flow):
        found = np.stack(
            [d.discount**t * d.gradient(mu, t)[0] for t, mu in enumerate(law(flow))]
        )
        return -np.broadcast_to(found.reshape(*shape[:2], -1), shape).ravel()

    flow = np.full(shape, 1 / d.num_actions) * d.initial_distribution[0][:, None]
    for t in range(1, d.horizon):
        flow[t] = np.einsum("sa,say->y", flow[t - 1], kernel)[:, None] / d.num_actions
    constraint = balance.reshape(len(rows), -1).T
    found = optimize.minimize(
        loss,
        flow.ravel(),
        jac=slope,
        method="SLSQP",
        bounds=[(0, 1)] * len(rows),
        constraints={
            "type": "eq",
            "fun": lambda flow: constraint @ flow - right.ravel(),
            "jac": lambda flow: constraint,
        },
        options={"ftol": 1e-11, "maxiter": 200},
    )
    assert found.success
    return -found.fun


def dense_kernel(d) -> np.ndarray:
    """Transition probabilities [S, A, S]."""
    successors, law = d.transition(np, 0, d.initial_distribution, None)
    landing = np.zeros((d.num_states, d.num_states))
    for x in range(d.num_states):
        np.add.at(landing[x], successors[x], law)
    return landing[d.moves]


@pytest.mark.parametrize("utility", UTILITIES)
def test_fictitious_play_is_frank_wolfe_iterate_for_iterate(utility):
    game = pyspiel.load_game(MEDIUM.format(utility))
    ours, theirs = FrankWolfe(game, step="1/(k+1)"), FictitiousPlay(game)
    for _ in range(25):
        ours.iteration()
        theirs.iteration()
        mass = theirs.flow.mass.numpy()
        np.testing.assert_allclose(ours.flow.mass, mass, rtol=0, atol=1e-12)
        policies = [s.get_policy().probabilities for s in (ours, theirs)]
        np.testing.assert_allclose(*policies, rtol=0, atol=1e-12)


@pytest.mark.parametrize("game", [RANDOM_GAMES[0], RANDOM_GAMES[2]])
def test_average_steps_equal_plain_loops(game):
    solver = FrankWolfe(game)
    reference = NumpyReference(solver.game.dynamics)
    for expected in reference.fictitious_play(5):
        solver.iteration()
        found = solver.get_policy().probabilities
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_open_loop_steps_by_hand():
    # Road 0 is best below the share 3/4: steps 2/3, 1/2, 2/5, 1/3 towards it or away.
    solver = FrankWolfe("mfg_test_two_roads", step="2/(k+2)")
    expected = [1 / 2, 5 / 6, 5 / 12, 13 / 20, 23 / 30]
    for share in expected:
        assert solver.get_policy().probabilities[0, 0] == pytest.approx(share)
        solver.iteration()


def test_line_search_by_hand():
    # Along the segment the two roads' rewards are equal at the equilibrium.
    solver = FrankWolfe("mfg_test_two_roads", step="line_search")
    solver.iteration()
    assert solver.get_policy().probabilities[0, 0] == pytest.approx(0.75, abs=1e-9)
    assert solver.exploitability == pytest.approx(0.0, abs=1e-9)
    solver.iteration(learning_rate=0.1)
    assert solver.get_policy().probabilities[0, 0] == pytest.approx(0.75, abs=1e-9)


def test_learning_rate_is_the_longest_step_of_a_line_search():
    solver = FrankWolfe("mfg_test_two_roads", step="line_search")
    solver.iteration(learning_rate=0.1)
    assert solver.get_policy().probabilities[0, 0] == pytest.approx(0.55)


@pytest.mark.parametrize("utility", [ENTROPY, CONSTRAINED])
def test_line_search_finds_the_best_point_of_the_segment(utility):
    game = pyspiel.load_game(MEDIUM.format(utility))
    fixed, best = FrankWolfe(game), FrankWolfe(game, step="line_search")
    fixed.iteration()
    start = {"policy": fixed.state["policy"].numpy()}
    best.restore(start, 1)
    before = utility_of(best)
    best.iteration()
    utilities = []
    for step in np.linspace(0.01, 1.0, 34):
        fixed.restore(start, 1)
        fixed.iteration(learning_rate=step)
        utilities.append(utility_of(fixed))
    assert utility_of(best) > before
    assert utility_of(best) >= max(utilities) - 1e-9
    # Concave along the segment: the best point is next to the best of the grid.
    assert utility_of(best) - max(utilities) < 0.05 * abs(before)


@pytest.mark.xla
@pytest.mark.parametrize(
    "utility",
    # The one of states, the other of states and actions.
    [
        pytest.param(u, marks=() if u in (ENTROPY, IMITATION) else pytest.mark.slow)
        for u in UTILITIES
    ],
)
def test_gap_bounds_the_distance_from_the_optimum(utility):
    game = pyspiel.load_game(tiny(utility))
    optimum = best_utility(game, dense_kernel(game.dynamics))
    solver = FrankWolfe(game, step="line_search", away_atoms=60)
    found, gaps = trajectory(solver, 200)
    assert found.max() == pytest.approx(optimum, abs=1e-6)
    assert found.max() <= optimum + 1e-8
    assert (gaps >= optimum - found - 1e-8).all()


def test_line_search_never_lowers_utility_and_away_steps_end_its_zigzag():
    plain = FrankWolfe(GOALS, step="line_search")
    away = FrankWolfe(GOALS, step="line_search", away_atoms=20)
    (found, gaps), (away_found, away_gaps) = (trajectory(s, 80) for s in (plain, away))
    assert np.diff(found).min() > 0
    assert np.diff(away_found).min() > -1e-12
    assert gaps[-1] > 0.01  # like 1 / k,
    assert away_gaps[-1] < 1e-6  # and like a power of 0.85


def test_atoms_are_flows_of_the_game_and_sum_to_the_flow():
    solver = FrankWolfe(GOALS, step="line_search", away_atoms=12)
    kernel = dense_kernel(solver.game.dynamics)
    for _ in range(9):
        solver.iteration()
        atoms = solver.state["atoms"].numpy()
        shape = (6, 9, 12, 5)
        flows = np.moveaxis(atoms.reshape(shape), 2, 0)
        weights = flows[:, 0].sum((1, 2))
        assert weights.sum() == pytest.approx(1.0, abs=1e-12)
        assert atoms.min() >= 0
        inflow = np.einsum("ctsa,say->cty", flows, kernel)
        np.testing.assert_allclose(flows[:, 1:].sum(-1), inflow[:, :-1], atol=1e-12)
        mass = solver.flow.mass.numpy()
        np.testing.assert_allclose(atoms.sum((1, 2)), mass, atol=1e-12)
    assert (weights > 0).sum() > 2


def test_full_atoms_are_merged_and_nothing_is_lost():
    solver = FrankWolfe(MEDIUM.format(ENTROPY), step="line_search", away_atoms=3)
    found, _ = trajectory(solver, 25)
    atoms = solver.state["atoms"].numpy()
    assert (atoms.sum((0, 2)) > 0).all()
    mass = solver.flow.mass.numpy()
    np.testing.assert_allclose(atoms.sum((1, 2)), mass, atol=1e-12)
    assert (np.diff(found) > -1e-9).all()


def test_line_search_fails_where_there_is_no_potential(exploitabilities):
    # Rock, paper, scissors: the best response gains up to the end of every segment, so
    # that the search always goes there, and pure choices follow each other in a circle.
    # What beats rock, paper and scissors gains 2, 4 and 6.
    game = "mfg_rock_paper_scissors"
    solver = FrankWolfe(game, step="line_search")
    gaps = exploitabilities(solver, 9)
    np.testing.assert_allclose(gaps[1:], [2, 4, 6] * 3)
    assert exploitabilities(FrankWolfe(game), 100)[-1] < 0.05


def test_iterates_evaluated_by_openspiel():
    game = pyspiel.load_game(tiny("imitation"))
    solver = FrankWolfe(game, step="line_search")
    for _ in range(3):
        solver.iteration()
        expected = NashConv(game, solver.get_policy()).nash_conv()
        assert solver.exploitability == pytest.approx(expected, abs=1e-9)


def test_solves_openspiels_own_games():
    solver = FrankWolfe("mfg_crowd_modelling(size=6,horizon=4)", step="line_search")
    start = solver.exploitability
    for _ in range(15):
        solver.iteration()
    assert solver.exploitability < 0.1 * start


def test_nodes_that_depend_on_the_flow():
    game = "python_mfg_dynamic_routing(max_num_time_step=4,time_step_length=0.5)"
    solver = FrankWolfe(game, step="line_search")
    solver.iteration()
    assert np.isfinite(solver.exploitability)
    with pytest.raises(ValueError, match=r"`away_atoms` must be 0 on .*away_atoms=4"):
        FrankWolfe(game, step="line_search", away_atoms=4)


def test_goes_on_from_a_checkpoint(tmp_path):
    solver = FrankWolfe(GOALS, step="line_search", away_atoms=5)
    trajectory(solver, 3)
    save(tmp_path / "c.npz", solver, solver.state, [Record(0, 1.0, 0.0)])
    expected, _ = trajectory(solver, 3)
    load(tmp_path / "c.npz", solver)
    assert solver.num_iterations == 3
    found, _ = trajectory(solver, 3)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"step": "1/k"}, r"`step` must be one of 1/\(k\+1\), 2/\(k\+2\), line_search"),
        ({"away_atoms": 3}, "`away_atoms` must be 0, or at least 2 with step=line"),
        ({"step": "line_search", "away_atoms": 1}, "away_atoms=1"),
    ],
)
def test_wrong_parameters_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        FrankWolfe("mfg_test_two_roads", **arguments)
