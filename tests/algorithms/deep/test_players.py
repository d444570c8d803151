"""Sampled moves against the exact laws."""

import itertools

import numpy as np
import pyspiel
import pytest
import tensorflow as tf
from toy_dynamics import RANDOM_GAMES

from algorithms.deep.players import NOWHERE, Players, draw, explore, world
from algorithms.model import load_model
from algorithms.model.enumerated_model import EnumeratedModel
from algorithms.regularisers import softmax


def test_draws_invert_the_cumulative_distribution():
    probabilities = tf.constant([0.0, 0.25, 0.0, 0.5, 0.25, 0.0])
    uniforms = tf.constant([0.0, 0.24, 0.25, 0.74, 0.75, 1 - 2**-23])
    assert draw(probabilities, uniforms).numpy().tolist() == [1, 1, 3, 3, 4, 4]
    rows = tf.constant([[1.0, 1.0], [3.0, 1.0]])
    assert draw(rows, tf.constant([0.6, 0.6])).numpy().tolist() == [1, 0]


def test_roundings_never_draw_the_impossible():
    rng = np.random.default_rng(0)
    probabilities = np.float32(rng.dirichlet(np.ones(7), 20_000))
    probabilities = np.pad(probabilities, [(0, 0), (0, 2)])
    largest = tf.fill([20_000], np.float32(1 - 2**-23))
    drawn = draw(tf.constant(probabilities), largest).numpy()
    assert drawn.max() == 6
    assert (np.take_along_axis(probabilities, drawn[:, None], 1) > 0).all()


def test_exploration_is_uniform_over_the_legal_actions():
    policy = tf.constant([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    legal = tf.constant([[True, True, False], [True, True, True]])
    found = explore(policy, legal, 0.3)
    np.testing.assert_allclose(found, [[0.5, 0.5, 0], [0.8, 0.1, 0.1]], rtol=1e-6)


def models():
    for game in (*RANDOM_GAMES[1:3], RANDOM_GAMES[6]):
        yield load_model(game)
    yield EnumeratedModel(pyspiel.load_game("python_mfg_predator_prey(horizon=2)"))


@pytest.mark.parametrize("model", models(), ids=lambda model: str(model.game))
def test_moves_follow_the_flow_and_the_steps(model):
    """Visits and outcomes of each pair of node and action, within 5 deviations."""
    players, moves = 4000, 12
    logits = np.random.default_rng(3).normal(size=(model.num_nodes, model.num_actions))
    policy = softmax(model.as_tensor(logits), model.legal_actions)
    flow = model.compiled_distribution(policy)
    here = world(model, flow, tf.zeros((model.num_nodes, 1)))
    crowd = Players(players)
    move = tf.function(
        lambda seed: crowd.move(
            here, lambda rows: tf.gather(tf.cast(policy, tf.float32), rows), seed
        ),
        autograph=False,
    )
    seen = [move(tf.constant([1, i], tf.int64)).numpy() for i in range(moves)]
    for before, after in itertools.pairwise(seen):
        goes_on = before[:, 2] != NOWHERE
        np.testing.assert_array_equal(after[goes_on, 0], before[goes_on, 2])
        assert np.isin(after[~goes_on, 0], here.start_rows).all()
    # All are at the same time of their games. In whole games the flow is met.
    ended = [i for i, step in enumerate(seen) if (step[:, 2] == NOWHERE).all()]
    whole = np.concatenate(seen[: ended[-1] + 1])
    games = players * len(ended)
    shares = flow.mass.numpy()[:, None] * policy.numpy() / model.num_populations
    visits = np.zeros(shares.shape)
    np.add.at(visits, (whole[:, 0], whole[:, 1]), 1)
    error = 5 * np.sqrt(games * shares * (1 - shares)) + 1e-9
    assert (np.abs(visits - games * shares) < error).all()
    # And the law of the steps at each node, for each action.
    rows, actions, successors = np.concatenate(seen).T
    steps = model.compiled_steps(flow)
    laws = np.zeros((*shares.shape, model.num_nodes + 1))
    nodes, choices = np.indices(shares.shape)
    places = (nodes[..., None], choices[..., None], steps.successors.numpy())
    np.add.at(laws, places, steps.probabilities.numpy())
    counts = np.zeros_like(laws)
    np.add.at(counts, (rows, actions, successors), 1)  # -1 is the last place
    times = counts.sum(-1, keepdims=True)
    error = 5 * np.sqrt(times * np.maximum(laws * (1 - laws), 0)) + 1
    assert (np.abs(counts - times * laws) < error).all()
