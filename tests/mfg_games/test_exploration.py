import math

import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import distribution, nash_conv
from open_spiel.python.mfg.games import factory
import pyspiel
import pytest
import tensorflow.experimental.numpy as tnp

from mfg_games import grid

# No symmetry: swapped axes or mirrored moves would change every number.
LOPSIDED = "#####|#...#|#.#.#|#.###|#####"
UP, LEFT, STAY, RIGHT, DOWN = range(5)


class WeightedMoves(policy.Policy):
    """Plays legal actions with probabilities proportional to fixed weights."""

    def __init__(self, game, weights):
        super().__init__(game, list(range(game.num_players())))
        self._weights = weights

    def action_probabilities(self, state, player_id=None):
        legal = state.legal_actions()
        total = sum(self._weights[action] for action in legal)
        return {action: self._weights[action] / total for action in legal}


def upstream(layout: str, start: str, horizon: int, noise: float) -> pyspiel.Game:
    """OpenSpiel's game on the same map; its cells are (x, y) = (column, row)."""
    rows = layout.split("|")
    walls = [
        f"{x}|{y}"
        for y, row in enumerate(rows)
        for x, cell in enumerate(row)
        if cell == "#"
    ]
    return pyspiel.load_game(
        "mfg_crowd_modelling_2d",
        {
            "size": len(rows),
            "horizon": horizon,
            "noise_intensity": noise,
            "only_distribution_reward": True,
            "crowd_aversion_coef": 0.7,
            "forbidden_states": "[" + ";".join(walls) + "]",
            # Alone among its parameters, this one is read as (row, column).
            "initial_distribution": f"[{start}]",
            "initial_distribution_value": "[1.0]",
        },
    )


@pytest.fixture
def lopsided():
    return pyspiel.load_game(
        "mfg_exploration",
        {
            "layout": LOPSIDED,
            "horizon": 4,
            "noise": 0.3,
            "crowd_aversion": 0.7,
            "start": "1|3",
        },
    )


def load(**settings):
    return pyspiel.load_game("mfg_exploration", settings)


def test_defaults():
    game = pyspiel.load_game("mfg_exploration")
    d = game.dynamics
    assert (d.horizon, d.num_states, d.num_actions) == (40, 104, 5)
    assert d.state_shape == (13, 13)
    assert d.factor_names == ("row", "column")
    assert d.coordinates[np.argmax(d.initial_distribution)].tolist() == [1, 1]
    assert [d.action_name(a) for a in range(5)] == list(grid.MOVE_NAMES)


def test_a_round_by_hand(lopsided):
    state = lopsided.new_initial_state()
    state.apply_action(state.chance_outcomes()[0][0])
    assert str(state) == "t=0 x=(1, 3)"
    assert state.legal_actions() == [LEFT, STAY, DOWN]
    assert state.rewards() == [0.0]  # everybody is here: log(1) = 0
    state.apply_action(LEFT)
    # In (1, 2): left, stay and right are legal, 0.1 each, and 0.7 more for no noise.
    reached = {str(state.child(k)): p for k, p in state.chance_outcomes()}
    assert reached == pytest.approx(
        {
            "t=1 x=(1, 1) mean field": 0.1,
            "t=1 x=(1, 2) mean field": 0.8,
            "t=1 x=(1, 3) mean field": 0.1,
        }
    )
    state.apply_action(LEFT)
    state.update_distribution([0.5, 0.25, 0.25, 0.0, 0.0, 0.0])
    assert state.rewards() == pytest.approx([0.7 * math.log(2)])


def test_reward_of_crowds_and_of_empty_cells():
    d = load(layout="empty_1x3", horizon=2, crowd_aversion=2.0).dynamics
    reward = d.reward(np, 0, np.array([[0.25, 0.75, 0.0]]), None)
    assert reward.shape == (1, 3, 1)
    expected = [2 * math.log(4), -2 * math.log(0.75), 50 * math.log(10)]
    np.testing.assert_allclose(reward[0, :, 0], expected)


@pytest.mark.parametrize("crowd_aversion", [2.0, -2.0])
def test_reward_range_is_attained(crowd_aversion):
    d = load(layout="empty_1x2", horizon=1, crowd_aversion=crowd_aversion).dynamics
    reward = d.reward(np, 0, np.array([[1.0, 0.0]]), None)
    assert d.reward_range == pytest.approx((reward.min(), reward.max()), abs=1e-12)


def test_reward_is_the_same_in_tensorflow():
    d = load().dynamics
    mu = np.random.default_rng(0).dirichlet(np.full(104, 0.02))[None]
    reward = d.reward(tnp, 0, tnp.asarray(mu), None)
    assert reward.dtype == np.float64
    expected = d.reward(np, 0, mu, None)
    np.testing.assert_allclose(reward.numpy(), expected, rtol=1e-14)


