"""Deep mirror descent against the exact one; its runs can be repeated."""

import dataclasses

from deep_games import CERTAIN, SMALL, TABLE, TINY, reached, same
import numpy as np
import pytest

from algorithms import run
from algorithms.exploitability import exploitability
from algorithms.mirror_descent import MirrorDescent
from algorithms.munchausen_deep_mirror_descent import (
    OURS,
    RELEASED,
    DeepMirrorDescent,
)
from algorithms.munchausen_mirror_descent import MunchausenMirrorDescent


def solver(game=SMALL, **changes) -> DeepMirrorDescent:
    return DeepMirrorDescent.make(game, **(TINY | changes))


@pytest.mark.parametrize(
    ("alpha", "exact"),
    [
        (1.0, lambda: MirrorDescent(CERTAIN, lr=0.5)),
        (0.8, lambda: MunchausenMirrorDescent(CERTAIN, lr=0.5, alpha=0.8)),
    ],
)
def test_a_table_learns_what_exact_mirror_descent_computes(alpha, exact, seed):
    exact = exact()
    deep = DeepMirrorDescent.make(CERTAIN, **TABLE, tau=2.0, alpha=alpha, seed=seed)
    uniform = exact.get_policy().probabilities
    for _ in range(3):
        assert deep.exploitability == pytest.approx(exact.exploitability, abs=0.005)
        deep.iteration()
        exact.iteration()
        here = reached(exact)
        found, expected = (s.get_policy().probabilities for s in (deep, exact))
        np.testing.assert_allclose(found[here], expected[here], atol=0.005)
    assert np.abs(expected - uniform)[here].max() > 0.3


@pytest.mark.parametrize("changes", [{"dqn_acting": "greedy"}, {"dqn_loss": "huber"}])
def test_other_choices_learn_the_same_table(changes, seed):
    """The greedy player sees little of the game, but for exploration."""
    exact = MirrorDescent(CERTAIN, lr=0.5)
    options = TABLE | {"tau": 2.0, "alpha": 1.0, "dqn_updates": 3000} | changes
    deep = DeepMirrorDescent.make(CERTAIN, **options, seed=seed)
    deep.iteration()
    exact.iteration()
    assert deep.exploitability == pytest.approx(exact.exploitability, abs=0.01)


def test_a_network_comes_near_to_the_exact_values(exploitabilities, seed):
    """To a tenth of the exploitability that both start with."""
    choices = {"dqn_updates": 400, "dqn_players": 32, "dqn_batch_size": 32}
    choices |= {"dqn_width": 32, "seed": seed}
    found = exploitabilities(solver(tau=1.0, **choices), 8)
    exact = exploitabilities(MunchausenMirrorDescent(SMALL, lr=1.0, alpha=0.99), 8)
    assert exact[-1] < exact[0] / 3
    assert abs(found[-1] - exact[-1]) < exact[0] / 10


@pytest.mark.xla
def test_a_phase_is_traced_once():
    deep = solver()
    for _ in range(3):
        deep.iteration()
    assert deep._learner._learn.experimental_get_tracing_count() == 1


def test_a_game_whose_nodes_grow_is_traced_once():
    game = "python_mfg_dynamic_routing(max_num_time_step=5,time_step_length=1.0)"
    deep = solver(game, dqn_updates=40, tau=0.1)
    nodes = deep.model.num_nodes
    for _ in range(4):
        deep.iteration()
        assert np.isfinite(deep.exploitability)
    assert deep.model.num_nodes >= nodes
    assert deep._learner._learn.experimental_get_tracing_count() == 1


def test_seeds():
    first, second, other = solver(seed=3), solver(seed=3), solver(seed=4)
    for deep in (first, second, other):
        deep.iteration()
        deep.iteration()
    same(first, second)
    assert first.exploitability != other.exploitability
    assert np.any(first.state["replay/rows"] != other.state["replay/rows"])


def test_a_run_that_was_killed_goes_on_with_the_same_numbers(tmp_path):
    path = tmp_path / "checkpoint.npz"
    run.run(solver(), 2, checkpoint_path=path, progress=False)
    resumed, unbroken = solver(), solver()
    result = run.run(resumed, 4, checkpoint_path=path, progress=False)
    expected = run.run(unbroken, 4, progress=False)
    same(resumed, unbroken)
    for ours, theirs in zip(result.history, expected.history, strict=True):
        assert ours.exploitability == theirs.exploitability
    assert exploitability(SMALL, result.best_policy) == pytest.approx(
        result.best.exploitability, abs=1e-12
    )
    with pytest.raises(ValueError, match=r"run of tau=10.*this one has tau=5"):
        run.run(solver(tau=5.0), 4, checkpoint_path=path, progress=False)


def test_states_do_not_change_with_the_solver():
    deep = solver()
    deep.iteration()
    state = deep.state
    copies = {name: array.numpy().copy() for name, array in state.items()}
    deep.iteration()
    for name, array in state.items():
        np.testing.assert_array_equal(array, copies[name], name)
    assert np.any(deep.state["network/0"] != copies["network/0"])


def test_a_loss_that_is_no_number_stops_the_run():
    deep = solver(dqn_learning_rate=1e12, dqn_clip_norm=0.0, dqn_optimizer="sgd")
    with pytest.raises(
        FloatingPointError, match=r"loss is (nan|inf) at update \d+ of iteration 0"
    ):
        deep.iteration()
    assert deep.num_iterations == 0


def test_presets_and_changes():
    assert DeepMirrorDescent(SMALL).config == OURS
    deep = DeepMirrorDescent.make(SMALL, preset="released", tau=5.0, dtype="float32")
    assert deep.config == dataclasses.replace(RELEASED, tau=5.0)
    assert deep.parameters["tau"] == 5.0
    assert deep.parameters["dtype"] == "float32"
    deep.iteration()
    assert deep.state["q"].dtype == np.float32
    options = DeepMirrorDescent.options()
    assert options["preset"] == "ours"
    assert options["dqn_width"] == 128
    assert options["device"] is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preset": "theirs"}, "no preset called 'theirs'"),
        ({"features": "pixels"}, "features='pixels'"),
        ({"dqn_optimizer": "rmsprop"}, "optimizer='rmsprop'"),
        ({"dqn_width": 0}, "width=0"),
        ({"dqn_depth": -1}, "depth=-1"),
        ({"dqn_learning_rate": 0.0}, "learning_rate=0.0"),
        ({"dqn_clip_norm": -1.0}, "clip_norm=-1.0"),
        ({"dqn_batch_size": 0}, "batch_size=0"),
        ({"seed": -1}, "seed=-1"),
        ({"dqn_loss": "mae"}, "loss='mae'"),
        ({"dqn_updates": 0}, "updates=0"),
        ({"dqn_players": 0}, "players=0"),
        ({"dqn_moves_per_update": 0}, "moves_per_update=0"),
        ({"dqn_acting": "softmax"}, "acting='softmax'"),
        ({"dqn_exploration": 1.5}, "exploration=1.5"),
        ({"dqn_replay_capacity": 3}, "replay_capacity=3"),
        ({"dqn_target_every": 0}, "target_every=0"),
        ({"dqn_averaging": 1.0}, "averaging=1.0"),
        ({"tau": 0.0}, "tau=0.0"),
        ({"alpha": 1.1}, "alpha=1.1"),
        ({"smallest_probability": 0.0}, "smallest_probability=0.0"),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        solver(**changes)
