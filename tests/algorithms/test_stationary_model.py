"""Stationary models against enumeration, closed forms and long games."""

import dense_stationary
import numpy as np
from numpy_reference import NumpyReference
import pyspiel
import pytest
import toy_dynamics  # noqa: F401 (registers)

from algorithms import stationary
from algorithms.stationary.model import StationaryModel
from mfg_games.crowd_chain import CrowdChain
from mfg_games.dynamics import Dynamics
from mfg_games.registration import register

_RANDOM = "states=4,actions=3,populations=2"
GAMES = (
    f"mfg_test_random(seed=1,{_RANDOM})",
    f"mfg_test_random(seed=5,factored=true,restricted=true,{_RANDOM})",
    f"mfg_test_random(seed=3,leaning=true,action_rewards=false,{_RANDOM})",
    f"mfg_test_joint(seed=4,leaning=true,restricted=true,{_RANDOM})",
)


def random_policy(model, seed=0):
    rng = np.random.default_rng(seed)
    policy = rng.random(model.uniform_policy().shape) * model.legal
    return policy / policy.sum(axis=-1, keepdims=True)


def options(criterion):
    return {"criterion": criterion, "discount": None if criterion == "ergodic" else 0.9}


@pytest.mark.parametrize("criterion", stationary.CRITERIA)
@pytest.mark.parametrize("game", GAMES)
def test_equals_enumeration(game, criterion):
    solving, iterating = (
        StationaryModel(game, method=method, time=1, **options(criterion))
        for method in stationary.METHODS
    )
    dense = dense_stationary.DenseGame(solving)
    policy = random_policy(solving)
    law, expected = dense.law(policy), dense.exploitability(policy)
    assert expected > 0.01
    for model in (solving, iterating):
        np.testing.assert_allclose(model.law(policy), law, rtol=0, atol=1e-10)
        assert model.exploitability(policy) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("criterion", stationary.CRITERIA)
def test_best_response_earns_the_best_value(criterion):
    model = StationaryModel(GAMES[1], time=1, **options(criterion))
    dense = dense_stationary.DenseGame(model)
    result = model.evaluate(random_policy(model))
    rewards, kernels = dense.step(result.law, result.policy)
    for n, response in enumerate(result.best_response):
        kernel = np.einsum("xa,xay->xy", response, kernels[n])
        worth = dense.worth((response * rewards[n]).sum(axis=1), kernel)
        earned = model.start(result.law)[n] @ worth
        assert earned == pytest.approx(result.best_value[n], abs=1e-9)


@pytest.mark.parametrize("criterion", stationary.CRITERIA)
def test_value_is_what_the_law_says(criterion):
    """The law has summed up where the player will be."""
    model = StationaryModel(GAMES[0], time=1, **options(criterion))
    policy = random_policy(model)
    result = model.evaluate(policy)
    rewards, _ = dense_stationary.DenseGame(model).step(result.law, policy)
    mean = (result.law[..., None] * policy * rewards).sum(axis=(1, 2))
    lifetime = 1 if criterion == "ergodic" else 10
    np.testing.assert_allclose(result.value, lifetime * mean, rtol=1e-9)


def test_a_long_game_that_starts_from_the_law_is_the_stationary_one():
    d = CrowdChain(num_states=4, horizon=300, discount=0.9, crowd_cost=5.0)
    model = StationaryModel("mfg_crowd_chain(num_states=4,discount=0.9,crowd_cost=5.0)")
    policy = random_policy(model)
    d.initial_distribution = model.law(policy)
    expected = NumpyReference(d).exploitability(np.tile(policy[0], (300, 1)))
    assert model.exploitability(policy) == pytest.approx(expected, abs=1e-9)


def test_discounted_exploitability_tends_to_the_ergodic_one():
    game = "mfg_crowd_chain(num_states=5,crowd_cost=5.0)"
    policy = random_policy(StationaryModel(game))
    ergodic = StationaryModel(game, "ergodic").exploitability(policy)
    for discount, error in ((0.999, 2e-2), (0.99999, 2e-4)):
        discounted = StationaryModel(game, discount=discount).exploitability(policy)
        scaled = (1 - discount) * discounted
        assert scaled == pytest.approx(ergodic, rel=error)


@pytest.mark.parametrize("method", stationary.METHODS)
def test_an_epidemic_rests_where_as_many_recover_as_fall_ill(method):
    model = StationaryModel(
        "mfg_sis(infection=0.8,recovery=0.3)", 0.9 and "ergodic", method=method
    )
    out, distance = np.tile([1.0, 0.0], (1, 2, 1)), np.tile([0.0, 1.0], (1, 2, 1))
    np.testing.assert_allclose(model.law(out), [[0.375, 0.625]], atol=1e-10)
    np.testing.assert_allclose(model.law(distance), [[1.0, 0.0]], atol=1e-10)
    # Distance for 0.5 a step avoids an infection that costs 0.5 / 0.8 of the steps:
    # going out is the better of the two, thus an equilibrium.
    result = model.evaluate(out)
    assert result.value == pytest.approx(-0.625)


