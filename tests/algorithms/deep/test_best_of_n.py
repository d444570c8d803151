"""Best-of-n learning against the closed form on one decision, and in whole games."""

from best_of_n_law import best_of_n_law, tilted_law
from deep_games import CERTAIN, SMALL, same
from frozen_worlds import bandit, frozen, gap, spec, uniform
import numpy as np
import pytest
import tensorflow as tf

from algorithms import run
from algorithms.deep.best_of_n import BestOfN, BestOfNConfig
from algorithms.deep.deep_fictitious_play import DeepFictitiousPlay
from algorithms.deep.deep_fixed_point import DeepFixedPoint
from algorithms.deep.players import NOWHERE, World

PAYS = [1.0, 4.0, 2.0, 4.0, 3.0]
# A round with all but exact laws: one decision is met 40 000 times.
ONE_ROUND = {
    "depth": 0,
    "learning_rate": 0.01,
    "batch_size": 1000,
    "rounds": 1,
    "updates": 300,
    "groups": 160,
    "group_size": 250,
}
TINY = {
    "best_response": "best_of_n",
    "best_of_n_width": 6,
    "best_of_n_rounds": 2,
    "best_of_n_groups": 2,
    "best_of_n_group_size": 3,
    "best_of_n_n": 2,
    "best_of_n_updates": 3,
    "best_of_n_batch_size": 7,
}


def learnt(world: World, seed: int, phases: int = 1, **changes):
    """A learner after some phases, its first policy and its last one."""
    learner = BestOfN(spec(world), BestOfNConfig(**changes), seed)
    first = learner.policy_of(learner.network(world.features), world.legal).numpy()
    for phase in range(phases):
        last = learner.respond(world, uniform(world), phase).numpy()
    return learner, first, last


def test_the_forward_divergence_leads_to_the_law_of_the_best_of_n(seed):
    _, first, last = learnt(bandit(PAYS), seed, **ONE_ROUND, n=4, beta=0.0)
    expected = best_of_n_law(first[0], np.array(PAYS), 4)
    np.testing.assert_allclose(last[0], expected, atol=0.04)
    assert np.abs(expected - first[0]).max() > 0.15


@pytest.mark.parametrize(
    ("n", "anchor_weight", "power"), [(3, 0.0, 2.0), (3, 1.0, 1.0)]
)
def test_the_backward_divergence_leads_to_the_tilted_law(n, anchor_weight, power, seed):
    """The anchor's weight divides the reward."""
    _, first, last = learnt(
        bandit(PAYS), seed, **ONE_ROUND, n=n, beta=1.0, anchor_weight=anchor_weight
    )
    expected = tilted_law(first[0], np.array(PAYS), power)
    np.testing.assert_allclose(last[0], expected, atol=0.04)
    assert np.abs(expected - first[0]).max() > 0.1


def test_the_jeffreys_divergence_leads_between(seed):
    """Where its gradient vanishes, found by descent in the closed form."""
    _, first, last = learnt(bandit(PAYS), seed, **ONE_ROUND, n=4, beta=0.5)
    pays = np.array(PAYS)
    best, tilted = best_of_n_law(first[0], pays, 4), tilted_law(first[0], pays, 3)
    logits = np.log(first[0])
    for _ in range(4000):
        policy = np.exp(logits) / np.exp(logits).sum()
        ratios = np.log(policy / tilted)
        backward = policy * (ratios - policy @ ratios)
        logits -= 0.5 * (0.5 * (policy - best) + 0.5 * backward)
    np.testing.assert_allclose(last[0], policy, atol=0.04)


def test_rounds_compose(seed):
    """The best of two, of games that are the best of two, is the best of four."""
    two_rounds = ONE_ROUND | {"rounds": 2}
    _, first, last = learnt(bandit(PAYS), seed, **two_rounds, n=2, beta=0.0)
    expected = best_of_n_law(first[0], np.array(PAYS), 4)
    np.testing.assert_allclose(last[0], expected, atol=0.05)


@pytest.mark.parametrize(("beta", "error"), [(0.0, 0.04), (1.0, 1e-4)])
def test_the_best_of_one_changes_nothing(beta, error, seed):
    """But for the error of the samples, which the backward divergence does not have."""
    _, first, last = learnt(bandit(PAYS), seed, **ONE_ROUND, n=1, beta=beta)
    np.testing.assert_allclose(last, first, atol=error)


