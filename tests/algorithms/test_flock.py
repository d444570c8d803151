"""Fictitious play in continuous space: known games, resuming, and what is estimated."""

import numpy as np
import pytest
import tensorflow as tf

from algorithms import checkpoint, run
from algorithms.deep import config as configs
from algorithms.deep.normalizing_flow import FlowConfig
from algorithms.deep.soft_actor_critic import SACConfig
from algorithms.flock import Flock, FlockConfig

TINY = FlockConfig(
    sac=SACConfig(width=8, updates=15, batch_size=16, players=4),
    flow=FlowConfig(width=8, layers=2, updates=5),
    crowd_size=32,
    simulated=64,
    evaluated=16,
)


def flock(name: str = "flocking_4d(horizon=4)", config: FlockConfig = TINY) -> Flock:
    return Flock(name, config)


def test_a_run_goes_on_from_its_checkpoint(tmp_path):
    """With equal numbers; threads leave a flow's last bit open in plain graphs."""
    config = _with(population="samples")
    path = tmp_path / "checkpoint.npz"
    solver = flock(config=config)
    run.run(solver, 2, checkpoint_path=path, progress=False)
    whole = run.run(solver, 4, progress=False)
    rest = run.run(flock(config=config), 4, checkpoint_path=path, progress=False)
    assert len(rest.history) == 5
    for ours, theirs in zip(rest.history[2:], whole.history, strict=True):
        assert ours.exploitability == theirs.exploitability
    for name, array in whole.state.items():
        np.testing.assert_array_equal(array, rest.state[name], err_msg=name)
    other = flock("linear_quadratic(horizon=4)", config)
    with pytest.raises(ValueError, match="is a checkpoint of"):
        checkpoint.load(path, other)


def test_a_law_goes_on_from_its_checkpoint(tmp_path):
    path = tmp_path / "checkpoint.npz"
    solver = flock()
    run.run(solver, 1, checkpoint_path=path, progress=False)
    again = flock()
    checkpoint.load(path, again)
    for name, array in solver.state.items():
        np.testing.assert_array_equal(array, again.state[name], err_msg=name)
    solver.iteration()
    again.iteration()
    np.testing.assert_allclose(again.crowds.states, solver.crowds.states, atol=1e-4)


def test_the_average_is_a_mixture_of_responses():
    solver = flock(config=_with(population="samples"))
    assert solver.simulate(10).states.shape == (5, 1, 10, 4)
    np.testing.assert_array_equal(solver.simulate(10).actions, 0)
    for _ in range(3):
        solver.iteration()
    np.testing.assert_allclose(solver.member_weights, [1 / 3] * 3, rtol=1e-6)
    episode = solver.simulate(10)
    assert episode.states.shape == (5, 3, 4, 4)
    np.testing.assert_array_equal(episode.states, solver.simulate(10).states)


def _with(**changes):
    return configs.changed(TINY, changes)


def test_a_constant_rate_forgets():
    solver = flock(config=_with(population="samples", lr=0.25))
    for _ in range(3):
        solver.iteration()
    expected = [0.75**2, 0.25 * 0.75, 0.25]
    np.testing.assert_allclose(solver.member_weights, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("accept", "losing"), [("all", [0.75, 0.25]), ("gaining", [1])]
)
def test_responses_that_gain_nothing_may_be_left_out(accept, losing):
    solver = flock(config=_with(population="samples", lr=0.25, accept=accept))

    def gaining(gap):
        """An iteration whose response was seen to gain so much."""
        solver._pending.assign([1.0, gap])
        solver.iteration()
        return solver.member_weights

    np.testing.assert_array_equal(gaining(-1.0), [1])  # instead of nothing at all
    np.testing.assert_array_equal(gaining(-1.0), losing)
    expected = [*(0.75 * np.array(losing)), 0.25]
    np.testing.assert_array_equal(gaining(0.5), expected)
    assert solver.num_iterations == 3


