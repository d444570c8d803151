"""Planned responses, alone and inside of solvers."""

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
from algorithms.policy import greedy

# Noise, illegal actions and two populations.
RANDOM = "mfg_test_random(seed=2,horizon=4,populations=2,restricted=True,terminal=True)"
LITTLE = DQNConfig(width=16, learning_rate=0.01, updates=300, players=8, batch_size=16)
LAW = KernelConfig(width=32, learning_rate=0.01, updates=500)
PLANNING = TINY | {
    "best_response": "planning",
    "planning_simulations": 5,
    "planning_kernel": "learnt",
    "planning_law_updates": 4,
    "planning_law_width": 5,
    "planning_law_batch_size": 6,
}


def planner(here, seed=0, **changes) -> PlanningResponse:
    return PlanningResponse(
        spec(here), LITTLE, PlanningConfig(law=LAW, **changes), seed
    )


def rows_of(here) -> tf.Tensor:
    return tf.range(len(here.legal), dtype=tf.int64)


@pytest.mark.parametrize("kernel", ["true", "learnt"])
def test_planning_makes_good_what_was_learnt_badly(kernel, seed):
    here = frozen(RANDOM)
    response = planner(here, seed, kernel=kernel)
    outlook = response.prepare(here, uniform(here), 0)
    true = np.array_equal(outlook.world.probabilities, here.probabilities)
    assert true == (kernel == "true")
    learnt, few, many = (
        gap(here, response.plan(outlook, rows_of(here), 0, budget))
        for budget in (0, 1, 100)
    )
    assert learnt > 0.25
    assert many <= few < learnt
    assert many < 0.03 * learnt
    found = response.search(outlook, rows_of(here), 0, 100)
    assert gap(here, greedy(found.visits, here.legal)) < 0.2 * learnt
    policy = response.plan(outlook, rows_of(here), 0)
    np.testing.assert_array_equal(tf.reduce_sum(policy, axis=1), 1)
    assert (policy.numpy()[~here.legal.numpy()] == 0).all()
    counts = np.array([300, 300 * 8])
    if kernel == "learnt":
        counts += [LAW.updates, LAW.updates * LAW.batch_size]
    assert [response.metrics[name] for name in ("updates", "moves")] == counts.tolist()


def test_without_simulations_it_is_deep_q_learning():
    here = frozen(CERTAIN)
    found = planner(here, simulations=0, answer="visits")
    expected = DQN(spec(here), LITTLE, 0)
    for phase in range(2):
        np.testing.assert_array_equal(
            found.respond(here, uniform(here), phase),
            expected.respond(here, uniform(here), phase),
        )
    assert found.metrics == expected.metrics


def test_the_answer_is_the_best_value_or_the_most_visits():
    here = frozen(RANDOM)
    by_values, by_visits = (planner(here, answer=a) for a in ("values", "visits"))
    outlook = by_values.prepare(here, uniform(here), 0)
    found = by_values.search(outlook, rows_of(here), 0, 64)
    for response, numbers in [(by_values, found.values), (by_visits, found.visits)]:
        best = np.where(here.legal, numbers, -np.inf).argmax(1)
        policy = response.plan(outlook, rows_of(here), 0)
        np.testing.assert_array_equal(policy.numpy().argmax(1), best)


def test_roots_are_searched_in_parts_that_fit_into_memory(monkeypatch):
    """Without noise, how they are divided does not matter."""
    here = frozen(CERTAIN)
    found = planner(here)
    outlook = found.prepare(here, uniform(here), 0)
    whole = found.search(outlook, rows_of(here), 0, 7)
    monkeypatch.setattr(planning, "_LARGEST_TABLE", 5 * len(here.legal) + 1)
    parts = found.search(outlook, rows_of(here), 0, 7)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)
    assert found._search.experimental_get_tracing_count() == 1


def test_a_run_that_was_killed_goes_on_with_the_same_numbers(tmp_path):
    """And all is traced once; another seed begins elsewhere."""
    path = tmp_path / "checkpoint.npz"
    unbroken, resumed = (DeepFixedPoint.make(SMALL, **PLANNING) for _ in range(2))
    run.run(unbroken, 2, checkpoint_path=path, progress=False)
    run.run(resumed, 4, checkpoint_path=path, progress=False)
    run.run(unbroken, 4, progress=False)
    same(unbroken, resumed)
    other = DeepFixedPoint.make(SMALL, seed=1, **PLANNING)
    first = DeepFixedPoint.make(SMALL, **PLANNING)
    for part in ("values/network/0", "kernel/network/0"):
        assert np.any(first.state[part] != other.state[part])
        assert np.any(first.state[part] != resumed.state[part])
    response = unbroken._best_response
    for function in (
        response._search,
        response._learner._learn,
        response._kernel._learn,
        response._kernel._laws,
    ):
        assert function.experimental_get_tracing_count() == 1


def test_fictitious_play_approaches_the_equilibrium(exploitabilities, seed):
    """With values that are hardly learnt."""
    planned = {"best_response": "planning", "planning_simulations": 100}
    deep = DeepFictitiousPlay.make(SMALL, **(TINY | planned), seed=seed)
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
