"""Social optima by hand, by brute force and in closed form."""

import numpy as np
from open_spiel.python.mfg.algorithms.nash_conv import NashConv
import pyspiel
import pytest
from toy_dynamics import share_exploitability

from algorithms.adaptive_mirror_descent import AdaptiveMirrorDescent
from algorithms.checkpoint import load, save
from algorithms.history import Record
from algorithms.model import load_model
from algorithms.model.array_model import ArrayModel
from algorithms.planner import load_planner, price_of_anarchy
from algorithms.run import Stopping, run
from algorithms.social_optimum import SocialFrankWolfe, SocialOptimum
from mfg_games.choice import Choice
from mfg_games.laws import discretised_normal
from mfg_games.mean_reversion import MeanReversion, symmetric_grid
from mfg_games.registration import register

TWO_ROADS = "mfg_test_two_roads"
# With the share p on road 0, W = p (1/2 - p) - (1 - p)^2, which is highest at 5/8.
BEST_SHARE, BEST_WELFARE = 5 / 8, -7 / 32


@register("mfg_test_trap")
class Trap(Choice):
    """Meeting in a pays 3 a, being in b pays 2.5, c nothing: W = 3 a^2 + 2.5 b."""

    def __init__(self, horizon: int = 2):
        payoffs = np.zeros((4, 4))
        payoffs[1, 1] = 3.0
        payoffs[2] = 2.5
        super().__init__(("a", "b", "c"), payoffs, horizon)


def welfare_by_shares(game: str, shares: np.ndarray) -> float:
    """Largest welfare at t = 1 of a static game over a grid of choices."""
    d = pyspiel.load_game(game).dynamics
    mu = np.pad(shares, ((0, 0), (1, 0)))
    rewards = np.array([d.reward(np, 1, m[None], None)[0, :, 0] for m in mu])
    return float((mu * rewards).sum(1).max())


def test_two_roads_by_hand(tmp_path):
    solver = SocialOptimum(TWO_ROADS)
    result = run(solver, 60, Stopping(absolute_tolerance=1e-9), progress=False)
    assert result.reason == "optimality gap reached 1e-09"
    share = result.best_policy.probabilities[0, 0]
    assert share == pytest.approx(BEST_SHARE, abs=1e-5)
    assert result.best.metrics["welfare"] == pytest.approx(BEST_WELFARE, abs=1e-9)
    # What a player gains by leaving the planner's policy is not small, and not hidden.
    assert result.best.exploitability == pytest.approx(share_exploitability(share))
    expected = NashConv(solver.game, result.best_policy).nash_conv()
    assert result.best.exploitability == pytest.approx(expected, abs=1e-12)
    assert price_of_anarchy(BEST_WELFARE, -1 / 4) == pytest.approx(8 / 7)
    # The gap is Frank-Wolfe's, and bounds what is missing of this concave welfare.
    for record in result.history:
        missing = BEST_WELFARE - record.metrics["welfare"]
        assert record.metrics["optimality_gap"] >= missing - 1e-12
    goes_on_from_a_checkpoint(solver, tmp_path)


def goes_on_from_a_checkpoint(solver, directory):
    count, expected = solver.num_iterations, solver.metrics
    save(directory / "c.npz", solver, solver.state, [Record(0, 1.0, 0.0)])
    solver.iteration()
    load(directory / "c.npz", solver)
    assert solver.num_iterations == count
    assert solver.metrics == expected


def test_frank_wolfe_takes_the_best_step(monkeypatch):
    monkeypatch.setattr(ArrayModel, "compile", lambda model, function: function)
    solver = SocialFrankWolfe(TWO_ROADS)
    # At p = 1/2 the slope of W is 1/2, towards p = 1.
    assert solver.metrics == {"welfare": -0.25, "optimality_gap": pytest.approx(0.25)}
    solver.iteration()
    share = solver.get_policy().probabilities[0, 0]
    assert share == pytest.approx(BEST_SHARE, abs=1e-9)
    assert solver.metrics["welfare"] == pytest.approx(BEST_WELFARE, abs=1e-12)
    assert solver.metrics["optimality_gap"] == pytest.approx(0.0, abs=1e-8)
    assert solver.exploitability == pytest.approx(share_exploitability(share))


def welfare_and_gap(planner, policy: np.ndarray) -> tuple[float, float]:
    policy = planner.as_tensor(policy)
    flow = planner.distribution(policy)
    value = load_model(planner.game).evaluate(policy, flow).totals.value
    return float(sum(value)), float(
        planner.evaluate(policy, flow).totals.exploitability
    )


