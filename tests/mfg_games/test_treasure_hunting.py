"""Conservative treasure hunting against numbers worked out by hand."""

import math

import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from mfg_games.nodes import Node
from mfg_games.treasure_hunting import TreasureHunting

UNIFORM = np.full((1, 3, 3), 1 / 9)
TOGETHER = np.zeros((1, 3, 3))
TOGETHER[0, 1, 1] = 1.0  # everybody digs on in place 1


@pytest.mark.parametrize("law", [UNIFORM, TOGETHER])
def test_first_step_goes_where_it_wants_and_pays_nothing(law, kernel):
    d = TreasureHunting()
    np.testing.assert_array_equal(kernel(d, 0, law, None)[0], [np.eye(3)] * 3)
    assert not d.reward(np, 0, law, None).any()


def test_uniform_law_by_hand(kernel):
    """d = 1/9 - 2/9 + 1 = 8/9 everywhere."""
    d = TreasureHunting(treasure=2.0)
    expected = np.full((3, 3), 8 / 33) + np.eye(3) * 9 / 33
    np.testing.assert_allclose(kernel(d, 1, UNIFORM, None)[0], [expected] * 3)
    reward = d.reward(np, 1, UNIFORM, None)[0]
    np.testing.assert_allclose(reward, 2 * 5 / 9 * np.eye(3))


def test_law_in_one_place_by_hand(kernel):
    """d = 0 where all dig on, 2 elsewhere."""
    d = TreasureHunting(conservatism=0.5)
    found = kernel(d, 2, TOGETHER, None)[0]
    np.testing.assert_allclose(found[1], np.eye(3))
    np.testing.assert_allclose(found[0], (1 + np.eye(3)) / 4)
    np.testing.assert_allclose(found[2], found[0])
    reward = d.reward(np, 2, TOGETHER, None)[0]
    np.testing.assert_allclose(reward, np.diag([0.0, 1.0, 0.0]), atol=1e-15)


def test_the_order_of_state_and_action_matters():
    """L(0, 1) = 1: nobody digs on, so d = 2 everywhere; d would be 0 for L(0, 0)."""
    law = np.zeros((1, 2, 2))
    law[0, 0, 1] = 1.0
    d = TreasureHunting(num_states=2)
    np.testing.assert_allclose(d.reward(np, 1, law, None), 0.0, atol=1e-15)


def test_uniform_play_by_hand(sweep):
    """Uniform play keeps the law uniform: digging on pays 5/9 wherever one is."""
    result = sweep(TreasureHunting(horizon=6))
    np.testing.assert_allclose(result.flow[5, 0], 1 / 3)
    np.testing.assert_allclose(result.values, 5 * 5 / 27)
    np.testing.assert_allclose(result.best, 5 * 5 / 9)
    assert result.nash_conv() == pytest.approx(50 / 27)


def test_digging_together_is_an_equilibrium(sweep):
    """Nobody can have more than the treasure at every step but the first."""
    place = np.tile(np.eye(3)[2], (1, 3, 1))
    result = sweep(TreasureHunting(horizon=5, treasure=1.5), lambda t, history: place)
    np.testing.assert_allclose(result.values, 4 * 1.5)
    assert result.nash_conv() == pytest.approx(0.0, abs=1e-12)


def test_without_conservatism_plans_hold(kernel):
    d = TreasureHunting(conservatism=0.0)
    np.testing.assert_array_equal(kernel(d, 3, UNIFORM, None)[0], [np.eye(3)] * 3)


def test_endless_conservatism_leaves_nothing_to_plan(kernel):
    d = TreasureHunting(conservatism=1e12)
    np.testing.assert_allclose(kernel(d, 3, UNIFORM, None), 1 / 3)


class Lopsided(policy.Policy):
    """The policy of these probabilities [S, A], whatever the time."""

    def __init__(self, game, probabilities):
        super().__init__(game, [0])
        self._probabilities = probabilities

    def action_probabilities(self, state, player_id=None):
        if state.node != Node.DECISION:
            return {0: 1.0}
        return dict(enumerate(self._probabilities[state.x]))


def test_upstream_nash_conv(sweep):
    game = pyspiel.load_game("mfg_treasure_hunting(horizon=3,conservatism=0.3)")
    law = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.2, 0.2, 0.6]])
    upstream = nash_conv.NashConv(game, Lopsided(game, law)).nash_conv()
    found = sweep(game.dynamics, lambda t, history: law[None]).nash_conv()
    assert found == pytest.approx(upstream, abs=1e-9)


def test_same_numbers_in_numpy_and_compiled():
    d = TreasureHunting()
    law = np.random.default_rng(1).dirichlet(np.ones(9)).reshape(1, 3, 3)

    @tf.function(jit_compile=True)
    def compiled(t, law):
        return d.transition(tnp, t, law, None)[1], d.reward(tnp, t, law, None)

    for t in (0, 1, 5):
        probabilities, reward = compiled(tf.constant(t), tf.constant(law))
        assert probabilities.dtype == reward.dtype == tf.float64
        np.testing.assert_allclose(probabilities, d.transition(np, t, law, None)[1])
        np.testing.assert_allclose(reward, d.reward(np, t, law, None))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_states": 0}, "num_states=0"),
        ({"horizon": 0}, "horizon=0"),
        ({"treasure": math.inf}, "treasure=inf"),
        ({"conservatism": -0.5}, r"conservatism=-0\.5"),
        ({"conservatism": math.nan}, "conservatism=nan"),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        TreasureHunting(**changes)
