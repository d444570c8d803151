import numpy as np
import pytest
import tensorflow as tf

from algorithms.model.push import Push, push_moving

RING = (np.arange(6)[:, None] + [-1, 0, 1]) % 6  # every target has three edges
EDGE = np.clip(np.arange(6)[:, None] + [-1, 0, 1], 0, 5)  # 3 edges, 3 to 4 at the ends
GAPS = np.array([[0, 4], [4, 0], [0, 2]])  # nobody comes to 1, 3 and 5
DRAIN = np.zeros(30, int)  # all go to one of 30 targets: too wide for a table
LAYOUTS = {
    "ring": (RING, 6),
    "edge": (EDGE, 6),
    "gaps": (GAPS, 6),
    "drain": (DRAIN, 30),
    "one edge": (np.array([2]), 4),
}


@pytest.fixture(params=LAYOUTS)
def layout(request):
    return LAYOUTS[request.param]


def by_hand(flow: np.ndarray, targets: np.ndarray, num_targets: int) -> np.ndarray:
    summed = np.zeros((*flow.shape[: flow.ndim - targets.ndim], num_targets))
    for edge in np.ndindex(*targets.shape):
        summed[..., targets[edge]] += flow[(..., *edge)]
    return summed


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(5).normal(size=shape)


@pytest.mark.parametrize("lead", [(), (1,), (3,), (2, 3)])
@pytest.mark.parametrize("jit", [False, True])
def test_sums_what_flows_to_each_target(layout, lead, jit):
    targets, num_targets = layout
    flow = draw(*lead, *targets.shape)
    push = tf.function(Push(targets, num_targets), jit_compile=jit, autograph=False)
    np.testing.assert_allclose(
        push(tf.constant(flow)), by_hand(flow, targets, num_targets), atol=1e-14
    )


def test_push_is_the_adjoint_of_a_gather(layout):
    targets, num_targets = layout
    flow, value = draw(*targets.shape), draw(num_targets)
    pushed = Push(targets, num_targets)(tf.constant(flow)).numpy()
    assert pushed @ value == pytest.approx(np.sum(flow * value[targets]), abs=1e-12)


def test_keeps_the_dtype(layout):
    targets, num_targets = layout
    pushed = Push(targets, num_targets)(tf.constant(draw(*targets.shape), tf.float32))
    assert pushed.dtype == tf.float32


def test_what_is_infinite_stays_on_its_edge():
    """Targets with fewer edges than others are filled up with nothing."""
    flow = np.ones(GAPS.shape)
    flow[0, 0] = np.inf
    pushed = Push(GAPS, 6)(tf.constant(flow)).numpy()
    np.testing.assert_array_equal(pushed, [np.inf, 0, 1, 0, 2, 0])


def test_moving_edges_differ_between_histories():
    successors = np.random.default_rng(6).integers(0, 4, (3, 4, 2, 5)).astype(np.int32)
    flow = draw(3, 2, 4, 2, 5)
    found = push_moving(tf.constant(flow), tf.constant(successors), 4)
    for history in range(3):
        np.testing.assert_allclose(
            found[history], by_hand(flow[history], successors[history], 4), atol=1e-14
        )
