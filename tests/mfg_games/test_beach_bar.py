"""The beach bar against hand-computed numbers and reference values."""

import math

import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest

from mfg_games.beach_bar import BeachBar


def closing_bar():
    return BeachBar(size=4, horizon=3, closing_time=1, closing_probability=0.25)


def test_rewards_by_hand():
    """Bar at 2: places are worth 0, 1/2, 1, 1/2; a step costs 1/4."""
    d = BeachBar(size=4, horizon=1)
    mu = np.array([[0.1, 0.2, 0.3, 0.4]])
    place = np.array([0.0, 0.5, 1.0, 0.5]) - np.log(mu[0])
    expected = np.stack([place - 0.25, place, place - 0.25], axis=-1)
    np.testing.assert_allclose(d.reward(np, 0, mu, None), [expected], rtol=1e-12)


def test_odd_beach_and_stronger_aversion_by_hand():
    """Bar at 5 // 2 = 2: places are worth 0, 1/2, 1, 1/2, 0."""
    d = BeachBar(size=5, horizon=1, crowd_aversion=3.0)
    stay = d.reward(np, 0, np.full((1, 5), 0.2), None)[0, :, 1]
    np.testing.assert_allclose(stay, [0, 0.5, 1, 0.5, 0] + 3 * np.log(5), rtol=1e-12)


def test_empty_place_has_a_finite_reward():
    d = BeachBar(size=2, horizon=1)
    reward = d.reward(np, 0, np.array([[1.0, 0.0]]), None)
    assert reward[0, 1, 1] == pytest.approx(1 + 25 * math.log(10))
    assert d.reward_range[1] >= reward.max()


def test_transition_by_hand(kernel):
    d = BeachBar(size=4, horizon=1, stay_probability=0.5)
    rows = kernel(d, 0, d.initial_distribution, None)[0]
    np.testing.assert_allclose(rows[0, 0], [0.25, 0, 0.25, 0.5])  # to 3, then noise
    np.testing.assert_allclose(rows[1, 1], [0.25, 0.5, 0.25, 0])
    np.testing.assert_allclose(rows[3, 2], [0.5, 0.25, 0, 0.25])  # to 0, then noise


def test_starts_uniform():
    np.testing.assert_allclose(BeachBar(size=4).initial_distribution, [[0.25] * 4])


def test_closing_is_drawn_once_on_the_way_to_its_time():
    noise = BeachBar(size=4, horizon=4, closing_time=2).common_noise
    assert [p.tolist() for p in noise.outcome_probabilities] == [
        [1.0],
        [0.5, 0.5],
        [1.0],
        [1.0],
    ]
    assert [v.tolist() for v in noise.values] == [[1], [1], [1, 0], [1, 0], [1, 0]]


def test_history_probabilities():
    d = closing_bar()
    assert [d.history_probabilities(t).tolist() for t in range(4)] == [
        [1.0],
        [0.75, 0.25],
        [0.75, 0.25],
        [0.75, 0.25],
    ]


@pytest.mark.parametrize(("closed", "place"), [(0, 1.0), (1, 0.0)])
def test_rewards_on_each_branch_in_openspiel(closed, place):
    """Once closed, the place is worth nothing; the step and the crowd still count."""
    game = pyspiel.load_game(
        "mfg_beach_bar(size=4,horizon=3,closing_time=1,closing_probability=0.25)"
    )
    state = game.new_initial_state()
    state.apply_action(1)  # x = 1
    state.apply_action(2)  # a = +1
    assert state.rewards() == pytest.approx([0.5 - 0.25 + math.log(4)])
    state.apply_action(0)
    assert sum(p for outcome, p in state.chance_outcomes() if outcome >= 3) == 0.25
    state.apply_action(3 * closed + 1)  # no individual noise: x = 2
    weight = 0.25 if closed else 0.75
    state.update_distribution([weight * p for p in (0.1, 0.2, 0.3, 0.4)])
    state.apply_action(1)
    assert state.rewards() == pytest.approx([place - math.log(0.3)])
    assert f"noise={closed}" in str(state)


@pytest.mark.parametrize(
    "parameters", ["closing_time=-1", "closing_time=2,closing_probability=0.3"]
)
def test_upstream_nash_conv(sweep, parameters):
    game = pyspiel.load_game(f"mfg_beach_bar(size=6,horizon=4,{parameters})")
    upstream = nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
    assert sweep(game.dynamics).nash_conv() == pytest.approx(upstream, abs=1e-9)


@pytest.mark.parametrize(("closing_time", "expected"), [(-1, 1.823), (7, 1.125)])
def test_papers_game_has_its_exploitability(sweep, closing_time, expected):
    """Values of an independent implementation, given to three decimals."""
    d = BeachBar(closing_time=closing_time)
    assert sweep(d).nash_conv() == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 1}, "size=1"),
        ({"horizon": 0}, "horizon=0"),
        ({"stay_probability": 1.5}, r"stay_probability=1\.5"),
        ({"stay_probability": math.nan}, "stay_probability=nan"),
        ({"crowd_aversion": math.inf}, "crowd_aversion=inf"),
        ({"closing_time": 0}, "closing_time=0"),
        ({"closing_time": 15}, "horizon=15.*closing_time=15"),
        ({"closing_time": -2}, "closing_time=-2"),
        ({"closing_time": 7, "closing_probability": 1.0}, r"closing_probability=1\.0"),
        ({"closing_probability": 0.0}, r"closing_probability=0\.0"),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        BeachBar(**changes)
