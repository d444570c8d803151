import re

import numpy as np
import pyspiel
import pytest
from toy_dynamics import RANDOM_GAMES

from algorithms.boltzmann_policy_iteration import BoltzmannPolicyIteration
from algorithms.fictitious_play import FictitiousPlay
from algorithms.fixed_point import FixedPoint
from algorithms.mirror_descent import MirrorDescent
from algorithms.policy_iteration import PolicyIteration

TWO_ROADS = "mfg_test_two_roads"


class CountedMirrorDescent(MirrorDescent):
    """Counts how often its update is traced."""

    traces = 0

    def _update(self, state, step_size):
        type(self).traces += 1
        return super()._update(state, step_size)


class CountedFictitiousPlay(FictitiousPlay):
    """Counts how often its update is traced."""

    traces = 0

    def _update(self, state, step_size):
        type(self).traces += 1
        return super()._update(state, step_size)


@pytest.mark.parametrize("kind", [CountedMirrorDescent, CountedFictitiousPlay])
def test_updates_are_traced_once(kind):
    kind.traces = 0
    solver = kind(TWO_ROADS)
    for learning_rate in (None, 0.5, None, 0.25, 1.0, None):
        solver.iteration(learning_rate=learning_rate)
        assert solver.exploitability >= -1e-12
    solver.restore(solver.state, 3)
    solver.iteration()
    assert kind.traces == 1


SOLVERS = [
    lambda game, **options: MirrorDescent(game, lr=0.7, **options),
    lambda game, **options: FictitiousPlay(game, **options),
    lambda game, **options: FixedPoint(game, damping=0.6, **options),
    lambda game, **options: PolicyIteration(game, temperature=0.5, **options),
]
NAMES = ["mirror_descent", "fictitious_play", "fixed_point", "policy_iteration"]


@pytest.mark.parametrize(
    "make, dtype",
    [*((make, "float64") for make in SOLVERS), (SOLVERS[0], "float32")],
    ids=[*NAMES, "single_precision"],
)
def test_restored_solver_continues_with_the_same_numbers(make, dtype):
    first = make(TWO_ROADS, dtype=dtype)
    for _ in range(3):
        first.iteration()
    saved = {name: array.numpy().copy() for name, array in first.state.items()}
    second = make(TWO_ROADS, dtype=dtype)
    second.iteration()
    second.restore(saved, first.num_iterations)
    for _ in range(4):
        assert second.num_iterations == first.num_iterations
        assert second.exploitability == first.exploitability
        first.iteration()
        second.iteration()
    for name, array in first.state.items():
        np.testing.assert_array_equal(second.state[name], array)
    np.testing.assert_array_equal(
        first.get_policy().probabilities, second.get_policy().probabilities
    )


@pytest.mark.parametrize(
    "state", [{}, {"policy": np.ones((4, 2))}, {"scores": np.ones((3, 2))}]
)
def test_state_of_another_solver_or_game_is_refused(state):
    solver = MirrorDescent(TWO_ROADS)
    expected = "The state of MirrorDescent on `mfg_test_two_roads"
    with pytest.raises(ValueError, match=re.escape(expected)):
        solver.restore(state, 1)
    assert solver.num_iterations == 0


def test_reading_changes_nothing():
    read, unread = (MirrorDescent(TWO_ROADS, lr=0.7) for _ in range(2))
    for _ in range(3):
        assert read.exploitability == read.exploitability
        assert read.values.shape == (1,)
        assert read.flow.mass.shape == (4,)
        read.get_policy()
        read.iteration()
        unread.iteration()
    assert read.num_iterations == unread.num_iterations == 3
    assert read.exploitability == unread.exploitability


