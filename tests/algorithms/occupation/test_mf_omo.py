"""MF-OMO against MFGLib's objective, definitions and exact equilibria."""

import json
import pathlib

import numpy as np
from numpy_reference import NumpyReference
import polytope_games
import pytest
import tensorflow as tf

from algorithms.checkpoint import load, save
from algorithms.exploitability import exploitability
from algorithms.history import Record
from algorithms.model import load_model
from algorithms.occupation.mf_omo import MFOMO
from algorithms.occupation.omo_objective import OmoObjective, Variables, largest_sums
from algorithms.policy import ArrayPolicy

# Made by examples/benchmark/peers/mf_omo_numbers.py.
PATH = pathlib.Path(__file__).with_name("mf_omo_objectives.json")
POINTS = json.loads(PATH.read_text("utf-8"))["games"]
MEETING = "mfg_test_meeting"
SIS = "mfg_sis(horizon=4)"
ROADS = "mfg_test_two_roads"
# Transitions and rewards depend on all that they can, but successors stay.
RICH = (
    "mfg_test_random(seed=3,states=3,populations=2,horizon=3,restricted=true,"
    "leaning=true,common_noise=true,terminal=true,discount=0.8)"
)
JOINT = "mfg_test_joint(seed=4,states=3,horizon=3,leaning=true,factored=true)"


