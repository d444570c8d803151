"""Choice maps against general-purpose optimisers, closed forms and definitions."""

import math

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import tensorflow as tf

from algorithms import regularisers
from algorithms.regularisers import Entropy, Tsallis

ORDERS = (0.05, 0.5, 0.97, 1.03, 1.5, 1.9, 2.0)
ALL = (Entropy(), Entropy(0.3), *(Tsallis(order=order) for order in ORDERS))
ALL += (Tsallis(4.0, 0.5), Tsallis(0.2, 2.0))


def order_of(regulariser) -> float:
    return 1.0 if isinstance(regulariser, Entropy) else regulariser.order


def h(p: np.ndarray, regulariser) -> np.ndarray:
    """The definition, for each row."""
    order = order_of(regulariser)
    if order == 1:
        return regulariser.strength * scipy.special.xlogy(p, p).sum(-1)
    return regulariser.strength * ((p**order).sum(-1) - 1) / (order * (order - 1))


def some_rows(count: int, actions: int):
    """Scores of all sizes, [count, actions], and which are legal."""
    rng = np.random.default_rng(actions)
    sizes = 10.0 ** rng.integers(-2, 3, size=(count, 1))
    scores = sizes * rng.normal(size=(count, actions))
    legal = rng.random((count, actions)) < 0.7
    legal[np.arange(count), rng.integers(actions, size=count)] = True
    return scores, legal


def policy_of(regulariser, scores, legal=None) -> np.ndarray:
    scores = np.asarray(scores, np.float64)
    legal = np.full(scores.shape, True) if legal is None else legal
    return regulariser.policy(tf.constant(scores), legal).numpy()


@pytest.mark.parametrize("regulariser", ALL, ids=repr)
def test_policy_maximises_over_the_simplex(regulariser):
    scores, _ = some_rows(8, 3)
    points = [(i, j, 100 - i - j) for i in range(101) for j in range(101 - i)]
    lattice = np.array(points) / 100
    for y, policy in zip(scores, policy_of(regulariser, scores), strict=True):
        objective = lattice @ y - h(lattice, regulariser)
        ours = y @ policy - h(policy, regulariser)
        assert ours >= max(objective) - 1e-12 * abs(y).max()
        np.testing.assert_allclose(policy, lattice[np.argmax(objective)], atol=0.03)
        conjugate = regulariser.conjugate(tf.constant(y), np.full(3, True)).numpy()
        assert conjugate == pytest.approx(ours, rel=1e-12)


@pytest.mark.parametrize("order", ORDERS)
def test_normaliser_equals_a_bracketing_root_finder(order):
    # p = max(0, (order - 1) (y - max y) + c) ** (1 / (order - 1)), c between the roots
    # for one action and for A equal ones.
    scores, legal = some_rows(40, 6)
    policies = policy_of(Tsallis(order=order), scores, legal)
    np.testing.assert_allclose(policies.sum(-1), 1.0, rtol=0, atol=1e-14)
    assert not policies[~legal].any()
    for row, allowed, policy in zip(scores, legal, policies, strict=True):
        y = (order - 1) * (row[allowed] - row[allowed].max())

        def p(c, y=y):
            return np.maximum(y + c, 0.0) ** (1 / (order - 1))

        low, high = sorted((1.0, float(len(y)) ** (1 - order)))
        c = scipy.optimize.brentq(
            lambda c, p=p: p(c).sum() - 1, low - 1e-9, high + 1e-9, xtol=1e-15
        )
        np.testing.assert_allclose(policy[allowed], p(c), rtol=0, atol=1e-12)


def test_closed_forms():
    euclidean, tsallis = Tsallis(order=2.0), Tsallis(order=1.5)
    for regulariser, scores, expected in (
        (Entropy(), [math.log(3.0), 0.0], [0.75, 0.25]),
        (Entropy(2.0), [math.log(9.0), 0.0], [0.75, 0.25]),
        (euclidean, [0.5, 0.2, -1.0], [0.65, 0.35, 0.0]),
        (euclidean, [7.0, 7.0, 7.0, 6.7], [0.325, 0.325, 0.325, 0.025]),
        (euclidean, [-5.0, -3.5, -9.0], [0.0, 1.0, 0.0]),
        (Tsallis(2.0, 2.0), [1.0, 0.4, -2.0], [0.65, 0.35, 0.0]),
        # (c, c - 1/2) squared sum to 1.
        (tsallis, [1.0, 0.0], [0.8307189138830738, 0.16928108611692618]),
        (tsallis, [4.0, 0.0], [1.0, 0.0]),
        (Tsallis(order=0.5), [0.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]),
    ):
        found = policy_of(regulariser, scores)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("regulariser", ALL, ids=repr)
