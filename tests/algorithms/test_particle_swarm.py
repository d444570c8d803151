"""Particle swarms over policies."""

import numpy as np
import pytest

from algorithms.checkpoint import load, save
from algorithms.exploitability import exploitability
from algorithms.history import Record
from algorithms.particle_swarm import ParticleSwarm
from algorithms.policy import ArrayPolicy

ROADS = "mfg_test_two_roads"
RICH = (
    "mfg_test_random(seed=3,states=3,populations=2,horizon=3,restricted=true,"
    "leaning=true,common_noise=true,terminal=true,discount=0.8)"
)


def softmax(logits: np.ndarray, legal: np.ndarray) -> np.ndarray:
    weights = np.where(legal, np.exp(logits), 0)
    return weights / weights.sum(axis=-1, keepdims=True)


def plain_swarm(solver, iterations: int) -> list[np.ndarray]:
    """The best logits after each iteration, in plain loops over the particles."""
    model, options = solver.model, solver.parameters
    legal = model.legal_actions.numpy()
    shape = (options["particles"], *legal.shape)
    x = options["spread"] * np.random.default_rng([options["seed"], 0]).normal(
        size=shape
    )
    x[0] = 0
    v = np.zeros(shape)
    own, values, found = x.copy(), np.full(len(x), np.inf), []
    for k in range(iterations):
        for i, logits in enumerate(x):
            policy = ArrayPolicy(model, softmax(logits, legal))
            value = exploitability(model.game, policy)
            if value < values[i]:
                own[i], values[i] = logits, value
        best = own[np.argmin(values)]
        found.append(best.copy())
        draws = np.random.default_rng([options["seed"], k + 1]).random((2, *shape))
        for i in range(len(x)):
            v[i] = (
                options["inertia"] * v[i]
                + options["cognitive"] * draws[0, i] * (own[i] - x[i])
                + options["social"] * draws[1, i] * (best - x[i])
            )
            x[i] = x[i] + v[i]
    return found


@pytest.mark.parametrize("game", [ROADS, pytest.param(RICH, marks=pytest.mark.slow)])
def test_swarm_equals_plain_loops(game):
    solver = ParticleSwarm(game, particles=5, cognitive=1.2, social=1.7, seed=3)
    legal = solver.model.legal_actions.numpy()
    for expected in plain_swarm(solver, 4):
        solver.iteration()
        found = solver.get_policy().probabilities
        np.testing.assert_allclose(found, softmax(expected, legal), atol=1e-9)


@pytest.mark.xla
def test_finds_the_equilibrium_of_two_roads_and_never_gets_worse(
    exploitabilities, seed
):
    found = exploitabilities(ParticleSwarm(ROADS, particles=10, seed=seed), 40)
    assert np.diff(found).max() <= 0
    assert found[-1] < 2e-3  # 3e-4 at most for 20 seeds, from 0.25


def test_uniform_policy_is_among_the_first_particles(exploitabilities):
    # It is the equilibrium here, which no other particle would be.
    game = "mfg_left_right"
    start, after = exploitabilities(ParticleSwarm(game, particles=1), 1)
    assert after == start


@pytest.mark.slow
def test_equal_seeds_give_equal_swarms_and_others_do_not():
    policies = []
    for seed in (1, 1, 2):
        solver = ParticleSwarm(ROADS, particles=4, seed=seed)
        for _ in range(3):
            solver.iteration()
        policies.append(solver.get_policy().probabilities)
    np.testing.assert_array_equal(policies[0], policies[1])
    assert abs(policies[0] - policies[2]).max() > 1e-3


def test_goes_on_from_a_checkpoint(tmp_path):
    solvers = [ParticleSwarm(ROADS, particles=4) for _ in range(2)]
    for _ in range(3):
        solvers[0].iteration()
    save(tmp_path / "c.npz", solvers[0], solvers[0].state, [Record(0, 1.0, 0.0)])
    load(tmp_path / "c.npz", solvers[1])
    for solver in solvers:
        for _ in range(3):
            solver.iteration()
    policies = [solver.get_policy().probabilities for solver in solvers]
    np.testing.assert_array_equal(*policies)


def test_openspiels_games(exploitabilities, seed):
    game = "mfg_crowd_modelling(size=4,horizon=2)"
    found = exploitabilities(ParticleSwarm(game, particles=6, seed=seed), 8)
    assert found[-1] < found[0]


@pytest.mark.slow
@pytest.mark.xla
def test_fails_in_many_dimensions(exploitabilities, seed):
    # Forty places and ten times: 1,200 logits, of which few matter at a time.
    game = "mfg_beach_bar(size=40,horizon=10)"
    found = exploitabilities(ParticleSwarm(game, particles=20, seed=seed), 30)
    assert found[-1] > found[0] / 2


def test_nodes_that_depend_on_the_crowd_are_refused():
    game = "python_mfg_dynamic_routing(max_num_time_step=4,time_step_length=0.5)"
    with pytest.raises(ValueError, match="`game` must have nodes that do not depend"):
        ParticleSwarm(game)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"particles": 0}, "`particles` must be at least 1"),
        ({"inertia": 1.0}, r"`inertia` must be in \[0, 1\)"),
        ({"social": -1.0}, "`social` must be at least 0"),
        ({"cognitive": -1.0}, "`cognitive` must be at least 0"),
        ({"spread": 0.0}, "`spread` must be above 0"),
        ({"seed": -1}, "`seed` must be at least 0"),
    ],
)
def test_wrong_parameters_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ParticleSwarm(ROADS, **arguments)
