import math

import numpy as np
from numpy_reference import NumpyReference
import pyspiel
import pytest
from toy_dynamics import RANDOM_GAMES

from algorithms.adaptive_mirror_descent import AdaptiveMirrorDescent
from algorithms.mirror_descent import MirrorDescent
from algorithms.run import run
from mfg_games.settings import SETTINGS, setting

BEACH_BAR = "mfg_beach_bar(size=10,horizon=5)"
BRAESS = "python_mfg_dynamic_routing(max_num_time_step=5,time_step_length=1.0)"


class PlainAdaptiveDescent:
    """The rules of the docstring for softmax policies, in NumPy."""

    def __init__(self, reference: NumpyReference):
        self.reference = reference
        self.scores = self.base = np.zeros_like(reference.uniform_policy())
        self.step, self.age, self.growth = 0.0, 0, 2.0
        self.rejections = self.regrets = 0

    def measured(self, scores):
        """Policy, mass and values of scores."""
        policy = self.reference.softmax(scores)
        flow = self.reference.distribution(policy)
        q, _ = self.reference.action_values(flow, policy)
        return (
            policy,
            self.reference.mass(flow),
            q * (self.reference.softmax(0 * q) > 0),
        )

    def iteration(self):
        policy, mass, q = self.measured(self.scores)
        if self.step == 0:
            mean = (policy * q).sum(1, keepdims=True)
            self.step = (mass @ (policy * (q - mean) ** 2).sum(1)) ** -0.5
            self.age, self.scores = 1, self.step * q
            return
        old_policy, old_mass, old_q = self.measured(self.base)
        change = policy - old_policy
        move = self.scores - self.base
        before = mass * (old_q * change).sum(1)
        after = old_mass * (q * change).sum(1)
        curvature = abs(before - after).sum() / (mass @ (move * change).sum(1))
        rejected, regretted = self.step * curvature > 1, after.sum() < 0
        self.rejections += rejected
        self.regrets += regretted and not rejected
        self.age = 0 if rejected or regretted else self.age + 1
        momentum = min(self.age / (self.age + 3), 0.9)
        bearable = (1 - momentum) / 2 / curvature
        wanted = self.growth * self.step
        if bearable < wanted:
            wanted, self.growth = max(bearable, 0.1 * self.step), 1.1
        self.step = wanted
        if not rejected:
            self.base, old_q = self.scores, q
        self.scores = self.base + self.step * old_q + momentum * move


@pytest.mark.parametrize("game", [RANDOM_GAMES[1], RANDOM_GAMES[3]])
def test_trajectory_equals_plain_loops(game):
    solver = AdaptiveMirrorDescent(game)
    plain = PlainAdaptiveDescent(NumpyReference(solver.game.dynamics))
    for _ in range(25):
        solver.iteration()
        plain.iteration()
        expected = plain.reference.softmax(plain.scores)
        found = solver.get_policy().probabilities
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    assert plain.growth == 1.1
    assert plain.rejections + plain.regrets > 0


def test_the_first_move_is_one_of_mirror_descent():
    solver = AdaptiveMirrorDescent(BEACH_BAR)
    solver.iteration()
    fixed = MirrorDescent(BEACH_BAR, lr=float(solver.state["step"]))
    fixed.iteration()
    policies = solver.get_policy().probabilities, fixed.get_policy().probabilities
    np.testing.assert_allclose(*policies, atol=1e-14)


@pytest.mark.parametrize("scale, tolerance", [(2.0**20, 0.0), (1e-3, 1e-7)])
def test_scaling_all_rewards_leaves_the_policies(scale, tolerance):
    # Crowd aversion is the only reward of this game. Powers of two scale exactly.
    solvers = [
        AdaptiveMirrorDescent(f"mfg_exploration(horizon=8,crowd_aversion={aversion!r})")
        for aversion in (1.0, scale)
    ]
    for _ in range(30):
        for solver in solvers:
            solver.iteration()
        first, second = (solver.get_policy().probabilities for solver in solvers)
        np.testing.assert_allclose(second, first, rtol=0, atol=tolerance)


