import numpy as np
from numpy_reference import NumpyReference
from open_spiel.python import policy as openspiel_policy
from open_spiel.python import rl_environment
from open_spiel.python.mfg.algorithms.distribution import DistributionPolicy
from open_spiel.python.mfg.algorithms.nash_conv import NashConv
import pyspiel
import pytest
import tensorflow as tf
from toy_dynamics import RANDOM_GAMES

from algorithms.model import load_model
from algorithms.policy import ArrayPolicy, greedy, in_dtype, policy_array
from algorithms.policy_iteration import PolicyIteration
from algorithms.regularisers import softmax

ALL_MECHANISMS = RANDOM_GAMES[2]


def random_policy(model, seed: int = 0) -> ArrayPolicy:
    legal = model.legal_actions.numpy()
    weights = legal * np.random.default_rng(seed).random(legal.shape) ** 2
    return ArrayPolicy(model, weights / weights.sum(axis=1, keepdims=True))


def every_action(rows: int, actions: int) -> tf.Tensor:
    return tf.ones((rows, actions), tf.bool)


def test_softmax():
    logits = tf.math.log(tf.constant([[1.0, 2.0, 5.0], [3.0, 3.0, 6.0]], tf.float64))
    legal = tf.constant([[True, True, True], [True, True, False]])
    np.testing.assert_allclose(
        softmax(logits, legal), [[1 / 8, 2 / 8, 5 / 8], [1 / 2, 1 / 2, 0]], rtol=1e-14
    )


def test_softmax_of_large_numbers():
    logits = tf.constant([[1e5, 1e5 + np.log(3.0), -1e5]], tf.float64)
    found = softmax(logits, every_action(1, 3))
    np.testing.assert_allclose(found, [[0.25, 0.75, 0.0]], rtol=1e-10)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_greedy_takes_the_best_legal_action(dtype):
    q = tf.constant([[1, 3, 2], [1, 3, 2], [-7, -5, -9], [0, -1, -2]], dtype)
    legal = np.array([[1, 1, 1], [1, 0, 1], [1, 0, 1], [0, 1, 1]], bool)
    found = greedy(q, legal)
    assert found.dtype == dtype
    assert tf.argmax(found, axis=1).numpy().tolist() == [1, 2, 0, 1]
    assert found.numpy().sum(axis=1).tolist() == [1, 1, 1, 1]


def test_greedy_breaks_ties_by_the_first_legal_action():
    q = tf.constant([[5, 5, 5], [5, 5, 5], [4, 5, 5], [0, 0, -1]], tf.float64)
    legal = np.array([[1, 1, 1], [0, 1, 1], [1, 1, 1], [0, 1, 1]], bool)
    assert tf.argmax(greedy(q, legal), axis=1).numpy().tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize("constant", [0.0, 1.0, 1e3, 1e9])
@pytest.mark.parametrize("dtype, least", [("float64", 1e-10), ("float32", 1e-5)])
def test_greedy_compares_differences_with_differences(dtype, least, constant):
    unit = np.finfo(dtype).eps * max(constant, 1e-6) / least * 100
    q = constant + unit * np.array([[0.0, 1.0, 1 - least / 9], [0.0, 1 - 9 * least, 1]])
    found = tf.argmax(greedy(tf.constant(q, dtype), every_action(2, 3)), axis=1)
    assert found.numpy().tolist() == [1, 2]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_greedy_takes_differences_by_rounding_for_ties(dtype):
    q = tf.constant([[0.0, 1e-6], [0.0, 1e-4]], dtype)
    found = tf.argmax(greedy(q, every_action(2, 2), 1e-5), axis=1)
    assert found.numpy().tolist() == [0, 1]
    eps = np.finfo(dtype).eps
    q = tf.constant([[1000.0, 1000.0 * (1 + eps)], [1000.0, 1000.0 * (1 + 99 * eps)]])
    found = tf.argmax(greedy(tf.cast(q, dtype), every_action(2, 2)), axis=1)
    assert found.numpy()[0] == 0


def test_play_through_states():
    model = load_model(ALL_MECHANISMS)
    policy = random_policy(model)
    for row, state in zip(policy.probabilities, model.decision_states(), strict=True):
        played = policy.action_probabilities(state)
        assert list(played) == state.legal_actions()
        assert [row[action] for action in played] == list(played.values())


@pytest.mark.parametrize(
    "episodes", [300, pytest.param(10_000, marks=pytest.mark.slow)]
)
def test_play_through_rl_environment_gives_the_exact_value(episodes):
    game = pyspiel.load_game(
        "mfg_beach_bar(size=6,horizon=4,closing_time=2,closing_probability=0.3)"
    )
    policy = random_policy(load_model(game))
    reference = NumpyReference(game.dynamics)
    flow = reference.distribution(policy.probabilities)
    _, (expected,) = reference.action_values(flow, policy.probabilities)
    environment = rl_environment.Environment(
        game, mfg_distribution=DistributionPolicy(game, policy), mfg_population=0
    )
    environment.seed(0)
    rng = np.random.default_rng(0)
    returns = []
    for _ in range(episodes):
        returns.append(0.0)
        step = environment.reset()
        while not step.last():
            law = policy.action_probabilities(environment.get_state)
            step = environment.step([rng.choice(list(law), p=list(law.values()))])
            returns[-1] += step.rewards[0]
    error = np.std(returns) / np.sqrt(len(returns))
    assert abs(np.mean(returns) - expected) < 4 * error
    assert error < 0.5 / np.sqrt(episodes) * abs(expected)