@pytest.mark.parametrize("share", [0.2, 2 / 3, 0.9])
@pytest.mark.parametrize("criterion", stationary.CRITERIA)
def test_left_or_right_by_hand(criterion, share):
    model = StationaryModel("mfg_left_right(horizon=3)", **options(criterion))
    policy = np.tile([share, 1 - share], (1, 3, 1))
    crowd = 0.9 if criterion == "occupancy" else 1.0  # the rest stands at the start
    rewards = -crowd * np.array([share, 2 * (1 - share)])
    lifetime = {"ergodic": 1, "discounted": 9, "occupancy": 9}[criterion]
    gain = lifetime * (rewards.max() - rewards @ [share, 1 - share])
    law = [1 - crowd, crowd * share, crowd * (1 - share)]
    np.testing.assert_allclose(model.law(policy), [law], atol=1e-12)
    assert model.exploitability(policy) == pytest.approx(gain, abs=1e-10)


@pytest.mark.parametrize("method", stationary.METHODS)
def test_of_many_laws_the_one_that_the_start_leads_to(method):
    """Nobody switches: every law is stationary."""
    model = StationaryModel("mfg_switching(discount=0.9)", method=method)
    stay = np.tile([1.0, 0.0], (1, 2, 1))
    np.testing.assert_allclose(model.law(stay), [[0.5, 0.5]], atol=1e-10)
    assert model.exploitability(stay) == pytest.approx(0.0, abs=1e-10)


@pytest.mark.parametrize("method", stationary.METHODS)
def test_a_crowd_that_goes_round_has_its_average_as_law(method):
    """All walk right round a wall, from one cell on: no law of theirs ever rests."""
    ring = "mfg_exploration(layout=...|.#.|...,noise=0.0,discount=0.9)"
    model = StationaryModel(
        ring.replace(",discount=0.9", ""), discount=0.9, method=method
    )
    up, left, _, right, down = range(5)
    clockwise = [right, right, down, up, down, up, left, left]
    policy = np.eye(5)[clockwise][None]
    np.testing.assert_allclose(model.law(policy), np.full((1, 8), 0.125), atol=1e-9)


def test_rooms_without_a_door():
    """The best average depends on the room; sweeps cannot know, and say so."""
    game = "mfg_exploration(layout=..#...,start=0|0;0|3,noise=0.0)"
    model = StationaryModel(game, "ergodic")
    policy = model.uniform_policy()
    expected = dense_stationary.DenseGame(model).exploitability(policy)
    np.testing.assert_allclose(model.law(policy)[0, :2].sum(), 0.5)
    assert model.exploitability(policy) == pytest.approx(expected, abs=1e-9)


def test_sweeps_of_an_average_that_depends_on_the_start_end_in_an_error():
    game = "mfg_exploration(layout=..#...,start=0|0;0|3,noise=0.0)"
    model = StationaryModel(game, "ergodic", method="iterate")
    with pytest.raises(RuntimeError, match="depends on the start"):
        _ = model.exploitability(model.uniform_policy())


@register("mfg_test_overshooting")
class Overshooting(Dynamics):
    """Everybody goes where nearly nobody is."""

    def __init__(self):
        self.horizon = 1
        self.num_actions = 1
        self.state_shape = (2,)
        self.initial_distribution = np.array([[0.1, 0.9]])
        self.reward_range = (0.0, 0.0)
        self._successors = np.broadcast_to(np.arange(2, dtype=np.int32), (2, 1, 2))

    def transition(self, xp, t, mu, z):
        share = 1 / (1 + xp.exp(60 * (mu[:, :1, None, None] - 0.4)))
        law = xp.concatenate([share, 1 - share], axis=-1)
        return self._successors, xp.broadcast_to(law, (1, 2, 1, 2))

    def reward(self, xp, t, mu, z):
        return 0.0 * mu[..., None]


def test_a_crowd_that_never_rests_ends_in_an_error(monkeypatch):
    model = StationaryModel("mfg_test_overshooting", discount=0.9)
    with pytest.raises(RuntimeError, match="never rests"):
        model.law(model.uniform_policy())


def test_games_of_time_need_to_be_told_which():
    with pytest.raises(ValueError, match="depend on the time: t=0 and t=1 differ"):
        StationaryModel("mfg_treasure_hunting", discount=0.9)
    StationaryModel("mfg_treasure_hunting", discount=0.9, time=1)


@pytest.mark.parametrize(
    ("game", "changes", "message"),
    [
        ("mfg_sis", {"criterion": "best"}, "criterion='best'"),
        ("mfg_sis", {"method": "guess"}, "method='guess'"),
        ("mfg_sis", {}, r"`discount` must be above 0 and below 1.*discount=1\.0"),
        ("mfg_sis", {"discount": 0.0}, r"discount=0\.0"),
        ("mfg_sis", {"criterion": "ergodic", "discount": 0.9}, r"discount=0\.9"),
        ("mfg_sis", {"discount": 0.9, "time": 50}, "time=50"),
        ("mfg_moving_target(size=3,horizon=7)", {"discount": 0.9}, "no common noise"),
        ("mfg_crowd_modelling", {"discount": 0.9}, "not a game of `mfg_games`"),
    ],
)
def test_errors_name_what_is_wrong(game, changes, message):
    with pytest.raises(ValueError, match=message):
        StationaryModel(pyspiel.load_game(game), **changes)


def test_policies_are_checked():
    model = StationaryModel("mfg_exploration(layout=empty_1x3)", discount=0.9)
    with pytest.raises(ValueError, match="must be \\(1, 3, 5\\)"):
        model.evaluate(np.ones((3, 5)) / 5)
    with pytest.raises(ValueError, match="no law over the legal actions of state 0"):
        model.evaluate(np.full((1, 3, 5), 0.2))
