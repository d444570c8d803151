import itertools
import math

import numpy as np
from open_spiel.python import policy
from open_spiel.python.mfg.algorithms import nash_conv
import pyspiel
import pytest
import tensorflow.experimental.numpy as tnp

from mfg_games import grid
from mfg_games.moving_target import MovingTarget

UP, LEFT, STAY, RIGHT, DOWN = range(5)
DIAGONALS = list(itertools.product((-1, 1), repeat=2))


def load(**settings):
    return pyspiel.load_game("mfg_moving_target", settings)


def test_defaults():
    d = load().dynamics
    assert (d.horizon, d.num_states, d.num_actions) == (20, 400, 5)
    assert d.factor_names == ("row", "column")
    assert [d.action_name(a) for a in range(5)] == list(grid.MOVE_NAMES)
    np.testing.assert_allclose(d.initial_distribution, 1 / 400)


def test_the_target_moves_every_fifth_step_but_not_at_the_end():
    d = MovingTarget()
    moves = [t + 1 for t in range(20) if d.num_common_outcomes(t) == 4]
    assert moves == [5, 10, 15]
    histories = [d.num_histories(t) for t in (0, 4, 5, 9, 10, 14, 15, 20)]
    assert histories == [1, 1, 4, 4, 16, 16, 64, 64]
    np.testing.assert_allclose(d.history_probabilities(20), 1 / 64)


def test_the_target_may_stay_where_it_is():
    assert MovingTarget(horizon=5, move_every=5).common_noise is None
    assert MovingTarget(horizon=6, move_every=5).num_histories(5) == 4


@pytest.mark.parametrize(
    ("geometry", "last"),
    [
        # From (1, 1) by the diagonal steps, then again; the map is 2 x 2.
        ("torus", [[1, 1]] * 16),
        ("box", [[0, 0], [0, 1], [1, 0], [1, 1]] * 4),
    ],
)
def test_targets_on_a_small_map(geometry, last):
    d = MovingTarget(size=2, horizon=3, move_every=1, geometry=geometry)
    values = d.common_noise.values
    assert values[0].tolist() == [[1, 1]]
    first = [[0, 0]] * 4 if geometry == "torus" else [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert values[1].tolist() == first
    assert values[2].tolist() == last
    assert values[3].tolist() == last


def test_targets_equal_a_walk_along_each_history():
    for geometry in ("torus", "box"):
        d = MovingTarget(size=5, horizon=9, move_every=2, geometry=geometry)
        for history in range(d.num_histories(9)):
            cell = [2, 2]
            for outcome in d.common_noise.outcomes(9, history):
                step = DIAGONALS[outcome]
                cell = [c + s for c, s in zip(cell, step, strict=True)]
                cell = [
                    c % 5 if geometry == "torus" else min(max(c, 0), 4) for c in cell
                ]
            assert d.noise_value(9, history).tolist() == cell


def test_rewards_by_hand():
    mu = np.full((1, 25), 0.04)
    crowd = 0.5 * math.log(25)
    for geometry, distances in (
        ("torus", {(0, 4): 0, (4, 4): 1, (0, 0): 1, (2, 1): 4, (0, 2): 2}),
        ("box", {(0, 4): 0, (4, 4): 4, (0, 0): 4, (2, 1): 5, (0, 2): 2}),
    ):
        d = MovingTarget(size=5, attraction=3.0, crowd_aversion=0.5, geometry=geometry)
        reward = d.reward(np, 0, mu, np.array([0, 4]))
        assert reward.shape == (1, 25, 1)
        for (row, column), distance in distances.items():
            expected = 3 * (1 - distance / 10) + crowd
            assert reward[0, 5 * row + column, 0] == pytest.approx(expected)


def test_without_moves_the_target_stays_in_the_middle():
    d = MovingTarget(size=3, horizon=2, crowd_aversion=0.0)
    reward = d.reward(np, 0, d.initial_distribution, None)[0, :, 0].reshape(3, 3)
    near, far = 10 * (1 - 1 / 6), 10 * (1 - 2 / 6)
    expected = [[far, near, far], [near, 10, near], [far, near, far]]
    np.testing.assert_allclose(reward, expected)


@pytest.mark.parametrize("geometry", ["torus", "box"])
@pytest.mark.parametrize("attraction", [4.0, -4.0])
@pytest.mark.parametrize("crowd_aversion", [1.0, -1.0])
def test_reward_range_is_attained(geometry, attraction, crowd_aversion):
    d = MovingTarget(
        size=3, attraction=attraction, crowd_aversion=crowd_aversion, geometry=geometry
    )
    rewards = np.stack(
        [
            d.reward(np, 0, mu, np.array(target))
            for target in itertools.product(range(3), repeat=2)
            for mu in np.eye(9)[:, None]
        ]
    )
    assert d.reward_range == pytest.approx((rewards.min(), rewards.max()))


@pytest.mark.parametrize("geometry", ["torus", "box"])
def test_reward_is_the_same_in_tensorflow(geometry):
    d = MovingTarget(geometry=geometry)
    mu = np.random.default_rng(0).dirichlet(np.full(400, 0.02))[None]
    target = np.array([3, 17])
    reward = d.reward(tnp, 0, tnp.asarray(mu), tnp.asarray(target))
    assert reward.dtype == np.float64
    expected = d.reward(np, 0, mu, target)
    np.testing.assert_allclose(reward.numpy(), expected, rtol=1e-14)


def test_moves_and_noise_wrap_round_the_torus(kernel):
    d = MovingTarget(size=3, noise=0.4)
    law = kernel(d, 0, d.initial_distribution, None)[0, 0, UP].reshape(3, 3)
    np.testing.assert_allclose(
        law, [[0.1, 0, 0], [0.1, 0, 0], [0.6, 0.1, 0.1]], atol=1e-15
    )


def test_moves_and_noise_stop_at_the_edges_of_the_box(kernel):
    d = MovingTarget(size=3, noise=0.4, geometry="box")
    law = kernel(d, 0, d.initial_distribution, None)[0, 0, UP].reshape(3, 3)
    np.testing.assert_allclose(law, [[0.8, 0.1, 0], [0.1, 0, 0], [0, 0, 0]], atol=1e-15)


def test_a_round_with_common_noise():
    state = load(size=3, horizon=2, move_every=1, noise=0.0).new_initial_state()
    state.apply_action(0)
    assert str(state) == "t=0 x=(0, 0)"
    state.apply_action(STAY)
    assert [p for _, p in state.chance_outcomes()] == [0.25] * 4
    children = [state.child(k) for k, _ in state.chance_outcomes()]
    assert [str(child) for child in children] == [
        f"t=1 x=(0, 0) noise={k} mean field" for k in range(4)
    ]
    # The target is in (0, 0), (0, 2), (2, 0) or (2, 2): next to (0, 0) on the torus.
    for child, distance in zip(children, (0, 1, 1, 2), strict=True):
        child.update_distribution([1 / 9] * 9)
        assert child.rewards() == pytest.approx([10 * (1 - distance / 6) + math.log(9)])


def relative_values(d, steps_of_target: dict[int, list]) -> dict:
    """Best values against a uniform crowd, by position relative to the target.

    Args:
      d: the game on a torus, with a crowd that stays uniform.
      steps_of_target: the steps that the target may take before each time.
    """
    size, noise = d.state_shape[0], 0.5
    crowd = math.log(size**2)
    offsets = list(itertools.product(range(size), repeat=2))
    ways = [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)]
    law = [1 - noise, *[noise / 4] * 4]
    values = dict.fromkeys(offsets, 0.0)
    for t in reversed(range(d.horizon)):
        targets = steps_of_target.get(t + 1, [(0, 0)])
        now = {}
        for row, column in offsets:
            distance = min(row, size - row) + min(column, size - column)
            best = max(
                sum(
                    p
                    * values[(row + a + e - m) % size, (column + b + f - n) % size]
                    / len(targets)
                    for p, (e, f) in zip(law, ways, strict=True)
                    for m, n in targets
                )
                for a, b in ways
            )
            now[row, column] = 10 * (1 - distance / (2 * size)) + crowd + best
        values = now
    return values


