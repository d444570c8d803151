"""Average-network fictitious play against the exact one; its runs can be repeated."""

import dataclasses

import numpy as np
import pytest
import toy_dynamics  # noqa: F401  registers the games

from algorithms import run
from algorithms.average_network_fictitious_play import (
    OURS,
    RELEASED,
    AverageNetworkFictitiousPlay,
)
from algorithms.catalogue import solver_class
from algorithms.fictitious_play import FictitiousPlay

GAME = "mfg_test_random(seed=1,states=4,horizon=3)"
SMALL = "mfg_beach_bar(size=6,horizon=4)"
# Exact responses and a table, so that all that is left is the distillation.
TABLE = {
    "features": "table",
    "best_response": "exact",
    "student_depth": 0,
    "student_learning_rate": 0.02,
    "student_updates": 1500,
    "student_games": 3000,
    "student_averaging": 0.98,
}
TINY = {
    "dqn_updates": 12,
    "dqn_players": 5,
    "dqn_batch_size": 8,
    "dqn_width": 6,
    "student_updates": 10,
    "student_games": 4,
    "student_batch_size": 8,
    "student_width": 6,
    "student_reservoir_capacity": 100,
}


def solver(game=SMALL, **changes) -> AverageNetworkFictitiousPlay:
    return AverageNetworkFictitiousPlay.make(game, **(TINY | changes))


@pytest.mark.parametrize(
    "choices",
    [
        {},
        pytest.param({"student_targets": "soft"}, marks=pytest.mark.slow),
        {"student_data": "online", "student_targets": "soft", "student_beta": 0.5},
    ],
)
def test_the_student_approaches_the_exact_average(choices, seed):
    """Responses to a student's flow are those to the average's if it is near.

    The distance is 0.015 at most for ten seeds, where the uniform policy has 0.2.
    """
    exact = FictitiousPlay(GAME)
    uniform = exact.get_policy().probabilities
    deep = AverageNetworkFictitiousPlay.make(GAME, **(TABLE | choices), seed=seed)
    for _ in range(4):
        exact.iteration()
        deep.iteration()
        found, expected = (s.get_policy().probabilities for s in (deep, exact))
        mass = exact.flow.mass.numpy()
        gaps = 0.5 * np.abs(found - expected).sum(axis=1)
        assert mass @ gaps / mass.sum() < 0.05
        assert deep.exploitability == pytest.approx(exact.exploitability, abs=0.15)
    far = 0.5 * np.abs(uniform - expected).sum(axis=1)
    assert mass @ far / mass.sum() > 0.2


@pytest.mark.slow
def test_learnt_responses_come_near_to_the_exact_run(exploitabilities, seed):
    choices = {"dqn_updates": 300, "dqn_width": 32, "dqn_players": 32}
    choices |= {"student_updates": 300, "student_width": 32, "student_games": 64}
    choices |= {"dqn_averaging": 0.98, "seed": seed}
    found = exploitabilities(solver(**choices), 10)
    exact = exploitabilities(FictitiousPlay(SMALL), 10)
    assert exact[-1] < exact[0] / 3
    assert found[-1] < exact[0] / 2


def test_metrics_count_responses_and_students():
    deep, other = solver(), solver(seed=4)
    for each in (deep, other):
        each.iteration()
    assert deep.exploitability != other.exploitability
    length = deep.game.max_game_length()
    assert deep.metrics["moves"] == 12 * 5 + 4 * length
    assert deep.metrics["updates"] == 12 + 10
    assert deep.metrics["loss"] > 0
    assert 0 < deep.metrics["student_loss"] < 2


def test_a_game_whose_nodes_grow():
    game = "python_mfg_dynamic_routing(max_num_time_step=5,time_step_length=1.0)"
    deep = solver(game, student_data="online", student_targets="soft")
    nodes = deep.model.num_nodes
    for _ in range(4):
        deep.iteration()
        assert np.isfinite(deep.exploitability)
    assert deep.model.num_nodes >= nodes
    for compiled in (deep._student._watch, deep._student._learn):
        assert compiled.experimental_get_tracing_count() == 1


def test_a_run_that_was_killed_goes_on_with_the_same_numbers(tmp_path):
    path = tmp_path / "checkpoint.npz"
    run.run(solver(), 2, checkpoint_path=path, progress=False)
    resumed, unbroken = solver(), solver()
    result = run.run(resumed, 4, checkpoint_path=path, progress=False)
    expected = run.run(unbroken, 4, progress=False)
    assert resumed.exploitability == unbroken.exploitability
    for name, array in resumed.state.items():
        np.testing.assert_array_equal(array, unbroken.state[name], name)
    for ours, theirs in zip(result.history, expected.history, strict=True):
        assert ours.exploitability == theirs.exploitability


def test_presets_and_changes():
    assert solver_class("average_network_fictitious_play") is (
        AverageNetworkFictitiousPlay
    )
    assert AverageNetworkFictitiousPlay(SMALL).config == OURS
    changes = {"student_games": 3, "seed": 2}
    deep = AverageNetworkFictitiousPlay.make(SMALL, preset="released", **changes)
    student = dataclasses.replace(RELEASED.student, games=3)
    assert deep.config == dataclasses.replace(RELEASED, student=student, seed=2)
    assert deep.parameters["student_temperature"] == 10.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"best_response": "magic"}, "no best_response called 'magic'"),
        ({"student_updates": 0}, "updates=0"),
        (
            {"student_targets": "soft", "student_beta": 0.5},
            "0 with student_data='offline'.*student_beta=0.5",
        ),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        solver(**changes)