def test_players_are_drawn_by_the_weights_of_their_policies():
    solver = flock(config=_with(population="samples"))
    states = tf.reshape(tf.range(3 * 40.0), (1, 3, 40, 1))
    mixture = solver._mixture
    mixture.variables["weights"].assign([0.5, 0.2, 0.3])
    found = mixture.equally_likely(states, 40, np.random.default_rng(0)).numpy()
    members = found[0, :, 0] // 40
    np.testing.assert_array_equal(np.bincount(members.astype(int)), [20, 8, 12])
    assert len(np.unique(found)) == 40


def test_the_average_as_one_network(tmp_path):
    """It plays instead of the mixture, and goes on from a checkpoint."""
    config = _with(population="samples", average="network", student_updates=20)
    path = tmp_path / "checkpoint.npz"
    solver = flock(config=config)
    run.run(solver, 2, checkpoint_path=path, progress=False)
    whole = run.run(solver, 3, progress=False)
    assert solver._mixture.weights.shape == (3,)
    np.testing.assert_array_equal(solver.member_weights, [1])
    assert solver.simulate(10).states.shape == (5, 1, 10, 4)
    again = run.run(flock(config=config), 3, checkpoint_path=path, progress=False)
    for name, array in whole.state.items():
        np.testing.assert_array_equal(array, again.state[name], err_msg=name)


def test_what_a_response_gains_in_plain_simulation():
    """Against players without policies, one at a time, in the same crowd."""
    solver = flock(
        "linear_quadratic(horizon=4)", _with(evaluated=4000, population="samples")
    )
    gain, error = solver.exploitability, solver.metrics["exploitability_error"]
    game, rng = solver.game, np.random.default_rng(0)
    crowds = solver.crowds
    states = [game.initial(np, rng.random(4000), rng.normal(size=(4000, 1)))] * 2
    earned = np.zeros(2)
    for time in range(5):
        crowd = type(crowds)(crowds.states[time].numpy(), crowds.weights[time].numpy())
        if time == 4:
            ends = [game.terminal_reward(np, each, crowd) for each in states]
            earned += np.mean(ends, axis=1)
            break
        noise = rng.normal(size=(4000, 1))
        chosen = tf.constant(states[0], tf.float32)
        acted = solver._learner.act(tf.constant(time), chosen).numpy()
        for who, actions in enumerate((acted, np.zeros((4000, 1)))):
            earned[who] += game.reward(np, states[who], actions, crowd).mean()
            states[who] = game.step(np, states[who], actions, crowd, noise)
    assert gain == pytest.approx(earned[0] - earned[1], abs=5 * error + 1e-3)
    assert 0 < error < 0.05


@pytest.mark.slow
def test_feedback_of_the_linear_quadratic_game(seed):
    """Within a tenth of the closed form, where the population is."""
    config = FlockConfig(population="samples", seed=seed)
    solver = Flock("linear_quadratic(horizon=30)", config)
    for _ in range(12):
        solver.iteration()
    game, form = solver.game, solver.game.closed_form
    learnt, exact = [], []
    for time in range(game.horizon):
        x = solver.crowds.states[time].numpy()
        physical = time * game.dt
        learnt.append(solver._learner.act(tf.constant(time), x).numpy())
        exact.append(form.action(physical, x, x.mean()))
    error = np.sqrt(np.mean((np.array(learnt) - exact) ** 2))
    assert error < 0.1 * np.sqrt(np.mean(np.square(exact)))


def test_only_games_in_continuous_space():
    with pytest.raises(ValueError, match="no continuous game called 'mfg_flocking'"):
        Flock("mfg_flocking")
    with pytest.raises(ValueError, match="needs a game in continuous space"):
        Flock(3)
    with pytest.raises(ValueError, match="`population` must be one of flow, samples"):
        FlockConfig(population="grid")
    with pytest.raises(ValueError, match="`average` must be one of mixture, network"):
        FlockConfig(average="student")
    with pytest.raises(ValueError, match="`simulated` must be at least 1000"):
        FlockConfig(simulated=999)
