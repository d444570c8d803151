"""Policies that see the population against plain loops and OpenSpiel's evaluators."""

import numpy as np
from numpy_reference import NumpyReference
from open_spiel.python.mfg.algorithms import distribution, nash_conv, policy_value
import pytest
import tensorflow as tf
import toy_dynamics  # noqa: F401  registers the games

from algorithms.deep.crowd import Crowd
from algorithms.model import load_model
from algorithms.policy import ArrayPolicy
from algorithms.population_policy import (
    Member,
    PopulationPolicy,
    Sight,
    exploitabilities,
    values_by_law,
)
from algorithms.regularisers import softmax

RNG = np.random.default_rng(6)
LAWS = "initial_laws=dirichlet:3"
GAMES = [
    "mfg_test_random(seed=2,states=3,horizon=3,populations=2,common_noise=true,"
    f"leaning=true,moving=true,restricted=true,terminal=true,discount=0.8,{LAWS})",
    "mfg_test_joint(seed=7,states=3,horizon=2,populations=2,common_noise=true,"
    f"leaning=true,{LAWS})",
    f"mfg_beach_bar(size=6,horizon=4,{LAWS})",
]


def wavy(seed: int, num_features: int, num_actions: int, weight: float = 1.0) -> Member:
    """A member who minds all features and where everybody is."""
    weights = np.random.default_rng(seed).normal(size=(num_features, num_actions))

    def outputs(features):
        return tf.sin(3 * tf.cast(features, tf.float64) @ weights)

    return Member(outputs, softmax, weight)


def setting(game: str, *weights: float):
    """A sight of a game and members with these weights."""
    model = load_model(game)
    crowd = Crowd.of(model.game.dynamics, "auto")
    sight = Sight(model, model.observations, crowd)
    size = model.observations.shape[1] + crowd.size
    members = [
        wavy(seed, size, model.num_actions, weight)
        for seed, weight in enumerate(weights)
    ]
    return model, crowd, sight, members


@pytest.mark.parametrize("game", GAMES)
def test_a_policy_is_played_forward(game):
    """What is played at a node follows from the flow there, the outputs too."""
    model, _, sight, (member,) = setting(game, 1.0)
    play = sight.play([member])
    flow = model.compiled_distribution(play.policy)
    outputs = member.outputs(sight.features(flow.mass))
    np.testing.assert_allclose(play.outputs, outputs, atol=1e-5)
    legal = model.legal_actions
    np.testing.assert_allclose(play.policy, softmax(outputs, legal), atol=1e-5)
    blind = sight.features(model.compiled_distribution(model.uniform_policy()).mass)
    assert np.abs(member.outputs(blind) - outputs).max() > 0.1


@pytest.mark.parametrize("game", GAMES)
def test_openspiel_plays_it_with_the_same_result(game):
    model, crowd, sight, (member,) = setting(game, 1.0)
    ours = ArrayPolicy(model, sight.play([member]).policy)
    theirs = PopulationPolicy(model.game, member, crowd)
    # A policy that reads the population off the state must meet it there.
    flow = distribution.DistributionPolicy(model.game, ours)
    value = policy_value.PolicyValue(model.game, flow, theirs)
    root = model.game.new_initial_states()[0]
    expected = values_by_law(ours)[0].mean(axis=0)
    assert value(root) == pytest.approx(expected[0], abs=1e-6)
    assert nash_conv.NashConv(model.game, ours).nash_conv() == pytest.approx(
        exploitabilities(ours).mean(), abs=1e-9
    )


