"""Networks: shared or separate, their precision, seeds and steps."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from algorithms.deep import networks
from algorithms.deep.config import NetworkConfig
from algorithms.deep.deep_fixed_point import DeepFixedPoint
from algorithms.deep.networks import NetworkSpec, Trainer, mlp
from algorithms.deep.randomness import derived_seed

CONFIG = NetworkConfig(width=5, depth=1, learning_rate=0.1, optimizer="sgd")
ROWS = np.float32([[1, 0, 0.5], [0, 1, -0.3], [1, 0, 2.0]])


def test_weights_follow_the_seed():
    spec = NetworkSpec(3, 2)
    first, same, other = (mlp(spec, CONFIG, seed)(ROWS).numpy() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert np.all(first != other)


def test_seeds_of_different_uses_differ():
    seeds = {
        derived_seed(0, "moves"),
        derived_seed(0, "weights"),
        derived_seed(1, "moves"),
        derived_seed(0, 1),
        derived_seed(0, 2),
    }
    assert len(seeds) == 5


def test_each_population_has_its_own_tower():
    network = mlp(NetworkSpec(3, 2, num_towers=2), CONFIG, seed=0)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(network(ROWS[[0, 2]]) ** 2)
    gradients = tape.gradient(loss, network.trainable_variables)
    sizes = [float(tf.reduce_sum(tf.abs(gradient))) for gradient in gradients]
    assert sum(size > 0 for size in sizes) == 4  # two layers of the first tower
    towers = [layer for layer in network.layers if isinstance(layer, keras.Sequential)]
    np.testing.assert_allclose(network(ROWS)[1], towers[1](ROWS)[1], rtol=1e-5)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_learns_as_single_precision_does(precision):
    """To the digits that 8 or 11 bits have."""
    spec = NetworkSpec(3, 2)

    def learnt(precision):
        mixed = spec._replace(precision=precision)
        network = mlp(mixed, CONFIG, seed=0)
        trainer = Trainer(CONFIG, mixed, network)

        @tf.function(autograph=False)
        def step():
            return trainer.descend(
                lambda: tf.reduce_mean(tf.square(network(ROWS) - 1.0))
            )

        losses = [float(step()) for _ in range(20)]
        assert network(ROWS).dtype == tf.float32
        assert all(v.dtype == "float32" for v in network.trainable_variables)
        return losses

    found, expected = learnt(precision), learnt("float32")
    assert expected[-1] < expected[0] / 3
    np.testing.assert_allclose(found, expected, rtol=0.05, atol=0.01)


def test_a_step_is_clipped_gradient_descent():
    config = NetworkConfig(depth=0, optimizer="sgd", learning_rate=0.5, clip_norm=1.0)
    spec = NetworkSpec(3, 1)
    network = mlp(spec, config, seed=0)
    before = [np.array(weight) for weight in network.trainable_variables]
    trainer = Trainer(config, spec, network)
    loss = trainer.descend(lambda: 100.0 * tf.reduce_sum(network(ROWS)))
    assert float(loss) == pytest.approx(
        100 * (ROWS @ before[0] + before[1]).sum(), 1e-5
    )
    gradients = [ROWS.sum(axis=0)[:, None], np.array([3.0])]
    norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
    for weight, old, gradient in zip(
        network.trainable_variables, before, gradients, strict=True
    ):
        np.testing.assert_allclose(weight, old - 0.5 * gradient / norm, rtol=1e-4)


def test_rows_are_mapped_in_batches(monkeypatch):
    monkeypatch.setattr(networks, "_LARGEST_BATCH", 2)
    sizes = []

    def function(rows):
        sizes.append(len(rows))
        return 2 * rows

    found = networks.in_batches(function, tf.constant(ROWS))
    np.testing.assert_array_equal(found, 2 * ROWS)
    assert sizes == [2, 1]


@pytest.mark.parametrize(
    "options",
    [
        {"networks": "separate"},
        {"precision": "mixed_float16"},
        {"precision": "mixed_bfloat16"},
        {"sampled_players": 50},
    ],
)
def test_solvers_take_the_options(options):
    small = {"dqn_updates": 20, "dqn_players": 8, "dqn_batch_size": 8, "dqn_width": 8}
    game = "mfg_predator_prey(size=3,horizon=3)"
    deep, plain = (DeepFixedPoint.make(game, **small, **o) for o in (options, {}))
    for solver in (deep, plain):
        solver.iteration()
        assert np.isfinite(solver.metrics["loss"])
        assert np.isfinite(solver.exploitability)
    count = sum(w.shape.num_elements() for w in deep.variables.values())
    expected = sum(w.shape.num_elements() for w in plain.variables.values())
    assert (count > expected) == (
        "networks" in options or "mixed_float16" in options.values()
    )
    assert deep.metrics["loss"] != plain.metrics["loss"]
