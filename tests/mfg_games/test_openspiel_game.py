"""The OpenSpiel game, state and observer derived from any `Dynamics`."""

import copy
import gc
import pickle
import tracemalloc

import numpy as np
from open_spiel.python import policy, rl_environment
from open_spiel.python.mfg.algorithms import distribution, policy_value
import pyspiel
import pytest

from mfg_games import dynamics, registration
from mfg_games.beach_bar import BeachBar
from mfg_games.registration import register

DECISION, MEAN_FIELD = pyspiel.StateType.DECISION, pyspiel.StateType.MEAN_FIELD
# Four places, one possible closing between times 0 and 1 with probability 0.25.
CLOSING = "mfg_beach_bar(size=4,horizon=2,closing_time=1,closing_probability=0.25)"
PAIR = "mfg_predator_prey(size=3,horizon=2)"
CROWD = [0.1, 0.2, 0.3, 0.4]

COPIES = {
    "clone": lambda state: state.clone(),
    "deepcopy": copy.deepcopy,
    "pickle": lambda state: pickle.loads(pickle.dumps(state)),
    "serialize": lambda state: state.get_game().deserialize_state(state.serialize()),
    "with game": lambda state: pyspiel.deserialize_game_and_state(
        pyspiel.serialize_game_and_state(state.get_game(), state)
    )[1],
}


def play(game_string: str, moves: list, population: int | None = None):
    """The state after these moves, lists being distributions to register."""
    game = pyspiel.load_game(game_string)
    if population is None:
        state = game.new_initial_state()
    else:
        state = game.new_initial_state_for_population(population)
    for move in moves:
        if isinstance(move, list):
            state.update_distribution(move)
        else:
            state.apply_action(move)
    return state


# Start at 1, stay, settle, noise stays (outcome 1) or the bar closes as well (4).
TO_MEAN_FIELD = [1, 1, 0, 1]
MOVES = [*TO_MEAN_FIELD, [0.75 * m for m in CROWD], 2, 0, 0, CROWD]


@pytest.mark.parametrize("length", range(len(MOVES) + 1))
@pytest.mark.parametrize("way", COPIES)
def test_copies_at_every_node_go_on_alike(way, length):
    state = play(CLOSING, MOVES[:length])
    twin = COPIES[way](state)
    for move in [None, *MOVES[length:]]:
        if isinstance(move, list):
            state.update_distribution(move)
            twin.update_distribution(move)
        elif move is not None:
            state.apply_action(move)
            twin.apply_action(move)
        assert str(twin) == str(state)
        assert twin.rewards() == state.rewards()
        assert twin.returns() == state.returns()
        assert twin.history() == state.history()
        assert twin.legal_actions() == state.legal_actions()
        np.testing.assert_array_equal(twin.mean_field, state.mean_field)
        if state.is_chance_node():
            assert twin.chance_outcomes() == state.chance_outcomes()
    assert state.is_terminal()


def test_a_copy_is_independent():
    state = play(CLOSING, TO_MEAN_FIELD)
    twin = state.clone()
    twin.update_distribution(CROWD)
    assert state.get_type() == MEAN_FIELD
    assert state.mean_field.tolist() == [[0.25] * 4]


def test_games_survive_pickle_and_deepcopy():
    game = pyspiel.load_game(CLOSING)
    for twin in (copy.deepcopy(game), pickle.loads(pickle.dumps(game))):
        assert str(twin) == str(game)
        assert twin.new_initial_state().chance_outcomes() == [
            (x, 0.25) for x in range(4)
        ]