@pytest.mark.parametrize("game", GAMES)
def test_players_of_a_mixture_keep_to_what_they_drew(game):
    """Plain loops over members, whose parts of the population add up."""
    model, _, sight, members = setting(game, 0.5, 0.2, 0.3)
    play = sight.play(members)
    flow = model.compiled_distribution(play.policy)
    features = sight.features(flow.mass)
    d = model.game.dynamics
    reference = NumpyReference(d)
    whole = flow.mass.numpy()
    total = np.zeros((model.num_nodes, model.num_actions))
    for member in members:
        own = softmax(member.outputs(features), model.legal_actions).numpy()
        mass = np.zeros(model.num_nodes)
        mass[model.rows(0)] = member.weight * model.initial_mass.numpy()
        for (t, h, n, x), row in reference.rows.items():
            total[row] += mass[row] * own[row]
            if t + 1 == d.horizon:
                continue
            crowd = np.stack(
                [
                    [
                        whole[reference.rows[t, h, m, y]]
                        * play.policy.numpy()[reference.rows[t, h, m, y]]
                        for y in range(d.num_states)
                    ]
                    for m in range(d.num_populations)
                ]
            )
            for child, chance in reference.branches(t, h):
                landings = reference.law(t, child, reference.faced(crowd))
                for a in reference.legal(x):
                    for y, p in landings(n, x, a):
                        mass[reference.rows[t + 1, child, n, y]] += (
                            mass[row] * own[row, a] * chance * p
                        )
    np.testing.assert_allclose(total, whole[:, None] * play.policy.numpy(), atol=1e-6)


def test_equal_members_are_one():
    _, _, sight, (member,) = setting(GAMES[2], 1.0)
    halves = [member._replace(weight=0.5)] * 2
    alone, both = sight.play([member]), sight.play(halves)
    np.testing.assert_allclose(alone.policy, both.policy, atol=1e-12)


def test_densities_are_logarithms_of_shares_times_the_number_of_states():
    crowd = Crowd(2, 3)
    laws = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])
    mass = np.concatenate([0.25 * laws.ravel(), 0.75 * laws[::-1].ravel()])
    seen = crowd.densities(tf.constant(mass)).numpy()
    assert seen.shape == (12, 6)
    for rows, expected in ((seen[:6], laws), (seen[6:], laws[::-1])):
        expected = np.log(3 * expected.ravel() + 0.01)
        np.testing.assert_allclose(rows, np.tile(expected, (6, 1)), rtol=1e-5)


def test_a_convolution_needs_a_plane():
    line = load_model("mfg_beach_bar(size=6)").game.dynamics
    with pytest.raises(ValueError, match="two factors"):
        Crowd.of(line, "convolution")
    rooms = load_model("mfg_exploration(layout=empty_2x3)").game.dynamics
    assert Crowd.of(rooms, "convolution").shape == (2, 3)


@pytest.mark.parametrize(
    "game", ["mfg_exploration(layout=four_rooms_open,horizon=1)", GAMES[0]]
)
def test_players_look_around_themselves(game):
    """The densities of all states at most three steps away, in each dimension."""
    dynamics = load_model(game).game.dynamics
    crowd = Crowd.of(dynamics, "around")
    populations, states = crowd.num_populations, crowd.num_states
    laws = RNG.dirichlet(np.ones(states), size=(2, populations))
    seen = crowd.densities(tf.constant(laws.ravel())).numpy()
    assert seen.shape == (2 * populations * states, crowd.size)
    near = seen[:, populations * states :]
    near = near.reshape(2, populations, states, populations, -1)
    places = dynamics.state_coordinates()
    for state in range(states):
        steps = np.abs(places - places[state]).max(axis=1)
        logs = np.log(states * laws[:, :, steps <= 3] + 0.01)
        for facing in range(populations):
            found = near[:, facing, state]
            real = crowd.around[state] < states
            np.testing.assert_array_equal(found[..., ~real], 0)
            found = np.sort(found[..., real], axis=-1)
            np.testing.assert_allclose(found, np.sort(logs, axis=-1), rtol=1e-4)
        itself = crowd.around == np.arange(states)[:, None]
        own = near[:, 0, state][..., itself[state]][..., 0]
        expected = np.log(states * laws[:, :, state] + 0.01)
        np.testing.assert_allclose(own, expected, rtol=1e-4)
