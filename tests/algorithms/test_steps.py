"""A single player's decision problem, walked in plain loops, against the sweeps."""

import numpy as np
import pyspiel
import pytest
from toy_dynamics import RANDOM_GAMES

from algorithms.model import load_model
from algorithms.model.enumerated_model import EnumeratedModel
from algorithms.regularisers import softmax
from mfg_games.settings import SETTINGS, TESTING

GAMES = RANDOM_GAMES + tuple(
    entry.game_string for entry in SETTINGS.values() if TESTING in entry.tags
)
# Whose games have tables of moves, common noise, or transitions that see the crowd.
OTHERS = ("exploration", "predator_prey", "systemic_risk_common_noise", "sis")
CHOSEN = (*RANDOM_GAMES, *(SETTINGS[f"{n}_testing"].game_string for n in OTHERS))
OPENSPIELS = (
    "mfg_crowd_modelling",
    "python_mfg_predator_prey(horizon=2)",
    "python_mfg_dynamic_routing(max_num_time_step=6,time_step_length=0.5)",
)


def a_policy(model) -> np.ndarray:
    logits = np.random.default_rng(3).normal(size=(model.num_nodes, model.num_actions))
    return softmax(model.as_tensor(logits), model.legal_actions)


def evaluated(steps, start, policy, num_populations):
    """Q [D, A] and values [N] of a policy, row by row, the last ones first."""
    successors, probabilities, rewards = (np.asarray(array) for array in steps)
    values = np.zeros(len(rewards) + 1)
    q = np.zeros(rewards.shape)
    # Enumerated rows may be out of order in time, so repeat until nothing changes.
    while True:
        q = rewards + (probabilities * values[successors]).sum(-1)
        new = np.append((np.asarray(policy) * q).sum(-1), 0.0)
        if np.array_equal(new, values):
            break
        values = new
    value = np.zeros(num_populations)
    np.add.at(
        value, start.populations, np.asarray(start.probabilities) * values[start.rows]
    )
    return q, value


def check(model) -> None:
    while True:  # until a flow meets no nodes that were unknown
        policy = a_policy(model)
        flow = model.compiled_distribution(policy)
        if model.num_nodes == len(policy):
            break
    exact = model.compiled_evaluate(policy, flow)
    steps, start = model.compiled_steps(flow), model.start()
    assert steps.successors.dtype == np.int32
    assert np.asarray(steps.successors).max() == model.num_nodes  # the end
    np.testing.assert_allclose(np.sum(steps.probabilities, axis=-1), 1.0, atol=1e-12)
    q, value = evaluated(steps, start, policy, model.num_populations)
    np.testing.assert_allclose(value, exact.totals.value, rtol=0, atol=1e-10)
    legal = model.legal_actions.numpy()
    np.testing.assert_allclose(
        q[legal], model.absolute(exact.q, exact).numpy()[legal], rtol=0, atol=1e-10
    )
    # Players who walk the steps are where the flow is.
    mass = np.zeros(model.num_nodes + 1)
    np.add.at(mass, start.rows, start.probabilities)
    wave = mass.copy()
    while wave[:-1].any():
        flux = (wave[:-1, None] * np.asarray(policy))[..., None] * np.asarray(
            steps.probabilities
        )
        wave = np.zeros_like(mass)
        np.add.at(wave, np.asarray(steps.successors), flux)
        mass += wave
    np.testing.assert_allclose(mass[:-1], flow.mass, rtol=0, atol=1e-12)
    assert mass[-1] == pytest.approx(model.num_populations)


@pytest.mark.parametrize(
    "game",
    [pytest.param(g, marks=() if g in CHOSEN else pytest.mark.slow) for g in GAMES],
)
def test_values_on_the_steps_are_those_of_the_sweeps(game):
    check(load_model(game))


@pytest.mark.parametrize("game", (*RANDOM_GAMES[1:3], RANDOM_GAMES[6], *OPENSPIELS))
def test_enumerated_values_on_the_steps_are_those_of_the_sweeps(game):
    check(EnumeratedModel(pyspiel.load_game(game)))


ONE = "mfg_test_random(seed=9,factored=true,leaning=true,restricted=true,terminal=true,"


def test_steps_of_both_models_are_the_same():
    """Rewards without actions have no settlement nodes, so that the rows agree."""
    game = pyspiel.load_game(
        f"{ONE}action_rewards=false,common_noise=true,populations=2,discount=0.9)"
    )
    array, enumerated = load_model(game), EnumeratedModel(game)
    rows = [array.node_index(state) for state in enumerated.decision_states()]
    place = np.full(array.num_nodes + 1, -1)
    place[[*rows, array.num_nodes]] = range(len(rows) + 1)
    policy = a_policy(array)
    flow = array.compiled_distribution(policy)
    ours = array.compiled_steps(flow)
    theirs = enumerated.steps(enumerated.distribution(policy.numpy()[rows]))
    legal = enumerated.legal_actions.numpy()
    np.testing.assert_allclose(
        ours.rewards.numpy()[rows][legal], theirs.rewards.numpy()[legal], atol=1e-12
    )
    laws = []
    for steps, where in ((ours, rows), (theirs, slice(None))):
        successors = steps.successors.numpy()[where][legal]
        if steps is ours:
            successors = place[successors]
        law = np.zeros((len(successors), len(rows) + 1))
        each = np.arange(len(law))[:, None]
        np.add.at(law, (each, successors), steps.probabilities.numpy()[where][legal])
        laws.append(law)
    np.testing.assert_allclose(*laws, atol=1e-12)
    starts = [model.start() for model in (array, enumerated)]
    found = [
        dict(zip(rows_of, np.asarray(start.probabilities), strict=True))
        for start, rows_of in zip(
            starts, (place[starts[0].rows], starts[1].rows.numpy()), strict=True
        )
    ]
    assert found[0] == pytest.approx(
        {row: p for row, p in found[1].items() if p > 0}, abs=1e-12
    )


@pytest.mark.parametrize("game", GAMES)
def test_observations_are_those_of_openspiel(game):
    model = load_model(game)
    expected = [state.observation_tensor() for state in model.decision_states()]
    np.testing.assert_array_equal(model.observations, expected)


def test_other_games_are_asked_and_populations_told_apart():
    model = EnumeratedModel(pyspiel.load_game(OPENSPIELS[1]))
    observations = model.observations.numpy()
    states = list(model.decision_states())
    population = [state.mean_field_population() for state in states]
    assert set(population) == {0, 1, 2}
    np.testing.assert_array_equal(observations[:, :3].argmax(1), population)
    expected = [state.observation_tensor() for state in states]
    np.testing.assert_array_equal(observations[:, 3:], np.float32(expected))
    assert len(np.unique(observations, axis=0)) == model.num_nodes


def test_a_game_without_observation_tensor_says_so():
    model = EnumeratedModel(
        pyspiel.load_game(
            "mfg_dynamic_routing(max_num_time_step=4,time_step_length=1.0)"
        )
    )
    with pytest.raises(
        ValueError, match=r"mfg_dynamic_routing.* no observation tensor"
    ):
        _ = model.observations
