"""Whatever a game does in a step is swept as OpenSpiel plays it, or refused."""

import gates  # noqa: F401  registers the games
import numpy as np
from open_spiel.python.mfg.algorithms.nash_conv import NashConv
from open_spiel.python.policy import UniformRandomPolicy
import pyspiel
import pytest

from algorithms.equilibrium_distance import MoveDistance
from algorithms.exploitability import exploitability
from algorithms.model import load_model, tracing
from algorithms.policy import ArrayPolicy

_ALL = "populations=2,noise=coin"
GAMES = (
    "successors=copy,law=if_time,paid=taken",
    "successors=tensor,law=equal_time,paid=where",
    "successors=if_time,law=in_time,paid=crowded",
    "successors=equal_time,law=indexed,paid=decaying",
    "successors=in_time,law=listed,paid=if_time",
    "successors=indexed,law=taken,paid=equal_time",
    "successors=listed,law=where,paid=in_time",
    "successors=taken,law=crowded,paid=indexed",
    "successors=where,law=decaying,paid=listed",
    "successors=crowded,law=indexed,paid=taken",
    "successors=if_time,paid=if_noise,noise=late",
    "successors=if_noise,noise=late",
    "successors=both,law=indexed,factored=true,noise=late,populations=2",
    "law=if_noise,paid=both,noise=coin,joint=true",
    f"successors=all,law=all,paid=all,{_ALL}",
    f"successors=all,law=all,paid=if_noise,joint=true,factored=true,{_ALL}",
    "successors=indexed,law=where,factored=true,initial_laws=points:2",
    "successors=indexed,paid=indexed,horizon=1",
)


def _game(text: str) -> pyspiel.Game:
    return pyspiel.load_game(f"mfg_test_gate({text})")


def _policy(model) -> ArrayPolicy:
    draws = np.random.default_rng(0).random((model.num_nodes, model.num_actions))
    return ArrayPolicy(model, draws / draws.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("text", GAMES)
def test_sweeps_are_those_of_openspiel(text):
    model = load_model(_game(text))
    policy = _policy(model)

    def swept(array):
        flow = model.distribution(array)
        return model.evaluate(array, flow), model.steps(flow)

    values, steps = model.compile(swept)(model.as_tensor(policy.probabilities))
    expected = NashConv(model.game, policy)
    totals = values.totals
    best = pytest.approx(expected.br_values(), abs=1e-9)
    assert totals.best_value.numpy().tolist() == best
    assert float(totals.exploitability) == pytest.approx(expected.nash_conv(), abs=1e-9)
    # What a single player meets is the same.
    q = model.absolute(values.q, values).numpy()
    nodes = np.append((policy.probabilities * q).sum(axis=1), 0.0)
    later = (steps.probabilities.numpy() * nodes[steps.successors]).sum(axis=-1)
    np.testing.assert_allclose(steps.rewards + later, q, atol=1e-12)


@pytest.mark.parametrize(
    "text, message",
    [
        ("successors=if_crowd", "transition of mfg_test_gate: use xp.where, not if"),
        ("law=numpy", "transition of mfg_test_gate: use xp, not np"),
        ("paid=if_crowd,noise=coin", "reward of mfg_test_gate: use xp.where, not if"),
        ("paid=numpy", "reward of mfg_test_gate: use xp, not np"),
        ("successors=before", "transition of mfg_test_gate: it gives .* negative ind"),
        ("paid=before,law=by_type", "reward of mfg_test_gate: it gives .* at t=0"),
        ("law=by_type", "transition of mfg_test_gate: it gives .* to NumPy at t=0"),
    ],
)
def test_what_means_something_else_to_tensors_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        load_model(_game(text))


@pytest.mark.parametrize(
    "text, moves",
    [
        ("successors=where,law=taken", False),
        ("successors=indexed,law=if_noise,noise=coin", False),
        ("successors=crowded", True),
        ("law=decaying", True),
        ("successors=late", True),
        ("law=late,factored=true", True),
    ],
)
def test_whether_the_crowd_moves_players_is_known_of_all_times(text, moves):
    assert tracing.crowd_moves(_game(text).dynamics) == moves


def test_a_gate_that_is_open_at_first_is_no_longer_open_later():
    model = load_model("mfg_test_turnstile")
    uniform = ArrayPolicy(model, model.uniform_policy())
    assert exploitability(model.game, uniform) == pytest.approx(0.5)
    assert NashConv(model.game, uniform).nash_conv() == pytest.approx(0.5)


def test_moves_of_all_times_join_states():
    distance = MoveDistance(pyspiel.load_game("mfg_test_turnstile(late=true)").dynamics)
    assert distance(*np.eye(2)) == pytest.approx(1.0)


def test_numbers_are_taken_for_few_times_only():
    few = "reward of mfg_test_gate: use xp.take and xp.where, not if, for functions of"
    with pytest.raises(ValueError, match=few):
        load_model(_game("paid=if_noise,noise=coin,horizon=9"))


def test_the_number_of_outcomes_stays():
    game = _game("successors=widening,law=fixed")
    message = "transition of mfg_test_gate: must return successors of the shape"
    with pytest.raises(ValueError, match=message):
        model = load_model(game)
        model.compiled_distribution(model.uniform_policy())
    with pytest.raises(ValueError, match=message):
        NashConv(game, UniformRandomPolicy(game))