def test_values_against_a_uniform_crowd(sweep):
    """The uniform policy keeps the crowd uniform, and only the distance counts.

    The game then is one player's, and its state the position seen from the target.
    """
    d = MovingTarget(size=3, horizon=4, noise=0.5, move_every=2)
    swept = sweep(d)
    for mu in swept.flow.values():
        np.testing.assert_allclose(mu, 1 / 9)
    values = relative_values(d, {2: DIAGONALS})
    expected = [
        values[(row - 1) % 3, (column - 1) % 3]
        for row, column in d.state_coordinates().tolist()
    ]
    np.testing.assert_allclose(swept.best[0], expected)
    mean_distance = 2 * (0 + 1 + 1) / 3
    mean = 4 * (10 * (1 - mean_distance / 6) + math.log(9))
    assert swept.values.mean() == pytest.approx(mean)


@pytest.mark.parametrize("geometry", ["torus", "box"])
def test_nash_conv_equals_openspiels(sweep, geometry):
    game = load(size=3, horizon=3, move_every=2, noise=0.3, geometry=geometry)
    value = nash_conv.NashConv(game, policy.UniformRandomPolicy(game)).nash_conv()
    assert value == pytest.approx(sweep(game.dynamics).nash_conv(), abs=1e-10)
    assert value > 0.1


@pytest.mark.parametrize(
    "settings",
    [
        {"horizon": 4, "move_every": 2},
        {"size": 3, "horizon": 5, "geometry": "box", "move_every": 1},
        {"size": 1, "horizon": 1},
    ],
)
def test_random_play(settings):
    game = load(**settings)
    assert str(pyspiel.load_game(str(game))) == str(game)
    pyspiel.random_sim_test(game, num_sims=3, serialize=True, verbose=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", 0),
        ("horizon", 0),
        ("noise", 1.5),
        ("noise", math.nan),
        ("attraction", math.inf),
        ("crowd_aversion", math.nan),
        ("move_every", 0),
        ("move_every", 2),
        ("geometry", "square"),
    ],
)
def test_bad_parameters_are_refused(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be .*{name}="):
        load(**{name: value})