@pytest.mark.parametrize("point", POINTS, ids=lambda p: f"{p['game']}-{p['weights']}")
def test_objective_and_slope_equal_mfglibs(point):
    model = load_model(point["game"])
    objective = OmoObjective(model, point["weights"])
    shapes = [(-1, model.num_actions), (-1,), (-1, model.num_actions)]
    at = Variables(
        *(
            model.as_tensor(np.reshape(point[name], shape))
            for name, shape in zip(Variables._fields, shapes, strict=True)
        )
    )
    with tf.GradientTape() as tape:
        tape.watch(at.measure)
        total = tf.reduce_sum(objective.terms(at))
    assert total.numpy() == pytest.approx(point["objective"], rel=1e-12)
    found = tape.gradient(total, at.measure).numpy()
    expected = np.reshape(point["slope"], found.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def flow_of(game: str, policy: np.ndarray) -> np.ndarray:
    """The flow of a policy by plain loops, [D, A]."""
    reference = NumpyReference(load_model(game).game.dynamics)
    return reference.mass(reference.distribution(policy))[:, None] * policy


def random_policy(model, seed: int = 0) -> np.ndarray:
    legal = model.legal_actions.numpy()
    draws = np.where(
        legal, np.random.default_rng(seed).exponential(size=legal.shape), 0
    )
    return draws / draws.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("game", [pytest.param(RICH, marks=pytest.mark.slow), JOINT])
def test_objective_at_a_flow_and_its_best_values_is_the_exploitability(game):
    model = load_model(game)
    objective = OmoObjective(model, (1.0, 1.0, 3.0))
    policy = random_policy(model)
    at = objective.with_best_values(model.as_tensor(flow_of(game, policy)))
    terms = objective.terms(at).numpy()
    expected = exploitability(model.game, ArrayPolicy(model, policy))
    assert terms == pytest.approx([0, 0, 3 * expected], abs=1e-12)
    assert expected > 0.1


@pytest.mark.parametrize("game", [ROADS, "mfg_test_circle", "mfg_rock_paper_scissors"])
def test_objective_is_zero_at_the_equilibrium_and_only_there(game):
    first = {
        ROADS: (0.75, 0.25),
        "mfg_test_circle": polytope_games.Circle.EQUILIBRIUM,
        "mfg_rock_paper_scissors": (26 / 77, 20 / 77, 31 / 77),
    }[game]
    model = load_model(game)
    objective = OmoObjective(model, (1.0, 1.0, 1.0))
    terms_at = model.compile(objective.terms)
    policy = model.uniform_policy().numpy()
    policy[0] = first
    flow = flow_of(game, policy)
    at = objective.with_best_values(model.as_tensor(flow))
    assert abs(tf.reduce_sum(terms_at(at)).numpy()) < 1e-14
    rng = np.random.default_rng(0)
    for _ in range(20):  # no move of one of the three leaves it at zero
        scale = 10 ** rng.uniform(-3, 0)
        moved = [
            array * np.exp(scale * rng.normal(size=array.shape))
            for array in (flow, at.values.numpy(), at.slack.numpy() + 0.1)
        ]
        moved = Variables(*map(model.as_tensor, moved))
        for name in ("measure", "slack"):
            there = at._replace(**{name: getattr(moved, name)})
            assert terms_at(there).numpy().sum() > 1e-9
        assert terms_at(moved).numpy().min() >= 0


@pytest.mark.parametrize("game", [pytest.param(RICH, marks=pytest.mark.slow), JOINT])
def test_slope_equals_differences(game):
    solver = MFOMO(game, spread=0.5)
    state = solver.state
    rng = np.random.default_rng(2)
    directions = {n: rng.normal(size=array.shape) for n, array in state.items()}
    _, slopes = solver._compiled_slopes(state)

    def at(step: float) -> float:
        moved = {n: array + step * directions[n] for n, array in state.items()}
        terms, _ = solver._compiled_slopes(moved)
        return float(terms.numpy().sum())

    expected = (at(1e-5) - at(-1e-5)) / 2e-5
    found = sum((slopes[n].numpy() * d).sum() for n, d in directions.items())
    assert found == pytest.approx(expected, rel=1e-6)


def test_bounds_of_sums_of_rewards_by_hand():
    dynamics = load_model("mfg_test_two_roads").game.dynamics
    magnitudes, differences = largest_sums(dynamics)
    assert magnitudes == pytest.approx([2.0, 1.0])
    assert differences == pytest.approx([3.0, 1.5])


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_objective_and_exploitability_fall(optimizer):
    solver = MFOMO(ROADS, optimizer=optimizer, lr=0.02, steps=15)
    start, objective = solver.exploitability, solver.objective
    for _ in range(6):
        solver.iteration()
    assert solver.exploitability < 0.02 * start
    assert solver.objective < 0.02 * objective
    terms = dict(solver.metrics)
    assert terms.pop("objective") == pytest.approx(solver.objective)
    assert sum(terms.values()) == pytest.approx(solver.objective)


@pytest.mark.parametrize(
    "optimizer", [pytest.param("lbfgs", marks=pytest.mark.slow), "adam"]
)
def test_goes_on_from_a_checkpoint(optimizer, tmp_path):
    solvers = [MFOMO(ROADS, optimizer=optimizer, steps=3) for _ in range(2)]
    for _ in range(2):
        solvers[0].iteration()
    save(tmp_path / "c.npz", solvers[0], solvers[0].state, [Record(0, 1.0, 0.0)])
    load(tmp_path / "c.npz", solvers[1])
    for solver in solvers:
        solver.iteration()
    states = [solver.state for solver in solvers]
    for name in states[0]:
        np.testing.assert_array_equal(states[0][name], states[1][name])


def test_adams_variables_stay_in_the_papers_sets():
    solver = MFOMO(ROADS, optimizer="adam", lr=5.0, steps=2)
    solver.iteration()
    state = {name: array.numpy() for name, array in solver.state.items()}
    measure = state["measure"].reshape(2, -1)
    np.testing.assert_allclose(measure.sum(axis=1), 1.0)
    assert measure.min() >= 0 and state["slack"].min() >= 0
    assert np.linalg.norm(state["values"]) <= 2 * (2.0 + 1.0) + 1e-12
    assert state["slack"].sum() <= 2 * 2 * (3.0 + 1.5) + 1e-9


@pytest.mark.slow
@pytest.mark.xla
def test_coupled_transitions_compiled():
    solver = MFOMO(SIS)
    start = solver.exploitability
    for _ in range(10):
        solver.iteration()
    assert solver.exploitability < 0.3 * start


@pytest.mark.parametrize(
    ("start", "share"),
    [
        ({}, 2 / 3),
        ({"spread": 3.0, "seed": 1}, 0.0),
        ({"spread": 3.0, "seed": 2}, 1.0),
    ],
)
def test_several_starts_find_the_three_equilibria_of_one_game(start, share):
    solver = MFOMO(MEETING, **start)
    # The start is the flow of a policy but for a thousandth, at its best values.
    assert solver.objective == pytest.approx(solver.exploitability, abs=1e-2)
    for _ in range(4):
        solver.iteration()
    assert solver.get_policy().probabilities[0, 0] == pytest.approx(share, abs=1e-2)
    assert solver.objective < 1e-4


def test_gets_stuck_where_the_slope_vanishes():
    """Nobody should move between two bars alike; MF-OMO lets two thirds of them walk.

    With the slacks at 0, which a lower objective would have negative, the measure no
    longer counts in the complementarity, and the uniform one is symmetric.
    """
    solver = MFOMO(
        "mfg_two_beach_bars(num_states=2,horizon=2,left_bar=0,right_bar=1,"
        "movement_cost=0.1,stay_probability=1.0)"
    )
    stay = np.tile([0.0, 1.0, 0.0], (4, 1))
    assert exploitability(solver.game, ArrayPolicy(solver.model, stay)) < 1e-12
    for _ in range(2):
        solver.iteration()
    _, slopes = solver._compiled_slopes(solver.state)
    assert abs(slopes["logits"].numpy()).max() < 1e-9
    assert abs(slopes["values"].numpy()).max() < 1e-6
    slack = solver.state["slack"].numpy()
    assert (slopes["slack"].numpy()[slack == 0] >= 0).all() and not slack.any()
    assert solver.objective > 0.02
    assert solver.exploitability > 0.1


def test_games_without_gradients_are_refused():
    with pytest.raises(ValueError, match="`game` must be registered by `mfg_games"):
        MFOMO("mfg_crowd_modelling(size=3,horizon=2)")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizer": "sgd"}, "`optimizer` must be one of lbfgs, adam"),
        ({"lr": 0.0}, "`lr` must be above 0"),
        ({"steps": 0}, "`steps` must be at least 1"),
        ({"balance_weight": 0.0}, "`balance_weight` must be above 0"),
        ({"value_weight": -1.0}, "`value_weight` must be above 0"),
        ({"slack_weight": 0.0}, "`slack_weight` must be above 0"),
        ({"spread": -1.0}, "`spread` must be at least 0"),
        ({"seed": -1}, "`seed` must be at least 0"),
    ],
)
def test_wrong_parameters_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MFOMO(ROADS, **arguments)


@pytest.mark.slow
@pytest.mark.xla
def test_exploitability_may_rise_while_the_objective_falls():
    # The measure leaves the flows of policies, and its policy has another flow.
    solver = MFOMO("mfg_beach_bar(size=12,horizon=8)")
    start, objective = solver.exploitability, solver.objective
    solver.iteration()
    assert solver.objective < 0.5 * objective
    assert solver.exploitability > 1.5 * start