def test_the_anchor_follows_the_policy():
    world = bandit(PAYS)
    config = ONE_ROUND | {"updates": 3, "anchor_rate": 0.25}
    learner = BestOfN(spec(world), BestOfNConfig(**config), 0)
    start = learner.network.get_weights()
    learner.respond(world, uniform(world), 0)
    anchors, weights = learner._anchor.get_weights(), learner.network.get_weights()
    for anchor, before, after in zip(anchors, start, weights, strict=True):
        np.testing.assert_allclose(anchor, 0.75 * before + 0.25 * after, rtol=1e-5)
        assert np.any(after != before)


def test_games_of_different_lengths(seed):
    """The end now pays 1; going on pays 3 or 0 later. One action is illegal."""
    end = NOWHERE
    world = World(
        successors=tf.constant([[[end], [1], [0]], [[end], [end], [0]]], tf.int64),
        probabilities=tf.ones((2, 3, 1)),
        rewards=tf.constant([[1.0, 0.0, 9.0], [3.0, 0.0, 9.0]]),
        legal=tf.constant([[True, True, False], [True, True, False]]),
        start_rows=tf.zeros(1, tf.int64),
        start_probabilities=tf.ones(1),
        features=tf.eye(2),
    )
    learner, first, last = learnt(world, seed, **ONE_ROUND, n=3, beta=0.0)
    laws = np.array([first[0, 0], *(first[0, 1] * first[1, :2])])
    best = best_of_n_law(laws, np.array([1.0, 3.0, 0.0]), 3)
    expected = [[best[0], best[1:].sum(), 0], [*best[1:] / best[1:].sum(), 0]]
    np.testing.assert_allclose(last, expected, atol=0.04)
    moves = 40_000 * (1 + first[0, 1])
    assert learner.metrics["moves"] == pytest.approx(moves, rel=0.03)
    assert learner.metrics["updates"] == 300


@pytest.mark.parametrize(("beta", "missed"), [(0.0, 0.1), (1.0, 0.4)])
def test_without_noise_the_response_is_nearly_the_best(beta, missed, seed):
    """In parts of what the uniform policy misses, 0.03 and 0.2 at most for ten seeds.

    With the backward divergence, which gives up actions, some end in a local optimum.
    """
    world = frozen(CERTAIN)
    config = {"rounds": 40, "updates": 10, "width": 32, "batch_size": 64, "beta": beta}
    _, _, last = learnt(world, seed, **config, learning_rate=0.005)
    assert gap(world, uniform(world)) > 0.5
    assert gap(world, last) < missed * gap(world, uniform(world))


def test_seeds_and_traces():
    world = frozen(SMALL)
    tiny = {name.removeprefix("best_of_n_"): value for name, value in TINY.items()}
    del tiny["best_response"]
    first, other = (learnt(world, seed, 3, **tiny)[0] for seed in (3, 4))
    assert np.any(first.variables["network/0"] != other.variables["network/0"])
    assert first._learn.experimental_get_tracing_count() == 1
    assert first.metrics["moves"] == 2 * 2 * 3 * 4


def test_it_responds_inside_of_solvers(tmp_path):
    """And a run that was killed goes on with the same numbers."""
    path = tmp_path / "checkpoint.npz"
    run.run(DeepFixedPoint.make(SMALL, **TINY), 2, checkpoint_path=path, progress=False)
    resumed, unbroken = (DeepFixedPoint.make(SMALL, **TINY) for _ in range(2))
    run.run(resumed, 4, checkpoint_path=path, progress=False)
    run.run(unbroken, 4, progress=False)
    same(resumed, unbroken)


def test_fictitious_play_keeps_its_networks():
    deep = DeepFictitiousPlay.make(SMALL, **TINY)
    deep.iteration()
    deep.iteration()
    assert np.ptp(deep.response(1).probabilities, axis=0).max() > 0


def test_a_loss_that_is_no_number_stops_the_run():
    deep = DeepFixedPoint.make(SMALL, **TINY)
    weights = deep._best_response.network.trainable_variables[-1]
    weights.assign(np.full(weights.shape, np.nan))
    with pytest.raises(
        FloatingPointError, match=r"loss is (nan|inf) at the end of iteration 0"
    ):
        deep.iteration()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rounds": 0}, "rounds=0"),
        ({"groups": 0}, "groups=0"),
        ({"group_size": 0}, "group_size=0"),
        ({"updates": 0}, "updates=0"),
        ({"n": 0}, "n=0"),
        ({"n": 9, "group_size": 8}, r"`group_size`=8\. .*n=9"),
        ({"beta": 1.5}, "beta=1.5"),
        ({"anchor_weight": -1.0}, "anchor_weight=-1.0"),
        ({"anchor_rate": 0.0}, "anchor_rate=0.0"),
        ({"anchor_rate": 1.5}, "anchor_rate=1.5"),
        ({"depth": -1}, "depth=-1"),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        BestOfNConfig(**changes)
