import math

import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import open_spiel.python.mfg.games.predator_prey  # noqa: F401 - registers the game
import pyspiel
import pytest
import tensorflow.experimental.numpy as tnp

from mfg_games import grid

UP, LEFT, STAY, RIGHT, DOWN = range(5)
UPSTREAM_MOVES = (STAY, RIGHT, DOWN, UP, LEFT)  # its x is the column, its y the row


class WeightedMoves(policy.Policy):
    """Plays the actions with the same probabilities everywhere."""

    def __init__(self, game, probabilities):
        super().__init__(game, list(range(game.num_players())))
        self._probabilities = dict(enumerate(probabilities))

    def action_probabilities(self, state, player_id=None):
        return self._probabilities


def load(**settings):
    return pyspiel.load_game("mfg_predator_prey", settings)


def upstream(ours) -> pyspiel.Game:
    """OpenSpiel's game with the same settings and starts."""
    settings = ours.get_parameters()
    numbers = settings["rewards"].replace(";", " ")
    return pyspiel.load_game(
        "python_mfg_predator_prey",
        {
            "size": settings["size"],
            "horizon": settings["horizon"],
            "players": settings["populations"],
            "reward_matrix": numbers,
            "geometry": 1 if settings["geometry"] == "torus" else 0,
            "init_distrib": " ".join(map(str, ours.dynamics.initial_distribution.flat)),
            "noise_probability": settings["noise"],
            "congestion_coeff": settings["crowd_aversion"],
        },
    )


def start_cells(**settings):
    d = load(**settings).dynamics
    return d.state_coordinates()[d.initial_distribution.argmax(axis=1)].tolist()


def rewards_of(populations):
    """R, read off the rewards of distributions that differ by one population."""
    d = load(populations=populations, crowd_aversion=0.0).dynamics
    mu = np.zeros((populations, d.num_states))
    mu[:, :populations] = np.eye(populations)
    return d.reward(np, 0, mu, None)[:, :populations, 0].tolist()


def test_defaults():
    d = load().dynamics
    assert (d.num_populations, d.horizon, d.num_states, d.num_actions) == (3, 10, 25, 5)
    assert d.state_shape == (5, 5)
    assert d.factor_names == ("row", "column")
    assert [d.action_name(a) for a in range(5)] == list(grid.MOVE_NAMES)


def test_preset_rewards():
    assert rewards_of(2) == [[0, 1], [-1, 0]]
    assert rewards_of(3) == [[0, -1, 1], [1, 0, -1], [-1, 1, 0]]
    assert rewards_of(4) == [[0, 1, 0, -1], [-1, 0, 1, 0], [0, -1, 0, 1], [1, 0, -1, 0]]
    assert rewards_of(5) == [
        [0, 1, 0, 0, -1],
        [-1, 0, 1, 0, 0],
        [0, -1, 0, 1, 0],
        [0, 0, -1, 0, 1],
        [1, 0, 0, -1, 0],
    ]


def test_rewards_by_hand():
    d = load(
        populations=2, size=2, crowd_aversion=0.5, rewards="0.25 -3;2 0.0"
    ).dynamics
    mu = np.array([[0.5, 0.5, 0.0, 0.0], [0.0, 0.25, 0.75, 0.0]])
    reward = d.reward(np, 0, mu, None)
    empty = 0.5 * 25 * math.log(10)
    expected = [
        [
            0.5 * math.log(2) + 0.125,
            0.5 * math.log(2) + 0.125 - 0.75,
            empty - 2.25,
            empty,
        ],
        [empty + 1.0, math.log(2) + 1.0, -0.5 * math.log(0.75), empty],
    ]
    assert reward.shape == (2, 4, 1)
    np.testing.assert_allclose(reward[..., 0], expected)


def test_reward_range_is_attained():
    d = load(populations=2, size=2, rewards="0 -3;2 0").dynamics
    here = np.eye(4)[[0, 0]]
    apart = np.eye(4)[[0, 1]]
    rewards = np.stack([d.reward(np, 0, mu, None) for mu in (here, apart)])
    assert rewards.min() == pytest.approx(-3.0)
    assert rewards.max() == pytest.approx(25 * math.log(10) + 2.0)
    assert d.reward_range == pytest.approx((rewards.min(), rewards.max()))


def test_reward_range_with_attraction_to_the_own_crowd():
    d = load(populations=2, size=2, crowd_aversion=-1.0, rewards="0 1;-1 0").dynamics
    assert d.reward_range == pytest.approx((-25 * math.log(10) - 1.0, 1.0))


@pytest.mark.parametrize("populations", [2, 3, 5])
def test_reward_is_the_same_in_tensorflow(populations):
    d = load(populations=populations).dynamics
    mu = np.random.default_rng(0).dirichlet(np.full(25, 0.05), size=populations)
    reward = d.reward(tnp, 0, tnp.asarray(mu), None)
    assert reward.dtype == np.float64
    expected = d.reward(np, 0, mu, None)
    np.testing.assert_allclose(reward.numpy(), expected, rtol=1e-14, atol=1e-15)


