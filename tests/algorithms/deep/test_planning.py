"""Planned responses, alone and inside of solvers."""

import dataclasses

from deep_games import CERTAIN, SMALL, TINY, same
from frozen_worlds import frozen, gap, spec, uniform
import numpy as np
import pytest
import tensorflow as tf

from algorithms import run
from algorithms.deep import planning
from algorithms.deep.deep_fictitious_play import DeepFictitiousPlay
from algorithms.deep.deep_fixed_point import DeepFixedPoint
from algorithms.deep.dqn import DQN, DQNConfig
from algorithms.deep.learnt_kernel import KernelConfig
from algorithms.deep.planning import PlanningConfig, PlanningResponse

# Noise, illegal actions and two populations.
RANDOM = "mfg_test_random(seed=2,horizon=4,populations=2,restricted=True,terminal=True)"
LITTLE = DQNConfig(width=16, updates=30, players=8, batch_size=16)
LAW = KernelConfig(width=32, learning_rate=0.01, updates=600)
PLANNING = TINY | {
    "best_response": "planning",
    "planning_simulations": 5,
    "planning_kernel": "learnt",
    "planning_law_updates": 4,
    "planning_law_width": 5,
    "planning_law_batch_size": 6,
}


def planner(here, seed=0, dqn=LITTLE, **changes) -> PlanningResponse:
    return PlanningResponse(spec(here), dqn, PlanningConfig(law=LAW, **changes), seed)


@pytest.mark.parametrize("kernel", ["true", "learnt"])
@pytest.mark.parametrize("answer", ["values", "visits"])
def test_planning_makes_good_what_was_learnt_badly(kernel, answer):
    here = frozen(RANDOM)
    rows = tf.range(len(here.legal), dtype=tf.int64)
    policy = uniform(here)
    first = planner(here, kernel=kernel)
    outlook = first.prepare(here, policy, 0)
    true = np.array_equal(outlook.world.probabilities, here.probabilities)
    assert true == (kernel == "true")
    gaps = {}
    for simulations in (0, 200):
        later = planner(here, kernel=kernel, answer=answer, simulations=simulations)
        policy = later.plan(outlook, rows, 0)
        np.testing.assert_array_equal(tf.reduce_sum(policy, axis=1), 1)
        assert (policy.numpy()[~here.legal.numpy()] == 0).all()
        gaps[simulations] = gap(here, policy)
    assert gaps[0] > 0.5
    assert gaps[200] < 0.02 * gaps[0]


def test_without_simulations_it_is_deep_q_learning():
    here = frozen(RANDOM)
    for answer in ("values", "visits"):
        found = planner(here, simulations=0, answer=answer)
        expected = DQN(spec(here), LITTLE, 0)
        for phase in range(2):
            np.testing.assert_array_equal(
                found.respond(here, uniform(here), phase),
                expected.respond(here, uniform(here), phase),
            )
        assert found.metrics == expected.metrics


def test_roots_are_searched_in_parts_that_fit_into_memory(monkeypatch):
    """Without noise, how they are divided does not matter."""
    here = frozen(CERTAIN)
    expected = planner(here, simulations=6).respond(here, uniform(here), 0)
    monkeypatch.setattr(planning, "_LARGEST_TABLE", 5 * len(here.legal) + 1)
    found = planner(here, simulations=6)
    np.testing.assert_array_equal(found.respond(here, uniform(here), 0), expected)
    assert found._search.experimental_get_tracing_count() == 1


def test_metrics_count_what_both_learn():
    here = frozen(SMALL)
    changes = {"dqn": dataclasses.replace(LITTLE, updates=3), "kernel": "learnt"}
    found = planner(here, **changes)
    found.respond(here, uniform(here), 0)
    assert found.metrics["updates"] == 3 + LAW.updates
    assert found.metrics["moves"] == 3 * 8 + LAW.updates * LAW.batch_size
    assert found.metrics["kernel_loss"] > 0


def test_seeds_and_traces():
    first, again, other = (
        DeepFixedPoint.make(SMALL, seed=seed, **PLANNING) for seed in (1, 1, 2)
    )
    for _ in range(3):
        for deep in (first, again, other):
            deep.iteration()
    same(first, again)
    for part in ("values/network/0", "kernel/network/0"):
        assert np.any(first.state[part] != other.state[part])
    response = first._best_response
    for function in (
        response._search,
        response._learner._learn,
        response._kernel._learn,
        response._kernel._laws,
    ):
        assert function.experimental_get_tracing_count() == 1


def test_a_run_that_was_killed_goes_on_with_the_same_numbers(tmp_path):
    path = tmp_path / "checkpoint.npz"
    solvers = [DeepFixedPoint.make(SMALL, **PLANNING) for _ in range(3)]
    run.run(solvers[0], 2, checkpoint_path=path, progress=False)
    run.run(solvers[1], 4, checkpoint_path=path, progress=False)
    run.run(solvers[2], 4, progress=False)
    same(solvers[1], solvers[2])


def test_fictitious_play_approaches_the_equilibrium(exploitabilities):
    """With values that are hardly learnt."""
    deep = DeepFictitiousPlay.make(
        SMALL, **(TINY | {"best_response": "planning", "planning_simulations": 32})
    )
    found = exploitabilities(deep, 8)
    assert found[-1] < found[0] / 3
    with pytest.raises(ValueError, match=r"'planning', which needs more"):
        deep.response(0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"planning_simulations": -1}, "simulations=-1"),
        ({"planning_c_puct": -0.5}, "c_puct=-0.5"),
        ({"planning_prior_temperature": 0.0}, "prior_temperature=0.0"),
        ({"planning_kernel": "false"}, "kernel='false'"),
        ({"planning_answer": "guess"}, "answer='guess'"),
        ({"planning_law_updates": 0}, "updates=0"),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        DeepFixedPoint.make(SMALL, **(PLANNING | changes))