def test_policy_is_the_gradient_of_the_conjugate(regulariser):
    scores, legal = some_rows(30, 5)
    scores = np.clip(scores, -3, 3)
    policy = policy_of(regulariser, scores, legal)
    step = 1e-6
    for action in range(5):
        moved = scores + step * np.eye(5)[action]
        back = scores - step * np.eye(5)[action]
        up, down = (
            regulariser.conjugate(tf.constant(y), legal).numpy() for y in (moved, back)
        )
        np.testing.assert_allclose(
            (up - down) / (2 * step), policy[:, action], atol=2e-5
        )


@pytest.mark.parametrize("regulariser", ALL, ids=repr)
def test_values(regulariser):
    rows = np.random.default_rng(0).dirichlet(np.ones(4), 20)
    expected = h(rows, regulariser)
    np.testing.assert_allclose(regulariser.value(rows), expected, rtol=1e-13)
    assert not regulariser.value(np.eye(4)).numpy().any()
    # Strong convexity along random segments.
    p, q = rows[:10], rows[10:]
    middle, ends = (regulariser.value(x).numpy() for x in ((p + q) / 2, rows))
    gap = (ends[:10] + ends[10:]) / 2 - middle
    assert (gap >= regulariser.strength / 8 * ((p - q) ** 2).sum(-1) - 1e-15).all()


@pytest.mark.parametrize("order", [0.99, 1.01])
def test_entropy_is_the_limit_at_order_1(order):
    scores, legal = some_rows(20, 4)
    scores = np.clip(scores, -2, 2)
    found = policy_of(Tsallis(order=order), scores, legal)
    np.testing.assert_allclose(
        found, policy_of(Entropy(), scores, legal), rtol=0, atol=0.01
    )


@pytest.mark.parametrize("regulariser", [ALL[1], *ALL[3:9:2]], ids=repr)
@pytest.mark.parametrize(("dtype", "atol"), [("float64", 1e-13), ("float32", 2e-5)])
def test_compiled_in_any_shape_and_precision(regulariser, dtype, atol):
    scores, legal = some_rows(24, 5)
    expected = policy_of(regulariser, scores, legal).reshape(2, 3, 4, 5)
    compiled = tf.function(regulariser.policy, jit_compile=True)
    found = compiled(
        tf.constant(scores.reshape(2, 3, 4, 5), dtype), legal.reshape(2, 3, 4, 5)
    )
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


@pytest.mark.parametrize("regulariser", ALL, ids=repr)
def test_scores_of_any_size(regulariser):
    scores = np.array([[1e9, 1e9 - 1e8, -1e12], [3e11, 3e11, -3e11], [0.0, 0.0, 0.0]])
    legal = np.array([[True, True, True], [True, True, True], [False, True, False]])
    found = policy_of(regulariser, scores, legal)
    expected = [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0]]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_names():
    assert regularisers.regulariser("entropy", strength=3.0) == Entropy(3.0)
    assert regularisers.regulariser("euclidean") == Tsallis(1.0, 2.0)
    assert regularisers.regulariser("tsallis", 0.3) == Tsallis(1.0, 0.3)
    with pytest.raises(ValueError, match="`regulariser` must be one of entropy, eu"):
        regularisers.regulariser("l2")


@pytest.mark.parametrize("order", [0.0, -1.0, 1.0, 1.001, 2.1, math.nan])
def test_wrong_orders_are_refused(order):
    with pytest.raises(ValueError, match="`order` must be above 0, at most 2 and at"):
        Tsallis(order=order)


@pytest.mark.parametrize("strength", [0.0, -1.0, math.nan, math.inf])
def test_wrong_strengths_are_refused(strength):
    for make in (Entropy, Tsallis):
        with pytest.raises(ValueError, match="`strength` must be above 0"):
            make(strength)