def sis_welfare(*keeping_distance: np.ndarray) -> np.ndarray:
    """Welfare of the default epidemic by shares of susceptibles who keep distance."""
    infected, total = 0.6, 0.0
    for share in keeping_distance:
        susceptible = 1 - infected
        total = total - infected - 0.5 * susceptible * share
        infected = 0.7 * infected + 0.81 * infected * susceptible * (1 - share)
    return total


@pytest.mark.slow
def test_epidemic_by_brute_force():
    """Players infect each other: all of the externality is in the dynamics."""
    shares = np.linspace(0, 1, 51)
    grid = np.meshgrid(shares, shares, shares, indexing="ij")
    best = sis_welfare(*grid, 0.0)  # what is done at the last time does not matter
    solver = SocialOptimum("mfg_sis(horizon=4)")
    result = run(solver, 150, progress=False)
    found = result.best.metrics["welfare"]
    policy = result.best_policy.probabilities.reshape(4, 2, 2)
    assert found == pytest.approx(sis_welfare(*policy[:, 0, 1]), abs=1e-4)
    assert found == pytest.approx(best.max(), abs=2e-4)
    assert result.best.metrics["optimality_gap"] < 1e-3


def test_a_welfare_that_is_not_concave_has_local_optima():
    shares = np.array(
        [[a, b, c] for a, b, c in np.ndindex(11, 11, 11) if a + b + c == 10]
    )
    optimum = welfare_by_shares("mfg_test_trap", shares / 10)
    assert optimum == pytest.approx(3.0)
    planner = load_planner("mfg_test_trap")
    uniform, in_b = planner.uniform_policy(), np.tile([0.0, 1.0, 0.0], (8, 1))
    values = planner.evaluate(uniform, planner.distribution(uniform))
    # Few are in a at first, so that b attracts; there W is stationary, the gap zero.
    gains = values.best_q[0] - values.best_q[0, 2]
    np.testing.assert_allclose(gains, [2.0, 2.5, 0.0], atol=1e-12)
    assert welfare_and_gap(planner, in_b) == pytest.approx((2.5, 0.0), abs=1e-12)


def test_a_stationary_point_may_be_no_optimum():
    """Halves of the crowd at two bars gain nothing by few who leave, only by many."""
    planner = load_planner(
        "mfg_two_beach_bars(num_states=2,horizon=3,left_bar=0,right_bar=1,"
        "movement_cost=0.1,stay_probability=1.0)"
    )
    stay = np.zeros((planner.num_nodes, 3))
    stay[:, 1] = 1.0
    gather = stay.copy()
    gather[1] = [1.0, 0.0, 0.0]  # from the right bar at t = 0
    gap, missed = (welfare_and_gap(planner, policy) for policy in (stay, gather))
    assert gap[1] == pytest.approx(0.0, abs=1e-12)
    assert missed[0] > gap[0] + 0.5


def test_frank_wolfe_needs_a_polytope_of_flows():
    with pytest.raises(ValueError, match="`game` must be one whose transitions do not"):
        SocialFrankWolfe("mfg_sis")


@pytest.mark.parametrize("solver", [SocialOptimum, SocialFrankWolfe])
def test_games_that_cannot_be_differentiated_are_refused(solver):
    with pytest.raises(ValueError, match="`game` must be one registered by mfg_games"):
        solver("python_mfg_dynamic_routing")


# ---- linear-quadratic control --------------------------------------------------------


