"""The law of a population over time against that which its players are drawn from."""

import numpy as np
import pytest
import tensorflow as tf

from algorithms.deep.normalizing_flow import FlowConfig
from algorithms.deep.population_flow import PopulationFlow


def players(size: int, count: int = 4000, draw: int = 0) -> np.ndarray:
    """Normals whose mean and width grow, but at the end two groups."""
    rng = np.random.default_rng([5, draw])
    means = np.array([0.0, 2.0, 5.0])[:, None, None]
    stds = np.array([0.5, 1.0, 0.3])[:, None, None]
    groups = np.where(rng.random((3, count, 1)) < 0.5, -2.0, 2.0)
    groups[:2] = 0
    drawn = means + groups + stds * rng.normal(size=(3, count, size))
    return drawn.astype(np.float32)


@pytest.mark.parametrize("size", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_laws_of_all_times(size, seed):
    config = FlowConfig(width=32, layers=2 * size, updates=100, learning_rate=3e-3)
    law = PopulationFlow(2, size, config, seed)
    samples, logs = [], []
    # The groups' shares never come to rest: what is learnt last is averaged.
    for phase in range(10):
        law.fit(tf.constant(players(size)), phase)
        if phase >= 2:
            samples.append(law.sample(4000, [1, phase]).numpy())
            fresh = tf.constant(players(size, draw=1))
            logs.append(law.log_density(fresh).numpy().mean(axis=1))
    drawn = np.concatenate(samples, axis=1)
    np.testing.assert_allclose(
        drawn.mean(axis=1), [[0] * size, [2] * size, [5] * size], atol=0.15
    )
    width = np.sqrt(0.3**2 + 2**2)
    np.testing.assert_allclose(
        drawn.std(axis=1), [[0.5] * size, [1] * size, [width] * size], rtol=0.1
    )
    # Two groups with a gap between them, where one normal would have many players.
    assert (np.abs(drawn[2, :, 0] - 5) < 0.7).mean() < 0.06
    normal = -size * (0.5 + np.log(np.sqrt(2 * np.pi)))
    spread = size * np.log([0.5, 1.0, 0.3])
    np.testing.assert_allclose(
        np.mean(logs, axis=0), normal - spread - [0, 0, np.log(2)], atol=0.12
    )


def test_densities_integrate_to_one_at_each_time():
    law = PopulationFlow(2, 1, FlowConfig(width=8, layers=2, updates=10), 0)
    law.fit(tf.constant(players(1, 500)), 0)
    grid = np.linspace(-15, 15, 6001, dtype=np.float32)
    density = np.exp(law.log_density(tf.constant(np.tile(grid[:, None], (3, 1, 1)))))
    np.testing.assert_allclose(density.sum(axis=1) * 0.005, 1, atol=2e-3)