def test_settlement_pays_what_the_action_costs():
    state = play("mfg_beach_bar(size=4,horizon=2)", [0])
    assert (str(state), state.rewards()) == ("t=0 x=0", [0.0])
    state.apply_action(2)
    assert str(state) == "t=0 x=0 action=2 settlement"
    assert state.legal_actions() == [0]
    assert state.get_type() == DECISION
    # The bar is at 2: 1 - 2/2, one step costs 1/4, density 1/4.
    paid = 0.0 - 0.25 + np.log(4)
    assert state.rewards() == pytest.approx([paid], abs=1e-12)
    state.apply_action(0)
    assert (str(state), state.rewards()) == ("t=0 x=0 action=2 chance", [0.0])
    assert state.returns() == pytest.approx([paid], abs=1e-12)


def test_games_without_action_costs_have_no_settlement():
    game = pyspiel.load_game(PAIR)
    assert not game.has_settlements
    crowd = [1 / 9] * 9 + 2 * [*[0.0] * 8, 1.0]
    state = play(PAIR, [2, 0, 0, crowd, 0], population=1)
    assert state.is_chance_node()
    assert state.returns()[1] != 0.0  # paid at the decision node
    assert state.returns()[0] == state.returns()[2] == 0.0


def test_common_noise_multiplies_the_chance_law_and_names_the_branch():
    state = play(CLOSING, [1, 1, 0])
    law = dict(state.chance_outcomes())
    third = 1 / 3
    expected = [0.75 * third] * 3 + [0.25 * third] * 3  # open, then closed
    assert [law[k] for k in range(6)] == pytest.approx(expected, abs=1e-12)
    closed, still_open = state.child(4), state.child(1)
    assert str(still_open) == "t=1 x=1 noise=0 mean field"
    assert str(closed) == "t=1 x=1 noise=1 mean field"
    assert closed.distribution_support() == [
        f"t=1 x={x} noise=1 mean field" for x in range(4)
    ]
    # Closed, only walking and crowding count: log of the density at x = 1.
    closed.update_distribution([0.25 * m for m in CROWD])
    closed.apply_action(1)
    assert closed.rewards() == pytest.approx([-np.log(0.2)], abs=1e-12)


def test_populations_have_their_own_start_strings_and_rewards():
    game = pyspiel.load_game(PAIR)
    roots = game.new_initial_states()
    assert [root.mean_field_population() for root in roots] == [0, 1, 2]
    assert len({str(root) for root in roots}) == 3
    with pytest.raises(ValueError, match=r"`population` must be in 0\.\.2"):
        game.new_initial_state_for_population(3)
    with pytest.raises(ValueError, match="population=-1"):
        game.new_initial_state_for_population(-1)


def test_returns_are_the_running_sum():
    state = play(CLOSING, [])
    total = 0.0
    for move in [*MOVES, None]:
        total += state.rewards()[0]
        assert state.returns()[0] == pytest.approx(total, abs=1e-12)
        if isinstance(move, list):
            state.update_distribution(move)
        elif move is not None:
            state.apply_action(move)


@pytest.mark.parametrize(
    "masses",
    [
        [0.5, 0.5],
        [],
        [0.25] * 5,
        [-0.1, 0.5, 0.5, 0.1],
        [np.nan, 0.5, 0.25, 0.25],
        [np.inf, 0.0, 0.0, 0.0],
        [1.25] * 4,
        [0.0] * 4,
        [0.1] * 4,  # neither 1 nor 0.75, the history's probability
    ],
)
def test_wrong_distributions_are_refused_and_leave_the_state_alone(masses):
    state = play(CLOSING, TO_MEAN_FIELD)
    with pytest.raises(ValueError, match=r"distribution|masses"):
        state.update_distribution(masses)
    assert state.get_type() == MEAN_FIELD
    state.update_distribution(CROWD)
    assert state.mean_field[0].tolist() == pytest.approx(CROWD)


@pytest.mark.parametrize("total", [1.0, 0.75])
def test_a_history_takes_its_own_mass_or_one(total):
    state = play(CLOSING, [*TO_MEAN_FIELD, [total * m for m in CROWD]])
    assert state.mean_field[0].tolist() == pytest.approx(CROWD)


