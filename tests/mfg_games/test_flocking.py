"""Flocking in continuous space against loops, and its face on a grid against it."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from mfg_games.continuous import Crowd
from mfg_games.flocking import Flocking, FlockingModel

RNG = np.random.default_rng(4)


def crowd(count: int, components: int) -> Crowd:
    weights = RNG.dirichlet(np.ones(count))
    return Crowd(RNG.normal(size=(count, components)), weights)


@pytest.mark.parametrize("beta", [0.0, 0.7, 5.0])
@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("speed_norm", ["largest", "sum"])
def test_rewards_in_plain_loops(beta, dimensions, speed_norm):
    zero = np.zeros((1, dimensions))
    model = FlockingModel(
        dimensions,
        beta=beta,
        alignment=1.5,
        effort=0.3,
        speed=0.7,
        speed_norm=speed_norm,
        centers=zero,
        velocities=zero,
    )
    states = RNG.normal(size=(6, 2 * dimensions))
    actions = RNG.normal(size=(6, dimensions))
    others = crowd(5, 2 * dimensions)
    found = model.reward(np, states, actions, others)
    for state, action, value in zip(states, actions, found, strict=True):
        x, v = state[:dimensions], state[dimensions:]
        gap = np.zeros(dimensions)
        for other, weight in zip(*others, strict=True):
            squares = sum((x - other[:dimensions]) ** 2)
            gap += weight * (v - other[dimensions:]) / (1 + squares) ** beta
        speed = max(abs(v)) if speed_norm == "largest" else sum(abs(v))
        expected = -1.5 * sum(gap**2) - 0.3 * sum(action**2) + 0.7 * speed
        assert value == pytest.approx(expected, abs=1e-12)


def test_steps_by_hand():
    model = FlockingModel(dt=0.5, noise=2.0, largest_speed=1.0, half_width=2.0)
    states = np.array([[0.0, 1.9, 0.2, 0.8]])
    normals = np.array([[9.0, 9.0, 0.1, -0.3]])
    after = model.step(np, states, np.array([[1.0, 1.0]]), None, normals)
    shaken = 2.0 * np.sqrt(0.5) * np.array([0.1, -0.3])
    expected = [0.1, 2.0, 0.7 + shaken[0], min(1.3 + shaken[1], 1.0)]
    np.testing.assert_allclose(after[0], expected)


def test_groups_start_where_they_are_told():
    model = FlockingModel(
        centers=[[-5, 0], [5, 1]],
        velocities=[[0.5, 0], [-0.5, 0.2]],
        position_std=0.1,
        velocity_std=0.0,
    )
    uniforms, normals = RNG.random(2000), RNG.normal(size=(2000, 4))
    states = model.initial(np, uniforms, normals)
    first = uniforms < 0.5
    np.testing.assert_allclose(states[first].mean(axis=0), [-5, 0, 0.5, 0], atol=0.02)
    np.testing.assert_allclose(states[~first].std(axis=0), [0.1, 0.1, 0, 0], atol=0.02)


def test_distances_to_obstacles():
    model = FlockingModel(columns=[[0, 0, 1]], walls=[[3, 5, -1, 1]], margin=0.5)
    places = {
        (0, 0): -1.0,
        (0, 2): 1.0,
        (4, 0): -1.0,
        (3.5, 0): -0.5,
        (6, 2): np.sqrt(2),
        (2.2, 0): 0.8,
    }
    states = np.array([[*place, 0, 0] for place in places], float)
    found = model.clearance(np, states)
    np.testing.assert_allclose(found, list(places.values()))
    everybody = Crowd(states, np.full(6, 1 / 6))
    paid = model.reward(np, states, np.zeros((6, 2)), everybody)
    depth = np.maximum(0.5 - found, 0)
    np.testing.assert_allclose(paid, -10 * depth, atol=1e-12)
    assert np.isinf(FlockingModel().clearance(np, states)).all()


@pytest.mark.parametrize("beta", [0.0, 1.3])
def test_same_numbers_in_numpy_and_compiled(beta):
    model = FlockingModel(beta=beta, columns=[[0, 0, 1]], walls=[[3, 5, -1, 1]])
    states, normals = RNG.normal(size=(2, 7, 4))
    actions, uniforms = RNG.normal(size=(7, 2)), RNG.random(7)
    others = crowd(5, 4)

    @tf.function(jit_compile=True)
    def compiled(states, actions, others, normals, uniforms):
        return (
            model.reward(tnp, states, actions, others),
            model.step(tnp, states, actions, others, normals),
            model.initial(tnp, uniforms, normals),
        )

    first, second = (states, actions), (normals, uniforms)
    found = compiled(*map(tf.constant, first), others, *map(tf.constant, second))
    expected = (
        model.reward(np, states, actions, others),
        model.step(np, states, actions, others, normals),
        model.initial(np, uniforms, normals),
    )
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


# ---- on a grid -----------------------------------------------------------------------


@pytest.mark.parametrize("dimensions", [1, 2])
def test_steps_on_the_grid_have_the_moments_of_the_model(dimensions):
    """Away from the bounds: the mean of each component, and the noise's variance.

    Splitting adds share (1 - share) squared spacings to the variance of a component.
    """
    d = Flocking(5, 5, 3, dimensions, dt=0.3, noise=0.2, half_width=3.0)
    probabilities = d._probabilities[0]
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1)
    assert (probabilities >= 0).all()
    for state, action in itertools.product(range(d.num_states), range(d.num_actions)):
        x, v = np.split(d.points[state], 2)
        if (np.abs(v) > 0.5).any() or (np.abs(x) > 2).any():
            continue
        law = probabilities[state, action]
        after = d.points[d._successors[state, action]]
        mean = law @ after
        expected = np.concatenate([x + 0.3 * v, v + 0.3 * d.accelerations[action]])
        np.testing.assert_allclose(mean, expected, atol=1e-12)
        variance = law @ (after - mean) ** 2
        assert (variance[dimensions:] >= 0.2**2 * 0.3 - 1e-12).all()
        spacing = np.repeat([6 / 4, 2 / 4], dimensions)
        limit = spacing**2 / 4 + np.repeat([0, 0.2**2 * 0.3], dimensions)
        assert (variance <= limit + 1e-12).all()


def test_rewards_on_the_grid_are_those_of_the_model():
    d = Flocking(4, 3, beta=0.6, half_width=2.0)
    mu = RNG.dirichlet(np.ones(d.num_states))[None]
    found = d.reward(np, 0, mu, None)
    others = Crowd(d.points, mu[0])
    for action, u in enumerate(d.accelerations):
        actions = np.tile(u, (d.num_states, 1))
        expected = d.model.reward(np, d.points, actions, others)
        np.testing.assert_allclose(found[0, :, action], expected)
    low, high = d.reward_range
    assert low <= found.min() <= found.max() <= high


def test_accelerations_are_evenly_spaced():
    d = Flocking(num_accelerations=5, dimensions=2, largest_action=2.0)
    np.testing.assert_array_equal(np.unique(d.accelerations), [-2, -1, 0, 1, 2])
    assert d.num_actions == len(np.unique(d.accelerations, axis=0)) == 25
    assert d.action_name(1) == "-2 -1"


def test_the_start_is_normal():
    d = Flocking(41, 21, half_width=4.0, velocity_std=0.3)
    law = d.initial_distribution[0]
    np.testing.assert_allclose(law @ d.points, 0, atol=1e-12)
    np.testing.assert_allclose(law @ d.points**2, [1.0, 0.09], rtol=0.01)
    rest = Flocking(velocity_std=0.0)
    assert (rest.initial_distribution[0][rest.points[:, 1] != 0] == 0).all()


def test_birds_of_a_feather():
    """The equilibrium aligns velocities, of which the uniform policy knows nothing."""
    from algorithms.adaptive_mirror_descent import AdaptiveMirrorDescent
    from algorithms.pictures import layers_of
    from algorithms.run import run

    solver = AdaptiveMirrorDescent("mfg_flocking(horizon=15)")
    spreads = []
    for _ in range(2):
        last = layers_of(solver.model, solver.flow)[-1][0, 0]
        v = solver.game.dynamics.points[:, 1]
        spreads.append(last @ v**2 - (last @ v) ** 2)
        run(solver, 200, progress=False)
    assert spreads[1] < spreads[0] / 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dimensions": 4}, "dimensions"),
        ({"beta": -1.0}, "beta"),
        ({"dt": 0.0}, "dt"),
        ({"speed_norm": "mean"}, "speed_norm"),
        ({"columns": [[0, 0]]}, "columns"),
        ({"walls": [[0, 0, 1]]}, "walls"),
        ({"velocities": [[0, 0], [1, 1]]}, "velocities"),
        (
            {
                "dimensions": 1,
                "centers": [[0]],
                "velocities": [[0]],
                "columns": [[0, 0, 1]],
            },
            "dimensions",
        ),
    ],
)
def test_errors_name_the_argument(changes, message):
    with pytest.raises(ValueError, match=message):
        FlockingModel(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_velocities": 4}, "num_velocities"),
        ({"num_accelerations": 2}, "num_accelerations"),
        ({"num_positions": 1}, "num_positions"),
        ({"dimensions": 3}, "dimensions"),
        ({"position_std": 0.0}, "position_std"),
    ],
)
def test_errors_on_the_grid(changes, message):
    with pytest.raises(ValueError, match=message):
        Flocking(**changes)