def test_noise_in_the_corner_of_a_square():
    state = load(noise=0.4).new_initial_state_for_population(0)
    state.apply_action(0)
    assert state.legal_actions() == [UP, LEFT, STAY, RIGHT, DOWN]
    state.apply_action(UP)  # stays put at the edge
    assert [p for _, p in state.chance_outcomes()] == pytest.approx(
        [0.1, 0.1, 0.6, 0.1, 0.1]
    )
    reached = [str(state.child(k)) for k, _ in state.chance_outcomes()]
    cells = ["(0, 0)", "(0, 0)", "(0, 0)", "(0, 1)", "(1, 0)"]
    assert reached == [f"population=0 t=1 x={cell} mean field" for cell in cells]


def test_torus_has_no_edges():
    state = load(geometry="torus", noise=0.0).new_initial_state_for_population(0)
    state.apply_action(0)
    state.apply_action(UP)
    assert state.chance_outcomes() == [(STAY, 1.0)]
    assert str(state.child(STAY)) == "population=0 t=1 x=(4, 0) mean field"


def test_transition_tables_are_the_same_objects_at_every_call():
    d = load().dynamics
    first, second = (d.transition(np, t, d.initial_distribution, None) for t in (0, 1))
    assert first[0] is second[0]
    assert first[0].shape == (25, 5)


def test_populations_start_on_the_border():
    corners = [[0, 0], [0, 4], [4, 4], [4, 0]]
    assert start_cells(populations=2) == corners[:2]
    assert start_cells(populations=4) == corners
    assert start_cells(populations=5) == [*corners, [0, 2]]
    assert start_cells(populations=6) == [*corners, [0, 2], [4, 2]]
    sides = [[0, 2], [2, 4], [4, 2], [2, 0]]
    assert start_cells(populations=8) == corners + sides


@pytest.mark.parametrize("populations", range(2, 17))
def test_no_two_populations_start_in_one_cell(populations):
    cells = start_cells(populations=populations)
    assert len({tuple(cell) for cell in cells}) == populations
    assert all(0 in cell or 4 in cell for cell in cells)


@pytest.mark.parametrize(
    ("populations", "horizon", "expected"), [(3, 10, 36.96838393), (4, 20, 67.89876237)]
)
def test_nash_conv_of_upstream_settings(sweep, populations, horizon, expected):
    """OpenSpiel's values: its starts differ by a symmetry of the square."""
    d = load(populations=populations, horizon=horizon).dynamics
    assert sweep(d).nash_conv() == pytest.approx(expected, abs=1e-8)


@pytest.mark.slow
def test_nash_conv_at_5x5x3_through_openspiel():
    game = load()
    value = nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
    assert value == pytest.approx(36.96838393, abs=1e-8)


@pytest.mark.parametrize(
    "settings",
    [
        {"populations": 2, "size": 3, "rewards": "0.5 -1;2 0.25", "noise": 0.3},
        {
            "populations": 3,
            "size": 4,
            "horizon": 3,
            "geometry": "torus",
            "noise": 0.6,
            "crowd_aversion": 0.4,
            "rewards": "0 -1 2;1 0.5 -1;-3 1 0",
        },
    ],
)
def test_nash_conv_equals_upstream(settings):
    ours = load(**{"horizon": 4, **settings})
    theirs = upstream(ours)
    weights = [0.4, 0.3, 0.05, 0.05, 0.2]
    value = nash_conv.NashConv(ours, WeightedMoves(ours, weights)).nash_conv()
    moved = [weights[move] for move in UPSTREAM_MOVES]
    expected = nash_conv.NashConv(theirs, WeightedMoves(theirs, moved)).nash_conv()
    assert value == pytest.approx(expected, abs=1e-9)
    assert value > 0.1


@pytest.mark.parametrize(
    "settings",
    [
        {"populations": 2, "horizon": 3, "geometry": "torus"},
        {"populations": 3, "horizon": 3},
        {"populations": 5, "size": 3, "horizon": 2, "noise": 0.0},
        {"populations": 2, "size": 2, "horizon": 1, "rewards": "0 1;1 0"},
    ],
)
def test_random_play(settings):
    game = load(**settings)
    assert str(pyspiel.load_game(str(game))) == str(game)
    for population in range(settings["populations"]):
        pyspiel.random_sim_test(
            game,
            num_sims=3,
            serialize=True,
            verbose=False,
            mean_field_population=population,
        )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("populations", 1),
        ("populations", 17),
        ("size", 1),
        ("horizon", 0),
        ("noise", 1.5),
        ("noise", math.nan),
        ("crowd_aversion", math.inf),
        ("geometry", "sphere"),
        ("rewards", "0 1;1 0"),
        ("rewards", "0 1 2;1 0;1 2 3"),
        ("rewards", "a b c;d e f;g h i"),
        ("rewards", "0 0 0;0 nan 0;0 0 0"),
    ],
)
def test_bad_parameters_are_refused(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be .*{name}="):
        load(**{name: value})