def test_transition_tables_are_the_same_objects_at_every_call():
    d = load().dynamics
    first, second = (d.transition(np, t, d.initial_distribution, None) for t in (0, 1))
    assert first[0] is second[0]
    assert first[0].shape == first[1].shape == (104, 5)


def test_starts():
    d = load(layout=LOPSIDED, start="uniform").dynamics
    np.testing.assert_allclose(d.initial_distribution, 1 / 6)
    d = load(layout=LOPSIDED, start="3|1;1|3").dynamics
    np.testing.assert_allclose(d.initial_distribution, [[0, 0, 0.5, 0, 0, 0.5]])


def test_a_border_of_walls_changes_nothing():
    values = [
        nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
        for game in (
            load(layout=LOPSIDED, horizon=4),
            load(layout="...|.#.|.##", horizon=4),
        )
    ]
    assert values[0] == pytest.approx(values[1], abs=1e-12)
    assert values[0] > 0.1


def test_flow_and_nash_conv_equal_upstream(lopsided):
    theirs = upstream(LOPSIDED, "1|3", horizon=4, noise=0.3)
    weights = [0.4, 0.3, 0.05, 0.05, 0.2]
    ours_played, theirs_played = (
        WeightedMoves(game, weights) for game in (lopsided, theirs)
    )
    d = lopsided.dynamics
    our_flow = distribution.DistributionPolicy(lopsided, ours_played)
    their_flow = distribution.DistributionPolicy(theirs, theirs_played)
    for t in range(4):
        for x, (row, column) in enumerate(d.coordinates):
            our_mass = our_flow.value_str(str(lopsided.decision_state(0, t, 0, x)), 0.0)
            their_mass = their_flow.value_str(f"({column}, {row}, {t})", 0.0)
            assert our_mass == pytest.approx(their_mass, abs=1e-12)
    ours = nash_conv.NashConv(lopsided, ours_played)
    expected = nash_conv.NashConv(theirs, theirs_played)
    assert ours.nash_conv() == pytest.approx(expected.nash_conv(), abs=1e-9)
    assert ours.nash_conv() > 0.1
    # At t = 0 upstream rewards a uniform density over all 25 cells, walls included.
    value = expected.br_values()[0] - 0.7 * math.log(25)
    assert ours.br_values() == pytest.approx([value], abs=1e-9)


@pytest.mark.parametrize("name", ["four_rooms", "maze"])
def test_layout_is_that_of_upstream(name):
    setting = factory.GAME_SETTINGS[f"crowd_modelling_2d_{name}"]
    walls = {
        tuple(int(number) for number in cell.split("|"))
        for cell in setting["forbidden_states"].strip("[]").split(";")
    }
    size = setting["size"]
    free = [
        [row, column]
        for row in range(size)
        for column in range(size)
        if (column, row) not in walls
    ]
    assert load(layout=name).dynamics.coordinates.tolist() == free


# NashConv of the uniform policy in OpenSpiel's four rooms.
FOUR_ROOMS = [(40, 1.0, 167.66044647), (41, 0.1, 336.14171769)]


@pytest.mark.parametrize(("horizon", "noise", "expected"), FOUR_ROOMS)
def test_four_rooms_nash_conv(sweep, horizon, noise, expected):
    d = load(horizon=horizon, noise=noise).dynamics
    assert sweep(d).nash_conv() == pytest.approx(expected, abs=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize(("horizon", "noise", "expected"), FOUR_ROOMS)
def test_four_rooms_nash_conv_through_openspiel(horizon, noise, expected):
    game = load(horizon=horizon, noise=noise)
    value = nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
    assert value == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(
    "settings",
    [
        {"horizon": 3},
        {"layout": "maze", "horizon": 3, "noise": 0.0},
        {"layout": LOPSIDED, "horizon": 5, "start": "uniform", "noise": 0.4},
        {"layout": "..|##|..", "horizon": 3, "start": "0|1;2|0"},
        {"layout": "empty_1x1", "horizon": 1},
    ],
)
def test_random_play(settings):
    game = load(**settings)
    assert str(pyspiel.load_game(str(game))) == str(game)
    pyspiel.random_sim_test(game, num_sims=5, serialize=True, verbose=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("layout", "four_romms"),
        ("layout", "..|.#|."),
        ("horizon", 0),
        ("noise", 1.5),
        ("noise", -0.1),
        ("noise", math.nan),
        ("crowd_aversion", math.inf),
        ("start", "0|0"),
        ("start", "13|1"),
        ("start", "middle"),
    ],
)
def test_bad_parameters_are_refused(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be .*{name}="):
        load(**{name: value})
