"""Two-time-scale Q-learning between exact equilibria and exact social optima."""

import numpy as np
import pyspiel
import pytest
import scipy.optimize
import scipy.special
import toy_dynamics  # noqa: F401  registers the games

from algorithms.checkpoint import load, save
from algorithms.fictitious_play import FictitiousPlay
from algorithms.frozen_world import SampledWorld
from algorithms.history import Record
from algorithms.planner import load_planner
from algorithms.two_timescale_q_learning import (
    Tables,
    TwoTimescaleQLearning,
    follow,
    walk,
)
from mfg_games.choice import Choice
from mfg_games.dynamics import Dynamics
from mfg_games.registration import register

DILEMMA, POLLUTERS = "mfg_test_dilemma", "mfg_test_polluters"
ROADS = "mfg_test_two_roads"
# The exponents of the law and the values for each of the two problems.
GAME = {"omega_q": 0.55, "omega_mu": 0.85}
CONTROL = {"omega_q": 0.65, "omega_mu": 0.15}


@register(DILEMMA)
class Dilemma(Choice):
    """Cooperators are worth 3 to all, defectors take 1 more: W = 1 + 2 c.

    Defection is better whatever the share c of cooperators is.
    """

    def __init__(self, horizon: int = 2):
        payoffs = np.array([[0.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 4.0, 1.0]])
        super().__init__(("cooperate", "defect"), payoffs, horizon)


@register(POLLUTERS)
class Polluters(Dynamics):
    """One half of the players may take 1, which costs the other half 2.

    In state 0 action 0 leads to state 1 and action 1 to state 2, which pays 1; the
    players in state 3 stay there and pay 4 times the share of state 2.
    """

    def __init__(self):
        self.horizon, self.num_actions, self.state_shape = 2, 2, (4,)
        self.initial_distribution = np.array([[0.5, 0.0, 0.0, 0.5]])
        self.moves = np.array([[1, 2], [1, 1], [2, 2], [3, 3]], np.int32)
        self.reward_range = (-4.0, 1.0)
        self._successors = np.arange(4, dtype=np.int32)[:, None]
        self._payoffs = np.zeros((4, 4))
        self._payoffs[3, 2] = -4.0

    def transition(self, xp, t, mu, z):
        return self._successors, np.ones(1)

    def reward(self, xp, t, mu, z):
        earned = np.array([0.0, 0.0, 1.0, 0.0])
        return (earned + xp.matmul(mu, self._payoffs.T))[..., None]


def solved(game: str, iterations: int, **options) -> TwoTimescaleQLearning:
    solver = TwoTimescaleQLearning(game, **options)
    for _ in range(iterations):
        solver.iteration()
    return solver


def first_choice(solver) -> np.ndarray:
    return solver.get_policy().probabilities[0]


# ---- the two problems ----------------------------------------------------------------


def optimality_gap(planner, solver) -> float:
    """What the planner gains by its best response to the derivative rewards."""
    policy = planner.as_tensor(solver.get_policy().probabilities)
    values = planner.evaluate(policy, planner.distribution(policy))
    return float(values.totals.exploitability)


def test_a_slower_law_finds_the_equilibrium_and_a_faster_one_the_optimum(seed):
    slow, fast = (solved(DILEMMA, 2, **each, seed=seed) for each in (GAME, CONTROL))
    planner = load_planner(DILEMMA)
    assert slow.exploitability == pytest.approx(0.0, abs=1e-12)
    assert slow.metrics["welfare"] == pytest.approx(1.0)
    assert optimality_gap(planner, slow) == pytest.approx(2.0)
    # A player who left the cooperators would get 4 in place of 3.
    assert fast.exploitability == pytest.approx(1.0)
    assert fast.metrics["welfare"] == pytest.approx(3.0)
    assert optimality_gap(planner, fast) == pytest.approx(0.0, abs=1e-12)


def test_a_temperature_settles_a_mixed_equilibrium(seed):
    """Where p = sigmoid((r_0 - r_1) / temperature): the law, which is slow, to 0.05.

    0.022 at most for 20 seeds; 0.11 without a temperature, 0.14 with an endless one.
    """
    expected = scipy.optimize.brentq(
        lambda p: p - scipy.special.expit((1.5 - 2 * p) / 0.4), 0.0, 1.0
    )
    options = {"temperature": 0.4, "exploration": 0.0, "players": 5, "seed": seed}
    solver = solved(ROADS, 10, **GAME, **options)
    law = solver.variables["law"].numpy().sum(-1)[2:4]
    np.testing.assert_allclose(law, [expected, 1 - expected], atol=0.05)