def test_a_step_that_overshoots_is_taken_back():
    solver = AdaptiveMirrorDescent("mfg_exploration(horizon=8)")
    for _ in range(5):
        solver.iteration()
    good = solver.exploitability
    solver.iteration(learning_rate=1e4)
    before = solver.state
    assert solver.exploitability > 5 * good
    solver.iteration()
    after = solver.state
    np.testing.assert_array_equal(after["accepted_scores"], before["accepted_scores"])
    assert float(after["step"]) == pytest.approx(0.1 * float(before["step"]))
    for _ in range(20):
        solver.iteration()
    assert solver.exploitability < good


@pytest.mark.xla
@pytest.mark.parametrize(
    "game, iterations, best_fixed",
    [
        # Mirror descent at its best rates, computed by an independent program.
        ("mfg_beach_bar(size=100,horizon=15)", 200, 0.0265),
        ("mfg_exploration(horizon=41,noise=0.1)", 300, 0.136),
        ("mfg_exploration(horizon=40,noise=1.0)", 300, 0.272),
    ],
)
def test_it_beats_the_best_fixed_rates(game, iterations, best_fixed):
    solver = AdaptiveMirrorDescent(game)
    for _ in range(iterations):
        solver.iteration()
    assert solver.exploitability < best_fixed / 5


# The lowest exploitability of mirror descent after as many iterations, over rates of
# half decades from 0.001 to 10.
@pytest.mark.slow
@pytest.mark.parametrize(
    "name, best_fixed",
    [
        ("maze_deep_2022", 1.51),
        ("chasing_3_populations_2021", 0.00524),
        ("chasing_4_populations_2021", 0.00707),
        ("beach_bar_closing_2020", 0.00981),
        ("linear_quadratic_2020", 3.35e-5),
    ],
)
def test_it_beats_the_best_fixed_rates_to_the_end(name, best_fixed):
    result = run(AdaptiveMirrorDescent(setting(name).load()), 300, progress=False)
    assert result.history[-1].exploitability < best_fixed
    assert result.best.exploitability < best_fixed / 5


@pytest.mark.xla
def test_it_settles_without_interaction():
    # The step grows as long as the policy moves, and no number overflows.
    solver = AdaptiveMirrorDescent(setting("linear_quadratic_testing").load())
    for _ in range(1500):
        solver.iteration()
    assert solver.exploitability < 1e-9
    assert all(np.isfinite(array).all() for array in solver.state.values())


def test_an_indifferent_crowd_stays():
    solver = AdaptiveMirrorDescent("mfg_exploration(horizon=4,crowd_aversion=0.0)")
    uniform = solver.get_policy().probabilities
    for _ in range(3):
        solver.iteration()
    np.testing.assert_array_equal(solver.get_policy().probabilities, uniform)


def test_a_game_that_is_not_monotone_need_not_converge():
    # In rock, paper, scissors the crowd chases itself.
    game = SETTINGS["rock_paper_scissors_testing"].load()
    solver = AdaptiveMirrorDescent(game)
    found = [solver.exploitability]
    for _ in range(200):
        solver.iteration()
        found.append(solver.exploitability)
    assert min(found[100:]) > found[0]
    assert math.isfinite(max(found))


@pytest.mark.parametrize("game", [BEACH_BAR, BRAESS])
def test_a_resumed_run_has_the_numbers_of_an_unbroken_one(tmp_path, game):
    path = tmp_path / "checkpoint.npz"
    game = pyspiel.load_game(game)
    unbroken = run(AdaptiveMirrorDescent(game), 14, progress=False)
    run(AdaptiveMirrorDescent(game), 6, checkpoint_path=path, progress=False)
    again = AdaptiveMirrorDescent(game)
    resumed = run(again, 14, checkpoint_path=path, progress=False)
    assert [r.exploitability for r in resumed.history] == pytest.approx(
        [r.exploitability for r in unbroken.history], rel=1e-12
    )


@pytest.mark.parametrize("regulariser", ["euclidean", "tsallis"])
def test_other_regularisers(regulariser):
    solver = AdaptiveMirrorDescent(BEACH_BAR, regulariser=regulariser)
    first = solver.exploitability
    for _ in range(150):
        solver.iteration()
    assert solver.exploitability < 1e-2 * first


def test_single_precision():
    solver = AdaptiveMirrorDescent("mfg_exploration(horizon=20)", dtype="float32")
    first = solver.exploitability
    for _ in range(150):
        solver.iteration()
    assert solver.exploitability < 1e-2 * first
