import numpy as np
import pytest
import tensorflow as tf

from algorithms.deep.buffers import ReservoirBuffer, RingBuffer


def seed(number: int) -> tf.Tensor:
    return tf.constant([7, number], tf.int64)


def numbered(start: int, count: int) -> tf.Tensor:
    """Samples that show their number, twice."""
    return tf.tile(start + tf.range(count, dtype=tf.int64)[:, None], [1, 2])


def kept(buffer) -> list[int]:
    rows = buffer.variables["rows"].numpy()[: int(buffer.size())]
    np.testing.assert_array_equal(rows[:, 0], rows[:, 1])
    return sorted(rows[:, 0].tolist())


@pytest.mark.parametrize("batch", [1, 3, 5, 12])
def test_a_ring_keeps_the_last_samples(batch):
    """Also when more samples come at once than it holds."""
    buffer = RingBuffer(5, 2)
    for start in range(0, 60, batch):
        buffer.add(numbered(start, batch), seed(start))
        total = start + batch
        assert kept(buffer) == list(range(max(0, total - 5), total))


@pytest.mark.parametrize("batch", [1, 7, 10])
def test_a_reservoir_keeps_every_sample_with_the_same_probability(batch):
    """Of 70 samples 5 are kept: each in 1/14 of the runs, within 4.5 deviations."""
    runs, samples = 2000, 70

    @tf.function(autograph=False, jit_compile=True)
    def fill(run):
        buffer.variables["count"].assign(0)

        def add(start):
            buffer.add(numbered(start, batch), tf.stack([run, start]))
            return start + batch

        tf.while_loop(lambda start: start < samples, add, (tf.constant(0, tf.int64),))
        return buffer.variables["rows"].value()[:5, 0]

    buffer = ReservoirBuffer(5, 2)
    found = np.array([fill(tf.constant(run, tf.int64)) for run in range(runs)])
    assert all(len(set(row)) == 5 for row in found.tolist())
    counts = np.bincount(found.ravel(), minlength=samples)
    p = 5 / samples
    assert (np.abs(counts - runs * p) < 4.5 * np.sqrt(runs * p * (1 - p))).all()


def test_samples_are_uniform_over_what_is_there():
    buffer = RingBuffer(8, 2)
    buffer.add(numbered(10, 5), seed(0))
    found = buffer.sample(10_000, seed(1)).numpy()
    np.testing.assert_array_equal(found[:, 0], found[:, 1])
    counts = np.bincount(found[:, 0], minlength=15)[10:]
    assert counts.sum() == 10_000
    assert (np.abs(counts - 2000) < 4.5 * np.sqrt(10_000 * 0.2 * 0.8)).all()


def test_equal_seeds_give_equal_samples_also_under_xla():
    buffer = RingBuffer(1000, 2)
    buffer.add(numbered(0, 1000), seed(0))
    first = buffer.sample(50, seed(1)).numpy()
    compiled = tf.function(lambda s: buffer.sample(50, s), jit_compile=True)
    np.testing.assert_array_equal(compiled(seed(1)), first)
    assert (buffer.sample(50, seed(2)).numpy() != first).any()