# ---- failure modes -------------------------------------------------------------------


def test_with_equal_rates_the_answer_depends_on_when_one_stops(seed):
    solver = solved(DILEMMA, 1, omega_q=0.55, omega_mu=0.55, seed=seed)
    assert first_choice(solver)[0] == 1.0
    for _ in range(5):
        solver.iteration()
    assert first_choice(solver)[0] == 0.0


def test_without_exploration_what_was_tried_first_stays(seed):
    solver = solved(DILEMMA, 1, **GAME, exploration=0.0, seed=seed)
    assert first_choice(solver)[0] == 1.0
    assert solver.exploitability == pytest.approx(1.0)


def test_a_faster_law_finds_no_mixed_optimum(seed):
    """The planner sends 5/8 to road 0, all of a crowd that moves as one go there."""
    solver = solved(ROADS, 1, **CONTROL, seed=seed)
    assert first_choice(solver)[0] == 1.0
    assert solver.metrics["welfare"] == pytest.approx(-1 / 2)


def test_a_faster_law_does_not_see_what_is_done_to_others(seed):
    solver = solved(POLLUTERS, 1, **CONTROL, seed=seed)
    assert first_choice(solver)[1] == 1.0
    assert solver.metrics["welfare"] == pytest.approx(1 / 2 - 1)
    assert optimality_gap(load_planner(POLLUTERS), solver) == pytest.approx(1 / 2)


# ---- the algorithm -------------------------------------------------------------------


def test_law_by_hand():
    law, met = np.full((1, 1, 2, 1), 0.5), np.zeros((1, 1, 2))

    def see(*states):
        places = (*np.zeros((2, len(states)), int), np.array(states))
        follow(law, met, (*places, np.zeros(len(states), int)), 0.5)

    see(0, 0, 0)  # the first rate is 1
    np.testing.assert_allclose(law.ravel(), [1, 0])
    see(1, 1)  # twice at the rate 1 / sqrt(1 + 3)
    np.testing.assert_allclose(law.ravel(), [0.25, 0.75])
    assert (met == 5).all()


def test_laws_of_histories_and_populations_move_apart():
    law, met = np.full((2, 2, 2, 1), 0.5), np.zeros((2, 2, 2))
    follow(law, met, tuple(np.array([[1], [0], [1], [0]])), 0.5)
    np.testing.assert_array_equal(law[1, 0].ravel(), [0, 1])
    assert (law[0] == 0.5).all()
    assert (law[1, 1] == 0.5).all()
    assert met.sum(axis=-1).tolist() == [[0, 0], [2, 0]]


def test_walks_by_hand():
    """Three players take road 0, then road 1, then road 0 again."""
    d = pyspiel.load_game(ROADS).dynamics
    q, visits = np.full((4, 2), -10.0), np.zeros((4, 2))
    tables = Tables.of(d, q, visits=visits, law=np.full((6, 2), 0.25), met=np.zeros(6))
    for road in (0, 1, 0):
        actions = [np.full((1, 1, 2), road)] * 2
        walk(tables, SampledWorld(d), actions, 3, 0.5, 0.5, np.random.default_rng(0))
    share = 1 - (1 - 7**-0.5) ** 3  # of the third move of the law, from 1/8 on road 0
    reward = 0.5 - (1 / 8 + share * 7 / 8)
    last = -0.5 + 7 / 8 * (reward + 0.5)  # three moves at the rate 1/2
    first = -0.5 + 7 / 8 * (last + 0.5)
    expected = [[first, -7 / 8], [-10, -10], [last, -10], [-10, -7 / 8]]
    np.testing.assert_allclose(q, expected)
    np.testing.assert_array_equal(visits, [[6, 3], [0, 0], [6, 0], [0, 3]])