def test_one_population_may_not_lack_what_another_has_too_much():
    state = play(PAIR, [0, 0, 0], population=0)
    masses = np.full((3, 9), 1 / 9) * np.array([[0.5], [1.5], [1.0]])
    with pytest.raises(ValueError, match=r"Received: \[0.5"):
        state.update_distribution(masses.ravel().tolist())


def test_distributions_are_for_mean_field_nodes():
    with pytest.raises(ValueError, match="needs a mean field node, not: t=0 x=1"):
        play(CLOSING, [1]).update_distribution(CROWD)


# All kinds of nodes; actions that are illegal in some states, outcomes of common noise
# and of probability zero, populations that cannot start everywhere.
PLAYED = [
    CLOSING,
    PAIR,
    "mfg_price_impact(horizon=2)",
    "mfg_exploration(horizon=2)",
    "mfg_crowd_chain(horizon=2)",
]


def first_moves(state):
    """The first possible move at every node to the end, and uniform distributions."""
    while not state.is_terminal():
        yield state.clone()
        if state.get_type() == MEAN_FIELD:
            size = len(state.distribution_support())
            state.update_distribution([1 / size] * size)
        else:
            state.apply_action(state.legal_actions()[0])
    yield state.clone()


@pytest.mark.parametrize("name", PLAYED)
def test_only_legal_actions_and_possible_outcomes_are_played(name):
    game = pyspiel.load_game(name)
    for state in first_moves(game.new_initial_state()):
        before = (str(state), state.returns(), state.history())
        possible = set(state.legal_actions())
        outcomes = range(game.num_distinct_actions() + game.max_chance_outcomes())
        for action in {-7, -2, *outcomes, 10**9, 2**62} - possible:
            for move in (state.apply_action, state.child):
                with pytest.raises(ValueError, match=r"[Aa]ction"):
                    move(action)
        with pytest.raises(pyspiel.SpielError):  # its own number for no action
            state.apply_action(-1)
        assert (str(state), state.returns(), state.history()) == before
        for action in possible:
            state.child(action)


def test_a_refused_action_is_named_with_those_that_are_legal():
    state = play("mfg_sis(horizon=3)", [0])
    with pytest.raises(ValueError, match=r"one of \[0, 1\] at t=0 .*action=7$"):
        state.apply_action(7)
    state.apply_action(1)
    with pytest.raises(ValueError, match=r"one of \[0\] at .*settlement.*action=1$"):
        state.apply_action(1)
    state.apply_action(0)
    with pytest.raises(ValueError, match=r"of chance_outcomes\(\) at .*action=9$"):
        state.apply_action(9)


def test_decision_state_built_directly_equals_the_one_played_to():
    played = play(CLOSING, MOVES[:5])
    direct = played.get_game().decision_state(population=0, t=1, history=0, x=1)
    direct.set_mean_field(played.mean_field)
    assert str(direct) == str(played)
    for state in (direct, played):
        state.apply_action(0)
    assert direct.rewards() == played.rewards()


def test_observation_shows_state_time_and_noise():
    game = pyspiel.load_game(CLOSING)
    observer = game.make_py_observer()
    assert {name: len(piece) for name, piece in observer.dict.items()} == {
        "x": 4,
        "t": 3,
        "noise_0": 2,
    }
    observer.set_from(play(CLOSING, [1, 1, 0, 4, CROWD]), player=0)
    assert observer.dict["x"].tolist() == [0, 1, 0, 0]
    assert observer.dict["t"].tolist() == [0, 1, 0]
    assert observer.dict["noise_0"].tolist() == [0, 1]
    assert observer.tensor.tolist() == [0, 1, 0, 0, 0, 1, 0, 0, 1]
    observer.set_from(game.new_initial_state(), player=0)
    assert not observer.tensor.any()


def test_observation_shows_the_population():
    game = pyspiel.load_game(PAIR)
    state = game.new_initial_state_for_population(2)
    tensor = state.observation_tensor(0)
    assert tensor[:3] == [0, 0, 1]
    assert len(tensor) == game.observation_tensor_size() == 3 + 3 + 3 + 3


