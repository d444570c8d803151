"""The linear-quadratic game in continuous space against its face on a grid."""

import numpy as np
import pytest

from mfg_games.continuous import Crowd
from mfg_games.continuous_linear_quadratic import LinearQuadraticModel
from mfg_games.linear_quadratic import LinearQuadratic

RNG = np.random.default_rng(2)


def test_steps_and_rewards_by_hand():
    game = LinearQuadraticModel(
        dt=0.5,
        mean_reversion=2.0,
        volatility=3.0,
        cross_term=0.4,
        kappa=0.6,
        terminal_cost=5.0,
    )
    crowd = Crowd(np.array([[1.0], [4.0]]), np.array([0.25, 0.75]))  # mean 3.25
    states, actions, normals = (np.array([[value]]) for value in (1.25, -0.7, 0.2))
    after = game.step(np, states, actions, crowd, normals)
    expected = 1.25 + (2.0 * 2.0 - 0.7) * 0.5 + 3.0 * np.sqrt(0.5) * 0.2
    np.testing.assert_allclose(after, [[expected]])
    paid = game.reward(np, states, actions, crowd)
    expected = 0.5 * (-(0.7**2) / 2 - 0.4 * 0.7 * 2 - 0.6 * 4 / 2)
    np.testing.assert_allclose(paid, [expected])
    np.testing.assert_allclose(game.terminal_reward(np, states, crowd), [-5.0 * 2])


def test_rewards_are_those_of_the_grid():
    grid = LinearQuadratic(half_width=3, max_action=2, dt=0.3, modes="0 0")
    game = LinearQuadraticModel(dt=0.3)
    mu = RNG.dirichlet(np.ones(7))[None]
    places = np.arange(-3.0, 4.0)
    paid = np.broadcast_to(grid.reward(np, 0, mu, None), (1, 7, 5))
    for action in range(5):
        chosen = np.full((7, 1), action - 2.0)
        crowd = Crowd(places[:, None], mu[0])
        ours = game.reward(np, places[:, None], chosen, crowd)
        np.testing.assert_allclose(ours, paid[0, :, action], atol=1e-12)


def test_the_closed_form_keeps_its_own_law():
    """Players who act by it have its mean and variance, but for the step's length."""
    game = LinearQuadraticModel(horizon=300, dt=0.01, initial_mean=1.0, initial_std=2.0)
    form = game.closed_form
    states = game.initial(np, RNG.random(20_000), RNG.normal(size=(20_000, 1)))
    for step in range(game.horizon):
        time = step * game.dt
        crowd = Crowd.of_samples(np, states)
        actions = form.action(time, states, states.mean())
        states = game.step(np, states, actions, crowd, RNG.normal(size=states.shape))
    assert states.mean() == pytest.approx(1.0, abs=0.03)
    assert states.var() == pytest.approx(form.variance(3.0), rel=0.03)


@pytest.mark.parametrize(
    "name, value",
    [("horizon", 0), ("dt", 0.0), ("kappa", 0.0), ("largest_action", -1.0)],
)
def test_bad_parameters_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        LinearQuadraticModel(**{name: value})
