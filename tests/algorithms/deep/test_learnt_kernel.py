"""The learnt law of moves against the true one."""

import dataclasses

from deep_games import SMALL
from frozen_worlds import fork, frozen, spec, uniform
import numpy as np
import pytest
import tensorflow as tf

from algorithms.deep.learnt_kernel import KernelConfig, LearntKernel
from algorithms.deep.players import World

# Laws that lean on state and action; several outcomes may lead to one node.
LEANING = "mfg_test_random(seed=4,states=3,outcomes=3,horizon=2,leaning=True)"
QUICK = KernelConfig(width=32, learning_rate=0.01, batch_size=128, updates=600)
TINY = KernelConfig(width=4, batch_size=6, updates=5)


def laws(here: World, probabilities) -> np.ndarray:
    """Probabilities of the next nodes, [D, A, D + 1]; the last one is the end."""
    found = np.zeros((*here.legal.shape, len(here.legal) + 1))
    rows, actions = np.indices(here.legal.shape)
    places = rows[..., None], actions[..., None], here.successors.numpy()
    np.add.at(found, places, probabilities.numpy())
    return found


@pytest.mark.parametrize("game", [LEANING, SMALL])
def test_it_approaches_the_true_law(game):
    here = frozen(game)
    kernel = LearntKernel(spec(here), QUICK, 0)

    def distance():
        """Mean total variation over the nodes that players come to."""
        found = laws(here, kernel.probabilities(here))
        np.testing.assert_allclose(found.sum(2), 1, rtol=1e-5)
        true = laws(here, here.probabilities)
        between = np.abs(found - true).sum(2) / 2
        places = here.successors.numpy()[here.probabilities.numpy() > 0]
        rows = np.union1d(places[places >= 0], here.start_rows)
        return between[rows][here.legal.numpy()[rows]].mean()

    before = distance()
    losses = [kernel.learn(here, uniform(here), phase) for phase in range(3)]
    assert losses[2] < losses[0]
    assert distance() < min(0.03, before / 5)


def test_seeds_and_traces():
    here = frozen(SMALL)
    first, again, other = (LearntKernel(spec(here), TINY, seed) for seed in (1, 1, 2))
    for kernel in (first, again, other):
        for phase in range(3):
            kernel.learn(here, uniform(here), phase)
    for name, variable in first.variables.items():
        np.testing.assert_array_equal(variable, again.variables[name], name)
    assert np.any(first.variables["network/0"] != other.variables["network/0"])
    assert first._learn.experimental_get_tracing_count() == 1
    assert first.counts == {"moves": 30, "updates": 5}


def test_exploration_decides_where_the_players_go():
    here, rows = fork(), {}
    always_first = tf.constant([[1.0, 0.0]] * 3)
    for exploration in (0.0, 1.0):
        config = dataclasses.replace(TINY, batch_size=20, exploration=exploration)
        kernel = LearntKernel(spec(here), config, 0)
        kernel.learn(here, always_first, 0)  # an odd number of moves
        rows[exploration] = set(kernel.variables["players/rows"].numpy().tolist())
    assert rows == {0.0: {1}, 1.0: {1, 2}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"updates": 0}, "updates=0"),
        ({"exploration": 1.5}, "exploration=1.5"),
        ({"batch_size": 0}, "batch_size=0"),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        KernelConfig(**changes)