@pytest.fixture
def registry(monkeypatch):
    """Keeps what a test registers out of `registered_games()`."""
    monkeypatch.setattr(registration, "_registered", {})


def test_a_taken_name_is_refused(registry):
    before = pyspiel.load_game("mfg_garnet").get_type().long_name
    with pytest.raises(ValueError, match="'mfg_garnet' is registered already"):
        register("mfg_garnet")(BeachBar)
    assert pyspiel.load_game("mfg_garnet").get_type().long_name == before
    assert registration.registered_games() == {}


class NoDefault(BeachBar):
    """A game with a parameter that has no default."""

    def __init__(self, size: int):
        super().__init__(size=size)


class ListDefault(BeachBar):
    """A game with a parameter that OpenSpiel cannot carry."""

    def __init__(self, sizes: tuple = (1, 2)):
        super().__init__(size=sizes[0])


class NamedName(BeachBar):
    """A game with a parameter that OpenSpiel keeps for itself."""

    def __init__(self, name: str = "bar"):
        super().__init__()


@pytest.mark.parametrize(
    ("game", "parameter"),
    [(NoDefault, "size"), (ListDefault, "sizes"), (NamedName, "name")],
)
def test_parameters_that_openspiel_cannot_carry_are_refused(registry, game, parameter):
    with pytest.raises(ValueError, match=f"Parameter '{parameter}' of {game.__name__}"):
        register("test_refused")(game)
    assert "test_refused" not in pyspiel.registered_names()


def test_parameters_reach_the_game_and_are_checked():
    assert pyspiel.load_game("mfg_beach_bar(size=7)").dynamics.num_states == 7
    with pytest.raises(ValueError, match=r"`size` must be .* Received: size=0"):
        pyspiel.load_game("mfg_beach_bar(size=0)")


@pytest.mark.parametrize(
    "episodes", [1_000, pytest.param(10_000, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(("name", "population"), [(CLOSING, 0), (PAIR, 1)])
def test_random_play_through_rl_environment_earns_the_exact_value(
    name, population, episodes
):
    game = pyspiel.load_game(name)
    uniform = policy.UniformRandomPolicy(game)
    flow = distribution.DistributionPolicy(game, uniform)
    exact = policy_value.PolicyValue(game, flow, uniform)
    root = game.new_initial_states()[population]
    sampler = rl_environment.ChanceEventSampler(seed=7)
    environment = rl_environment.Environment(
        game,
        chance_event_sampler=sampler,
        mfg_distribution=flow,
        mfg_population=population,
    )
    rng = np.random.default_rng(7)
    earned = np.zeros(episodes)
    for episode in range(episodes):
        step = environment.reset()
        while not step.last():
            legal = step.observations["legal_actions"][population]
            step = environment.step([rng.choice(legal)])
            earned[episode] += step.rewards[population]
    error = earned.std(ddof=1) / np.sqrt(episodes)
    assert error > 0
    assert abs(earned.mean() - exact.value(root)) < 4 * error


def load_and_copy(k: int) -> None:
    state = play(f"mfg_beach_bar(size=20,horizon={2 + k % 3})", [0, 1, 0, 0])
    state.update_distribution([1 / 20] * 20)
    for _ in range(3):
        state.clone().rewards()
    state.get_game().deserialize_state(state.serialize())


@pytest.mark.parametrize("loads", [100, pytest.param(1_000, marks=pytest.mark.slow)])
def test_loads_and_clones_leak_no_memory(loads):
    gc.collect()
    alive = len(dynamics._alive)
    tracemalloc.start()
    try:
        for k in range(10):
            load_and_copy(k)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for k in range(loads):
            load_and_copy(k)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 150_000  # a hundred leaked states would be 500 kB
    assert len(dynamics._alive) <= alive
