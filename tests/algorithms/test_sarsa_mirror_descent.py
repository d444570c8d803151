"""Mirror descent on sampled values against mirror descent on exact ones."""

import numpy as np
import pytest
from test_q_learning import TwoSteps
from toy_dynamics import share_exploitability

from algorithms.frozen_world import FrozenWorld
from algorithms.mirror_descent import MirrorDescent
from algorithms.model import load_model
from algorithms.regularisers import softmax
from algorithms.sarsa_mirror_descent import SarsaMirrorDescent
from algorithms.tabular_learning import play

BAR, ROADS = "mfg_beach_bar(size=6,horizon=3)", "mfg_test_two_roads"
SLOW = pytest.mark.slow
_ALL = (
    "states=3,horizon=2,populations=2,common_noise=true,leaning=true,moving=true,"
    "restricted=true,terminal=true,discount=0.8"
)


def solved(game: str, iterations: int, **options) -> SarsaMirrorDescent:
    solver = SarsaMirrorDescent(game, **{"episodes": 200, "batch_size": 50} | options)
    for _ in range(iterations):
        solver.iteration()
    return solver


def test_values_by_hand():
    """Action 1 pays 1 and is played 3 times in 4; exploration does not enter."""
    q, policy = np.zeros((2, 2)), np.array([[0.5, 0.5], [0.25, 0.75]])
    play(q, TwoSteps(), 500, 1.0, 0.5, np.random.default_rng(0), policy)
    np.testing.assert_allclose(q, [[10.75, 11.75], [10, 11]])


@pytest.mark.parametrize(
    "game",
    [
        pytest.param(f"mfg_test_random(seed=3,factored=true,{_ALL})", marks=SLOW),
        pytest.param(f"mfg_test_joint(seed=7,{_ALL})", marks=SLOW),
        BAR,
    ],
)
def test_values_of_any_policy_are_learnt(game, seed):
    """To 0.1 where players come, while half of all actions are random."""
    model = load_model(game)
    logits = np.random.default_rng(3).normal(size=model.legal_actions.shape)
    policy = softmax(model.as_tensor(logits), model.legal_actions)
    flow = model.compiled_distribution(policy)
    world = FrozenWorld(model.game.dynamics, flow)
    q, rng = np.zeros(model.legal_actions.shape), np.random.default_rng(seed)
    for learning_rate in (0.1, 0.01, 0.002):
        for _ in range(40):
            play(q, world, 500, learning_rate, 0.5, rng, policy.numpy())
    values = model.compiled_evaluate(policy, flow)
    seen = np.asarray(flow.mass) > 0.05
    error = np.where(model.legal_actions, q - model.absolute(values.q, values), 0)[seen]
    assert abs(error).max() < 0.1
    # The values of the best response are others.
    others = np.where(
        model.legal_actions, q - model.absolute(values.best_q, values), 0
    )[seen]
    assert abs(others).max() > 0.2


def test_comes_near_to_exact_mirror_descent(exploitabilities, seed):
    """Within a factor of 2 at each iteration, while exploitability falls to a tenth."""
    exact = exploitabilities(MirrorDescent(BAR, lr=2.0), 10)
    solver = solved(BAR, 0, lr=2.0, episodes=1000, batch_size=500, seed=seed)
    learnt = exploitabilities(solver, 10)
    assert learnt[0] == pytest.approx(exact[0], abs=1e-12)
    assert learnt[-1] < learnt[0] / 10
    np.testing.assert_allclose(np.log2(learnt), np.log2(exact), atol=1.0)


def test_without_exploration_an_action_once_given_up_is_never_tried_again(seed):
    """A first step that is far too long sends all to road 0, where 3/4 belong."""
    found = {}
    for exploration in (0.0, 0.2):
        solver = solved(ROADS, 0, exploration=exploration, seed=seed)
        solver.iteration(learning_rate=100.0)
        for _ in range(40):
            solver.iteration(learning_rate=4.0)
        found[exploration] = solver.get_policy().probabilities[0, 0]
    assert found[0.0] == pytest.approx(1.0)
    assert share_exploitability(found[0.0]) == pytest.approx(0.5)
    assert found[0.2] == pytest.approx(0.75, abs=0.05)


def test_same_seed_same_numbers_also_after_a_break():
    options = {"dtype": "float32", "seed": 4, "learning_rate": 0.01}
    first, second = (solved(ROADS, 2, **options) for _ in range(2))
    assert {array.dtype.name for array in first.state.values()} == {"float32"}
    middle = {name: array.numpy() for name, array in first.state.items()}
    other = solved(ROADS, 2, **options | {"seed": 5})
    assert np.any(middle["q"] != other.state["q"])
    np.testing.assert_array_equal(middle["q"], second.state["q"])
    other = solved(ROADS, 0, **options)
    other.restore(middle, 2)
    for solver in (first, other):
        solver.iteration()
    for name, array in first.state.items():
        np.testing.assert_array_equal(array, other.state[name])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": 0.0}, "`lr` must be above 0"),
        ({"episodes": 120}, "episodes.*batch_size=50.*episodes=120"),
        ({"learning_rate": 0.0}, "learning_rate=0.0"),
        ({"exploration": 1.1}, "exploration=1.1"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_wrong_parameters_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        solved(ROADS, 0, **options)


def test_games_of_others_are_refused():
    with pytest.raises(ValueError, match=r"mfg_games.*mfg_crowd_modelling"):
        SarsaMirrorDescent("mfg_crowd_modelling")
