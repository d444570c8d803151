"""What newcomers gain in a flock, against the closed form of a known game."""

import numpy as np
import pytest

from algorithms.deep.soft_actor_critic import SACConfig
from algorithms.flock import Flock, FlockConfig
from algorithms.newcomer import newcomer_gain
from mfg_games.continuous import Crowd

LEARNER = SACConfig(width=16, updates=400, batch_size=64)


def idle(crowd_size: int = 50) -> Flock:
    """A flock that has not learnt anything."""
    config = FlockConfig(
        sac=LEARNER, population="samples", crowd_size=crowd_size, simulated=2000
    )
    return Flock("linear_quadratic(horizon=4)", config)


GRID = np.linspace(-6, 6, 1201)
NODES, SHARES = np.polynomial.hermite_e.hermegauss(9)


def worth(game, crowd: Crowd, values: np.ndarray, action: float) -> np.ndarray:
    """Of an action now and such values in the next step, on the grid."""
    acted = np.full((len(GRID), 1), action)
    paid = game.reward(np, GRID[:, None], acted, crowd)
    heads = game.drift(np, GRID[:, None], acted, crowd)
    for share, normal in zip(SHARES / SHARES.sum(), NODES, strict=True):
        ahead = game.land(np, heads, np.full_like(heads, normal))[:, 0]
        paid = paid + share * np.interp(ahead, GRID, values)
    return paid


def best_gain(flock: Flock) -> float:
    """Of the best response over who does not act, by backward induction on a grid."""
    game = flock.game
    crowds = [
        Crowd(states.astype(float), weights.astype(float))
        for states, weights in zip(
            *(each.numpy() for each in flock.crowds), strict=True
        )
    ]
    best = idle_value = game.terminal_reward(np, GRID[:, None], crowds[-1])
    choices = np.linspace(-game.largest_action, game.largest_action, 101)
    for crowd in crowds[-2::-1]:
        best = np.max([worth(game, crowd, best, action) for action in choices], axis=0)
        idle_value = worth(game, crowd, idle_value, 0.0)
    rng = np.random.default_rng(0)
    start = game.initial(np, rng.random(20_000), rng.normal(size=(20_000, 1)))[:, 0]
    return float(np.interp(start, GRID, best - idle_value).mean())


def test_a_newcomer_gains_nearly_what_the_best_response_does(seed):
    flock = idle()
    found = newcomer_gain(flock, LEARNER, seed=seed)
    low, high = found.interval
    assert 0 < found.gain - low == pytest.approx(high - found.gain)
    exact = best_gain(flock)
    assert 0.8 * exact < found.gain < exact + 2 * found.half_width


def test_the_same_seed_gives_the_same_newcomer():
    flock = idle()
    sac = SACConfig(width=8, updates=5)
    first = newcomer_gain(flock, sac, 50, confidence=0.95)
    wider = newcomer_gain(flock, sac, 50, confidence=0.99)
    assert wider.gain == first.gain
    assert wider.half_width == pytest.approx(first.half_width * 2.5758 / 1.96, rel=1e-4)


def test_bad_arguments():
    flock = idle()
    with pytest.raises(ValueError, match="`players` must be at least 2"):
        newcomer_gain(flock, players=1)
    with pytest.raises(ValueError, match="`confidence` must be above 0 and below 1"):
        newcomer_gain(flock, confidence=1.0)