def test_linear_quadratic_equilibrium_is_the_optimum():
    """Both have one Riccati equation, so that the price of anarchy is 1.

    With y = x - m the planner's problem splits. Only the mean action moves m, and costs
    without paying, hence it is 0. The rest is to minimise the expectation of
    a^2 / 2 + q a y + kappa y^2 / 2 under dy = (a - K y) dt + sigma dW, whose value
    eta y^2 / 2 has eta' = 2 (K + q) eta + eta^2 - (kappa - q^2): that of the game.
    """
    game = (
        "mfg_linear_quadratic(half_width=10,horizon=6,max_action=4,modes=-5 5,"
        "mode_std=1.0)"
    )
    planner = load_planner(game)
    # With a symmetric start the mean stays 0, whatever symmetric policy is played.
    policy = planner.uniform_policy()
    flow = planner.distribution(policy)
    best = planner.evaluate(policy, flow).best_q.numpy()
    tied = np.isclose(best, best.max(1, keepdims=True), rtol=0, atol=1e-9)
    policy = planner.as_tensor(tied / tied.sum(1, keepdims=True))
    flow = planner.distribution(policy)
    for model in (planner, load_model(game)):
        assert float(model.evaluate(policy, flow).totals.exploitability) < 1e-9
    # And the policy is the Riccati equation's, up to half a step between two actions
    # and what the steps of time leave of the largest one.
    d = planner.game.dynamics
    positions, middle = d.positions, np.abs(d.positions) <= 3
    actions = policy.numpy().reshape(d.horizon, d.num_states, -1) @ d.actions
    form = d.closed_form()
    for t in range(d.horizon):
        expected = form.action(t * d.dt, positions, 0.0)
        np.testing.assert_allclose(actions[t][middle], expected[middle], atol=0.7)


class TrackedMean(MeanReversion):
    """Players pay for the distance to a part theta of the mean, and are drawn to it.

    The reward is dt (-a^2 / 2 - kappa / 2 (x - theta m)^2): where the crowd is
    matters in rewards and dynamics, and neither vanishes at the optimum.
    """

    THETA, KAPPA = 0.5, 2.0

    def __init__(self, horizon: int = 10):
        positions = symmetric_grid("half_width", 16, 0.25)
        super().__init__(
            positions,
            symmetric_grid("max_action", 20, 0.1),
            discretised_normal(positions, 1.5, 0.4),
            horizon=horizon,
            dt=0.1,
            mean_reversion=1.0,
            volatility=0.3,
            cross_term=("cross_term", 0.0),
            kappa=("kappa", self.KAPPA),
            terminal_cost=0.0,
            common_noise=0.0,
            shock_every=1,
        )

    def reward(self, xp, t, mu, z):
        distance = self.positions - self.THETA * xp.sum(mu * self.positions)
        return (
            -self.dt / 2 * (self.actions**2 + self.KAPPA * distance[:, None] ** 2)[None]
        )


register("mfg_test_tracked_mean")(TrackedMean)


def mean_path(decay: float, cost: float, horizon: int, dt: float, start: float):
    """m where p_t = decay p_(t+1) + dt cost m_t and m_(t+1) = m_t - dt p_(t+1)."""
    size = horizon + 1
    # Unknowns m_0..m_T and p_0..p_T.
    system, right = np.zeros((2 * size, 2 * size)), np.zeros(2 * size)
    system[0, 0], right[0] = 1.0, start
    for t in range(horizon):
        system[t + 1, [t + 1, t, size + t + 1]] = [1.0, -1.0, dt]
        system[size + t, [size + t, size + t + 1, t]] = [1.0, -decay, -dt * cost]
    system[-1, -1] = 1.0
    return np.linalg.solve(system, right)[:size]


@pytest.mark.slow
def test_linear_quadratic_control_against_its_riccati_equations():
    """The mean follows Pontryagin's principle with and without the derivative rewards.

    A player steers by a = -p with p_t = (1 - K dt) p_(t+1) + dt kappa (x - theta m),
    whose mean has the cost kappa (1 - theta) m. The planner pays
    kappa (1 - theta)^2 m^2 / 2 for the mean, which its own drift K cannot change:
    p_t = p_(t+1) + dt kappa (1 - theta)^2 m_t.
    """
    game = pyspiel.load_game("mfg_test_tracked_mean")
    d = game.dynamics
    start = float(d.initial_distribution[0] @ d.positions)
    share = 1 - TrackedMean.THETA
    expected = {
        AdaptiveMirrorDescent: mean_path(0.9, 2.0 * share, 10, 0.1, start),
        SocialOptimum: mean_path(1.0, 2.0 * share**2, 10, 0.1, start),
    }
    found, welfare = {}, {}
    for solver_class in expected:
        solver = solver_class(game)
        run(solver, 400, progress=False)
        mass = solver.flow.mass.numpy().reshape(10, -1)
        found[solver_class] = mass @ d.positions
        welfare[solver_class] = float(solver.values.sum())
        np.testing.assert_allclose(
            found[solver_class], expected[solver_class][:-1], atol=0.01
        )
    apart = np.abs(expected[SocialOptimum] - expected[AdaptiveMirrorDescent]).max()
    assert apart > 0.1
    assert welfare[SocialOptimum] > welfare[AdaptiveMirrorDescent] + 1e-3
