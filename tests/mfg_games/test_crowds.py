"""The crowds of the conformance kit: laws of every kind, and true best responses."""

import numpy as np
import pyspiel
import pytest

from mfg_games.conformance import crowds

# The crowd changes nothing: whatever the others do, best responses are best.
LONELY = (
    "mfg_beach_bar(size=5,horizon=4,crowd_aversion=0.0)",
    "mfg_beach_bar(size=4,horizon=4,crowd_aversion=0.0,closing_time=2)",
)


@pytest.mark.parametrize("game", LONELY)
def test_responses_are_best(game, sweep):
    d = pyspiel.load_game(game).dynamics
    legal = d.legal_mask()
    uniform = np.tile(legal / legal.sum(axis=1, keepdims=True), (1, 1, 1))
    steps = crowds._flow(d, {}, uniform)
    policies = crowds._best_response(d, steps, legal)
    assert sweep(d).nash_conv() > 0.1
    best = sweep(d, lambda t, history: policies[t, history])
    assert best.nash_conv() == pytest.approx(0.0, abs=1e-12)
    for (t, history), here in crowds._flow(d, policies, uniform).items():
        np.testing.assert_allclose(here.law, best.flow[t, history], atol=1e-12)


def test_all_times_histories_and_corners_are_met():
    d = pyspiel.load_game("mfg_predator_prey(size=2,horizon=3)").dynamics
    steps = list(crowds.chosen_steps(d, seed=0))
    assert {step.t for step in steps} == {0, 1, 2, 3}
    met = {step.crowd for step in steps}
    corners = {
        f"everybody of population {n} in state {x}"
        for n in range(d.num_populations)
        for x in range(d.num_states)
    }
    assert met == {*corners, "a random crowd"}
    for step in steps:
        np.testing.assert_allclose(step.law.sum(axis=-1), 1.0)
        if step.crowd in corners:
            assert step.law.max() == 1.0


def test_crowds_with_actions_take_legal_ones():
    d = pyspiel.load_game("mfg_price_impact").dynamics
    assert d.joint_law
    for step in crowds.chosen_steps(d, seed=0):
        assert step.law.sum() == pytest.approx(1.0)
        assert step.law.ndim == (2 if step.t == d.horizon else 3)


def test_large_games_have_no_responses():
    d = pyspiel.load_game("mfg_beach_bar(size=5,horizon=4)").dynamics
    assert list(crowds.response_steps(d, most_nodes=24)) == []
    assert len(list(crowds.response_steps(d, most_nodes=25))) == 15
