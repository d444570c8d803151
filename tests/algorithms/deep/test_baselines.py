"""Deep fixed point, policy iteration, fictitious play and stored mirror descent."""

from deep_games import CERTAIN, SMALL, TABLE, TINY, reached, same
import numpy as np
from open_spiel.python.mfg.algorithms import nash_conv
import pytest

from algorithms import run
from algorithms.deep.deep_fictitious_play import DeepFictitiousPlay
from algorithms.deep.deep_fixed_point import DeepFixedPoint
from algorithms.deep.deep_policy_iteration import (
    DeepBoltzmannIteration,
    DeepPolicyIteration,
)
from algorithms.deep.stored_mirror_descent import StoredMirrorDescent
from algorithms.fictitious_play import FictitiousPlay
from algorithms.fixed_point import FixedPoint
from algorithms.mirror_descent import MirrorDescent
from algorithms.policy_iteration import PolicyIteration

EXACT = {"best_response": "exact"}


@pytest.mark.parametrize(
    ("deep", "options", "exact", "exact_options"),
    [
        (DeepFixedPoint, EXACT, FixedPoint, {}),
        pytest.param(DeepFixedPoint, {}, FixedPoint, {}, marks=pytest.mark.slow),
        (DeepFixedPoint, {"dqn_temperature": 1.0}, FixedPoint, {"temperature": 1.0}),
        (DeepPolicyIteration, {}, PolicyIteration, {}),
        pytest.param(
            DeepBoltzmannIteration,
            {},
            PolicyIteration,
            {"temperature": 1.0},
            marks=pytest.mark.slow,
        ),
        (DeepFictitiousPlay, EXACT, FictitiousPlay, {}),
        pytest.param(
            DeepFictitiousPlay, {}, FictitiousPlay, {}, marks=pytest.mark.slow
        ),
        (DeepFictitiousPlay, {"lr": 0.3} | EXACT, FictitiousPlay, {"lr": 0.3}),
        (StoredMirrorDescent, {"tau": 2.0}, MirrorDescent, {"lr": 0.5}),
    ],
)
def test_tables_learn_what_the_exact_solver_computes(
    deep, options, exact, exact_options, seed
):
    deep = deep.make(CERTAIN, **(TABLE | options), seed=seed)
    exact = exact(CERTAIN, **exact_options)
    uniform = exact.get_policy().probabilities
    for _ in range(3):
        deep.iteration()
        exact.iteration()
        # To 1e-3 for ten seeds.
        assert deep.exploitability == pytest.approx(exact.exploitability, abs=0.01)
        found, expected = (s.get_policy().probabilities for s in (deep, exact))
        here = reached(exact)
        np.testing.assert_allclose(found[here], expected[here], atol=0.01)
    assert np.abs(expected - uniform)[here].max() > 0.2


def test_the_average_is_that_of_the_stored_responses():
    deep = DeepFictitiousPlay.make(SMALL, **(TINY | {"dqn_updates": 200}))
    model = deep.model
    parts = [model.uniform_policy().numpy()]
    for number in range(4):
        deep.iteration()
        parts.append(deep.response(number).probabilities)
    masses = [model.distribution(model.as_tensor(part)).mass.numpy() for part in parts]
    played = sum(m[:, None] * part for m, part in zip(masses, parts, strict=True))
    total = sum(masses)
    here = total > 0
    expected = played[here] / total[here, None]
    found = deep.get_policy().probabilities[here]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert len({part.tobytes() for part in parts}) > 2
    with pytest.raises(ValueError, match=r"4 networks.*Received: 4"):
        deep.response(4)


def test_exact_responses_have_no_networks():
    deep = DeepFictitiousPlay.make(SMALL, best_response="exact")
    deep.iteration()
    with pytest.raises(ValueError, match="best_response='exact'"):
        deep.response(0)


@pytest.mark.parametrize(
    "solver",
    [
        DeepFictitiousPlay,
        # Remembers in the same way.
        pytest.param(StoredMirrorDescent, marks=pytest.mark.slow),
        # Remember what deep mirror descent does, and in the same way.
        pytest.param(DeepFixedPoint, marks=pytest.mark.slow),
        pytest.param(DeepPolicyIteration, marks=pytest.mark.slow),
        pytest.param(DeepBoltzmannIteration, marks=pytest.mark.slow),
    ],
)
def test_a_run_that_was_killed_goes_on_with_the_same_numbers(solver, tmp_path):
    path = tmp_path / "checkpoint.npz"
    run.run(solver.make(SMALL, **TINY), 2, checkpoint_path=path, progress=False)
    resumed, unbroken = (solver.make(SMALL, **TINY) for _ in range(2))
    run.run(resumed, 4, checkpoint_path=path, progress=False)
    run.run(unbroken, 4, progress=False)
    same(resumed, unbroken)
    assert resumed.metrics["moves"] == 12 * 5
    assert resumed.metrics["updates"] == 12


def test_the_response_may_discover_nodes():
    game = "python_mfg_dynamic_routing(max_num_time_step=10,time_step_length=0.5)"
    deep = DeepFictitiousPlay.make(game, **TINY)
    known = deep.model.num_nodes
    for _ in range(2):
        deep.iteration()
    assert deep.model.num_nodes > known
    theirs = nash_conv.NashConv(deep.game, deep.get_policy()).nash_conv()
    assert deep.exploitability == pytest.approx(theirs, abs=1e-9)


def test_the_store_counts_nodes_that_come_later():
    game = "python_mfg_dynamic_routing(max_num_time_step=5,time_step_length=1.0)"
    deep = StoredMirrorDescent.make(game, **TINY, tau=0.1)
    for _ in range(3):
        deep.iteration()
        assert np.isfinite(deep.exploitability)
    values = [deep._history.outputs(k, deep.features).numpy() for k in range(3)]
    np.testing.assert_allclose(deep.state["sum"], sum(values), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("solver", "options", "message"),
    [
        (DeepFixedPoint, {"best_response": "exakt"}, "mean 'exact'"),
        (DeepFixedPoint, {"dqn_temperature": -1.0}, "temperature=-1.0"),
        (DeepPolicyIteration, {"temperature": -1.0}, "temperature=-1.0"),
        (DeepFictitiousPlay, {"lr": 1.5}, "lr=1.5"),
        (StoredMirrorDescent, {"tau": 0.0}, "tau=0.0"),
        (DeepFixedPoint, {"networks": "own"}, "networks='own'"),
        (DeepFixedPoint, {"precision": "float16"}, "precision='float16'"),
        (DeepFixedPoint, {"sampled_players": -1}, "sampled_players=-1"),
        (
            DeepFixedPoint,
            {"networks": "separate", "features": "table"},
            "networks='separate'",
        ),
    ],
)
def test_errors_name_the_parameter(solver, options, message):
    with pytest.raises(ValueError, match=message):
        solver.make(SMALL, **options)