def test_values_and_flow_are_those_of_the_current_policy():
    solver = FictitiousPlay(TWO_ROADS)
    solver.iteration()  # 3/4 take road 0, where -1/4 is paid, as on road 1
    assert solver.values == pytest.approx([-0.25])
    # Nodes: both states at t = 0, then the roads.
    assert solver.flow.mass.numpy() == pytest.approx([1.0, 0.0, 0.75, 0.25])
    assert solver.exploitability == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize(
    "make, iteration",
    [
        (lambda: FictitiousPlay(f"{TWO_ROADS}(limit=0.8)"), 2),
        (lambda: MirrorDescent(f"{TWO_ROADS}(limit=0.7)", lr=2.0), 1),
    ],
)
def test_no_number_stops_the_solver(make, iteration):
    # The reward is no number where a road is too full.
    solver = make()
    for _ in range(iteration):
        solver.iteration()
    with pytest.raises(FloatingPointError, match=f"nan.* at iteration {iteration}"):
        solver.iteration()
    assert solver.num_iterations == iteration
    assert np.isfinite(solver.get_policy().probabilities).all()
    with pytest.raises(ValueError, match="`reward` is nan at t=1 x=0"):
        solver.exploitability  # noqa: B018


@pytest.mark.parametrize("make", SOLVERS[:2], ids=NAMES[:2])
def test_single_precision_is_close(make):
    # The updates are smooth or, in fictitious play, without ties, so that roundings
    # of 6e-8 grow by a small factor in a few iterations.
    double, single = make(RANDOM_GAMES[0]), make(RANDOM_GAMES[0], dtype="float32")
    for _ in range(4):
        assert single.exploitability == pytest.approx(double.exploitability, abs=1e-4)
        single.iteration()
        double.iteration()
    assert single.get_policy().probabilities.dtype == np.float32


def test_a_game_and_its_string_are_alike():
    game = pyspiel.load_game(TWO_ROADS)
    assert MirrorDescent(game).model is MirrorDescent(TWO_ROADS).model
    assert str(MirrorDescent(TWO_ROADS).game) == str(game)


def test_parameters_are_the_constructors_arguments():
    solver = MirrorDescent(TWO_ROADS, lr=0.5)
    assert solver.parameters == {
        "damping": 0.0,
        "dtype": "float64",
        "lr": 0.5,
        "regulariser": "entropy",
        "tsallis_order": 0.5,
    }
    solver = FictitiousPlay(TWO_ROADS, temperature=2.0, dtype="float32")
    assert solver.parameters == {"dtype": "float32", "lr": None, "temperature": 2.0}


@pytest.mark.parametrize(
    "kind",
    [
        BoltzmannPolicyIteration,
        FictitiousPlay,
        FixedPoint,
        MirrorDescent,
        PolicyIteration,
    ],
)
def test_wrong_arguments_are_refused(kind):
    with pytest.raises(ValueError, match="`dtype` must be one of"):
        kind(TWO_ROADS, dtype="float16")
    with pytest.raises(ValueError, match="is no mean field game"):
        kind("kuhn_poker")
    with pytest.raises(ValueError, match="device"):
        kind(TWO_ROADS, device="nonsense")
    with pytest.raises(ValueError, match="Did you mean 'mfg_beach_bar'"):
        kind("mfg_beach_baar")
    with pytest.raises(TypeError, match="learning"):
        kind(TWO_ROADS, learning=1.0)


@pytest.mark.parametrize("learning_rate", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("make", SOLVERS[:2], ids=NAMES[:2])
def test_wrong_learning_rate_of_one_iteration_is_refused(make, learning_rate):
    solver = make(TWO_ROADS)
    with pytest.raises(ValueError, match="`learning_rate` must be"):
        solver.iteration(learning_rate=learning_rate)
    assert solver.num_iterations == 0


def test_fictitious_play_gives_the_response_a_weight_of_at_most_one():
    with pytest.raises(ValueError, match=r"`learning_rate` must be .* at most 1\."):
        FictitiousPlay(TWO_ROADS).iteration(learning_rate=1.5)