def test_round_trip_through_a_tabular_policy():
    model = load_model(ALL_MECHANISMS)
    policy = random_policy(model)
    found = policy_array(model, policy.to_tabular()).numpy()
    known = model.compiled_distribution(model.uniform_policy()).mass.numpy() > 0
    assert not known.all()  # nobody starts in the last state
    np.testing.assert_array_equal(found[known], policy.probabilities[known])
    np.testing.assert_array_equal(found[~known], model.uniform_policy()[~known])


class Forgetful(openspiel_policy.Policy):
    """Plays action 0, and knows no state but those at t = 0."""

    def __init__(self, game):
        super().__init__(game, [0])

    def action_probabilities(self, state, player_id=None):
        return {"t=0 x=0": {0: 1.0}, "t=0 x=1": {0: 1.0}}[str(state)]


def test_policy_that_does_not_know_where_it_goes_is_refused():
    model = load_model("mfg_test_two_roads")
    with pytest.raises(ValueError, match="reaches t=1 x=0 but does not know it"):
        policy_array(model, Forgetful(model.game))


def test_openspiel_evaluates_array_and_tabular_policies_alike():
    model = load_model("mfg_beach_bar(size=6,horizon=4)")
    policy = random_policy(model)
    exact = NumpyReference(model.game.dynamics).exploitability(policy.probabilities)
    for played in (policy, policy.to_tabular()):
        found = NashConv(model.game, played).nash_conv()
        assert found == pytest.approx(exact, abs=1e-9)


def test_policies_of_openspiel_as_arrays():
    model = load_model(ALL_MECHANISMS)
    uniform = openspiel_policy.UniformRandomPolicy(model.game)
    np.testing.assert_allclose(policy_array(model, uniform), model.uniform_policy())
    first = openspiel_policy.FirstActionPolicy(model.game)
    rows = policy_array(model, first).numpy()
    assert (rows.argmax(axis=1) == model.legal_actions.numpy().argmax(axis=1)).all()


def test_policy_moves_between_precisions():
    double = load_model(ALL_MECHANISMS)
    single = load_model(ALL_MECHANISMS, "float32")
    policy = random_policy(double)
    found = policy_array(single, policy)
    assert found.dtype == tf.float32
    np.testing.assert_array_equal(found, policy.probabilities.astype(np.float32))


def test_policy_of_another_game_is_refused():
    model = load_model("mfg_beach_bar(size=6,horizon=4)")
    other = random_policy(load_model("mfg_beach_bar(size=6,horizon=5)"))
    with pytest.raises(ValueError, match=r"made for `mfg_beach_bar\(.*horizon=5"):
        policy_array(model, other)


class Constant(openspiel_policy.Policy):
    """The same probabilities everywhere."""

    def __init__(self, game, probabilities):
        super().__init__(game, [0])
        self._probabilities = probabilities

    def action_probabilities(self, state, player_id=None):
        return self._probabilities


@pytest.mark.parametrize(
    "probabilities",
    [{0: 0.5}, {0: 1.5, 1: -0.5}, {0: 0.7, 1: 0.7}, {0: float("nan"), 1: 1.0}],
)
def test_rows_that_are_no_distribution_are_refused(probabilities):
    model = load_model("mfg_test_two_roads")
    with pytest.raises(ValueError, match="no distribution at t=0 x=0"):
        policy_array(model, Constant(model.game, probabilities))


def test_illegal_actions_are_refused():
    model = load_model(RANDOM_GAMES[3])
    with pytest.raises(ValueError, match="no distribution at"):
        policy_array(model, Constant(model.game, {0: 0.4, 1: 0.3, 2: 0.3}))


def test_rows_of_networks_sum_to_one_in_double_precision():
    rng = np.random.default_rng(0)
    logits = tf.constant(rng.normal(size=(1000, 7)), tf.float32)
    single = tf.nn.softmax(logits)
    as_they_are = tf.cast(single, tf.float64).numpy()
    assert abs(as_they_are.sum(-1) - 1).max() > 1e-9
    rows = in_dtype(single, tf.float64).numpy()
    assert abs(rows.sum(-1) - 1).max() < 1e-15
    np.testing.assert_allclose(rows, as_they_are, rtol=1e-6)


def test_nodes_met_since_a_policy_was_made_are_played_uniformly():
    game = "python_mfg_dynamic_routing(max_num_time_step=8,time_step_length=0.5)"
    solver = PolicyIteration(game)
    for _ in range(2):
        solver.iteration()
    policy = solver.get_policy()
    found = solver.exploitability  # discovers nodes
    assert solver.model.num_nodes > len(policy.probabilities)
    assert NashConv(solver.game, policy).nash_conv() == pytest.approx(found, abs=1e-9)