_ALL = (
    "states=3,horizon=2,populations=2,common_noise=true,leaning=true,restricted=true,"
    "terminal=true,discount=0.8"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "game",
    [
        f"mfg_test_joint(seed=7,{_ALL})",
        f"mfg_test_random(seed=2,{_ALL})",
        f"mfg_test_random(seed=3,factored=true,{_ALL})",
    ],
)
def test_tables_of_crowds_at_random_are_exact_in_the_limit(game, seed):
    """A temperature without end makes the policy uniform, whatever the values."""
    solver = solved(
        game,
        1,
        omega_q=1.0,
        omega_mu=1.0,
        temperature=1e9,
        exploration=0.0,
        crowds=4000,
        players=4,
        seed=seed,
    )
    model, d = solver.model, solver.game.dynamics
    uniform = model.uniform_policy()
    flow = model.compiled_distribution(uniform)
    values = model.compiled_evaluate(uniform, flow)
    law = solver.variables["law"].numpy()
    shares = np.concatenate(
        [
            np.repeat(d.history_probabilities(t), d.num_populations * d.num_states)
            for t in range(d.horizon + 1)
        ]
    )
    mass = np.concatenate([flow.mass, np.ravel(flow.rest)]) / shares
    np.testing.assert_allclose(law.sum(-1), mass, atol=0.04)
    met = np.asarray(flow.mass) > 0.02
    error = np.where(
        model.legal_actions,
        solver.state["q"] - model.absolute(values.best_q, values),
        0,
    )[met]
    assert abs(error).max() < 0.2
    assert solver.variables["met"].numpy()[:3].tolist() == [16_000] * 3


def test_same_seed_same_numbers_also_after_a_break(tmp_path):
    options = {"crowds": 10, "players": 5, "dtype": "float32"}
    first, fresh = (solved(DILEMMA, 2, **options) for _ in range(2))
    other = solved(DILEMMA, 2, seed=1, **options)
    equal(first.state, fresh.state)
    assert np.any(first.state["visits"] != other.state["visits"])
    save(tmp_path / "c.npz", first, first.state, [Record(0, 1.0, 0.0)])
    first.iteration()
    load(tmp_path / "c.npz", fresh)
    fresh.iteration()
    equal(first.state, fresh.state)


def equal(state, other) -> None:
    for name, array in state.items():
        np.testing.assert_array_equal(array, other[name])


def test_a_crowd_may_be_the_learner_itself(seed):
    """One player in a crowd, as in the paper; a faster law is then where it is."""
    options = CONTROL | {"omega_mu": 0.0, "players": 1, "crowds": 200, "seed": seed}
    solver = solved(DILEMMA, 1, **options)
    assert first_choice(solver)[0] == 1.0
    assert set(np.unique(solver.variables["law"].numpy())) == {0.0, 1.0}


BAR = "mfg_beach_bar(size=6,horizon=4,closing_time=2)"


@pytest.mark.slow
def test_a_bar_on_the_beach_as_by_exact_fictitious_play(seed):
    exact = FictitiousPlay(BAR, temperature=0.2)
    for _ in range(200):
        exact.iteration()
    solver = solved(BAR, 10, **GAME, temperature=0.2, players=20, seed=seed)
    masses = [s.flow.mass.numpy() for s in (exact, solver)]
    np.testing.assert_allclose(*masses, atol=0.02)
    assert solver.exploitability == pytest.approx(exact.exploitability, rel=0.1)


@pytest.mark.slow
def test_a_temperature_alone_explores_too_little(seed):
    """An empty place seems better by a logarithm than it is, and a full one worse."""
    options = GAME | {"temperature": 0.2, "players": 20, "seed": seed}
    explored, stuck = (
        solved(BAR, 5, **options),
        solved(BAR, 5, **options, exploration=0.0),
    )
    assert stuck.exploitability > 2 * explored.exploitability


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"omega_q": -0.1}, r"`omega_q` must be in \[0, 1\]"),
        ({"omega_mu": 1.1}, r"`omega_mu` must be in \[0, 1\]"),
        ({"crowds": 0}, "`crowds` must be at least 1"),
        ({"players": 0}, "`players` must be at least 1"),
        ({"exploration": 1.1}, "`exploration` must be a probability"),
        ({"temperature": 0.0}, "`temperature` must be above 0"),
        ({"seed": -1}, "`seed` must be at least 0"),
    ],
)
def test_wrong_parameters_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        TwoTimescaleQLearning(ROADS, **options)


def test_games_of_others_are_refused():
    with pytest.raises(ValueError, match=r"mfg_games.*mfg_crowd_modelling"):
        TwoTimescaleQLearning("mfg_crowd_modelling")
