"""Potentials that games declare: their gradient is the reward."""

import numpy as np
import pyspiel
import pytest

from mfg_games.settings import SETTINGS, TESTING

SMALL = {name: s for name, s in SETTINGS.items() if TESTING in s.tags}


def dynamics_of(name: str):
    return SMALL[name].load().dynamics


def declared() -> list[str]:
    return [n for n in SMALL if dynamics_of(n).concave_potential is not None]


def test_which_games_declare_a_potential():
    assert {SMALL[name].game for name in declared()} == {
        "mfg_beach_bar",
        "mfg_beach_bar_2d",
        "mfg_building",
        "mfg_concave_utility",
        "mfg_crowd_chain",
        "mfg_exploration",
        "mfg_left_right",
        "mfg_move_forward",
        "mfg_moving_target",
        "mfg_random_garnet",
        "mfg_switching",
        "mfg_two_beach_bars",
    }
    assert "random_garnet_coupled_testing" not in declared()


@pytest.mark.parametrize("name", declared())
def test_the_gradient_of_the_potential_is_the_reward(name):
    d, rng = dynamics_of(name), np.random.default_rng(0)
    shape = (d.num_populations, d.num_states, d.num_actions)
    for t in (0, d.horizon - 1):
        z = d.noise_value(t, d.num_histories(t) - 1)
        law = rng.dirichlet(np.ones(shape[1] * shape[2])).reshape(shape)
        rewards = d.reward(np, t, law if d.joint_law else law.sum(-1), z)
        # Directions are only those in which the mass stays what it is.
        change = rng.dirichlet(np.ones(law.size)).reshape(shape) - law
        step = 1e-5
        ends = [d.potential(t, law + s * step * change, z) for s in (1, -1)]
        slope = np.subtract(*ends) / (2 * step)
        assert slope == pytest.approx(np.sum(rewards * change), rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("name", declared())
def test_concave_potentials_lie_below_their_tangents(name):
    d, rng = dynamics_of(name), np.random.default_rng(1)
    size = d.num_states * d.num_actions
    z = d.noise_value(0, 0)
    above = []
    for _ in range(20):
        here, there = rng.dirichlet(np.full(size, 0.2), 2).reshape(
            2, 1, d.num_states, d.num_actions
        )
        rewards = d.reward(np, 0, here if d.joint_law else here.sum(-1), z)
        tangent = d.potential(0, here, z) + np.sum(rewards * (there - here))
        above.append(tangent - d.potential(0, there, z))
    if d.concave_potential:
        assert min(above) >= -1e-12
    else:
        assert min(above) < -1e-3


@pytest.mark.parametrize(
    ("game", "concave"),
    [
        ("mfg_beach_bar(crowd_aversion=-1.0)", False),
        ("mfg_congestion(congestion=0.0)", True),
        ("mfg_congestion", None),
        ("mfg_rock_paper_scissors", None),
        ("mfg_move_forward", True),
        ("mfg_random_garnet(crowd_aversion=-0.5)", False),
    ],
)
def test_curvature_depends_on_parameters(game, concave):
    d = pyspiel.load_game(game).dynamics
    assert d.concave_potential is concave


def test_games_without_a_potential_say_so():
    d = pyspiel.load_game("mfg_sis").dynamics
    law = np.full((1, 2, 2), 0.25)
    with pytest.raises(NotImplementedError, match="SIS has no potential"):
        d.potential(0, law, None)
