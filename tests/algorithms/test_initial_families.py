"""Sweeps over a family of initial laws against those of each law alone."""

import numpy as np
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest
import toy_dynamics  # noqa: F401  registers the games

from algorithms import pictures
from algorithms.fictitious_play import FictitiousPlay
from algorithms.frozen_world import FrozenWorld
from algorithms.mirror_descent import MirrorDescent
from algorithms.model import load_model
from algorithms.pictures.geometry import layers_of
from algorithms.policy import ArrayPolicy
from algorithms.population_policy import exploitabilities

# All mechanisms at once, and none.
GAMES = [
    "mfg_test_random(seed=2,states=3,horizon=3,populations=2,common_noise=true,"
    "leaning=true,moving=true,restricted=true,terminal=true,discount=0.8,{})",
    "mfg_test_joint(seed=7,states=3,horizon=2,populations=2,common_noise=true,"
    "leaning=true,{})",
    "mfg_beach_bar(size=6,horizon=4,{})",
]


def single(game: str) -> list[str]:
    """Games of one law each, whose laws the family of `several` has."""
    return [game.format(f"initial_laws=points:1:{seed}") for seed in (0, 1, 5)]


def several(game: str) -> str:
    return game.format("initial_laws=points:1:0+points:1:1+points:1:5")


def by_law(array: np.ndarray, game: str) -> np.ndarray:
    """Rows [D, ...] of a family of three as [3, D / 3, ...], each in its own order."""
    d = pyspiel.load_game(game).dynamics
    counts = [
        d.num_histories(t) * d.num_populations * d.num_states for t in range(d.horizon)
    ]
    layers = np.split(array, np.cumsum(counts)[:-1])
    return np.concatenate(
        [layer.reshape(3, -1, *array.shape[1:]) for layer in layers], 1
    )


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("solver", [MirrorDescent, FictitiousPlay])
def test_a_solver_solves_all_laws_at_once(game, solver):
    family = solver(several(game))
    alone = [solver(name) for name in single(game)]
    for _ in range(4):
        for each in (family, *alone):
            each.iteration()
    policies = by_law(family.get_policy().probabilities, several(game))
    masses = by_law(family.flow.mass.numpy(), several(game))
    for ours, mass, theirs in zip(policies, masses, alone, strict=True):
        np.testing.assert_allclose(3 * mass, theirs.flow.mass, atol=1e-12)
        here = theirs.flow.mass.numpy() > 0
        expected = theirs.get_policy().probabilities
        np.testing.assert_allclose(ours[here], expected[here], atol=1e-10)
    expected = [each.exploitability for each in alone]
    assert family.exploitability == pytest.approx(np.mean(expected), abs=1e-12)
    np.testing.assert_allclose(
        exploitabilities(family.get_policy()), expected, atol=1e-12
    )


@pytest.mark.parametrize("game", GAMES)
def test_openspiel_finds_the_mean_exploitability(game):
    solver = MirrorDescent(several(game), lr=0.3)
    solver.iteration()
    theirs = nash_conv.NashConv(solver.game, solver.get_policy()).nash_conv()
    assert solver.exploitability == pytest.approx(theirs, abs=1e-9)


def test_starts_tell_laws_and_populations_apart():
    model = load_model(several(GAMES[0]))
    start = model.start()
    laws = model.game.dynamics.initial_laws
    assert laws.shape == (3, 2, 3)
    expected = np.flatnonzero(laws)
    np.testing.assert_array_equal(start.rows, expected)
    np.testing.assert_array_equal(start.populations, expected // 3 % 2)
    np.testing.assert_allclose(start.probabilities, 1 / 3)


def test_sampled_players_start_from_all_laws():
    model = load_model(several(GAMES[2]))
    flow = model.compiled_distribution(model.uniform_policy())
    world = FrozenWorld(model.game.dynamics, flow)
    players = world.start(30_000, np.random.default_rng(1))
    counts = np.zeros((3, 6))
    np.add.at(counts, (players.history, players.x), 1)
    expected = 10_000 * model.game.dynamics.initial_laws[:, 0]
    assert (np.abs(counts - expected) <= 5 * np.sqrt(expected)).all()


def test_pictures_name_the_laws():
    model = load_model(several(GAMES[2]))
    policy = ArrayPolicy(model, model.uniform_policy())
    flow = model.compiled_distribution(model.as_tensor(policy.probabilities))
    figure = pictures.flow_figure(layers_of(model, flow), model.game.dynamics)
    titles = [axes.get_title() for axes in figure.axes]
    assert [title for title in titles if title] == ["law 0", "law 1", "law 2"]
