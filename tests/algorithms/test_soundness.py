"""Laws are laws, or the solver says where they are not; constants change no gain."""

import numpy as np
from open_spiel.python.mfg.algorithms import nash_conv
from open_spiel.python.policy import UniformRandomPolicy
import pyspiel
import pytest
import tensorflow as tf

from algorithms.adaptive_mirror_descent import AdaptiveMirrorDescent
from algorithms.exploitability import exploitability
from algorithms.fictitious_play import FictitiousPlay
from algorithms.mirror_descent import MirrorDescent
from algorithms.model import GameFault, load_model
from algorithms.model.enumerated_model import EnumeratedModel
from algorithms.nash_conv import NashConv
from algorithms.policy import ArrayPolicy
from mfg_games.dynamics import Dynamics
from mfg_games.registration import register

TWO_STATES = np.array([[[0, 1], [1, 0]], [[0, 1], [1, 0]]], np.int32)


class TwoStates(Dynamics):
    """Two states to choose between, where few others are."""

    def __init__(self, horizon: int = 3):
        self.horizon, self.num_actions, self.state_shape = horizon, 2, (2,)
        self.initial_distribution = np.array([[1.0, 0.0]])
        self.reward_range = (-2.0, 2.0)

    def transition(self, xp, t, mu, z):
        return TWO_STATES, self.law(xp, mu) * xp.ones((1, 2, 2, 2))

    def law(self, xp, mu):
        return xp.stack([0.9, 0.1])

    def reward(self, xp, t, mu, z):
        return -mu[..., None]


@register("mfg_leaking")
class Leaking(TwoStates):
    """Loses a tenth of the players once half have left the first state."""

    def law(self, xp, mu):
        most = 0.9 - 0.2 * (1.0 - mu[0, 0])
        return xp.stack([most, 0.1 + 0.0 * most])


@register("mfg_negative_law")
class NegativeLaw(TwoStates):
    """Has a negative probability once players have left the first state."""

    def law(self, xp, mu):
        most = 1.0 + 0.2 * (1.0 - mu[0, 0])
        return xp.stack([most, 1.0 - most])


@register("mfg_nowhere")
class Nowhere(TwoStates):
    """Has no law in a state that nobody is in, at the last time."""

    def transition(self, xp, t, mu, z):
        late = xp.where(t == self.horizon - 1, 0.5, 1.0) + 0.0 * mu[0, 0]
        law = xp.stack([xp.stack([1.0 + 0.0 * late, late])] * 2, axis=1)
        return TWO_STATES[..., :1] * 0, law[None, :, :, None]

    def reward(self, xp, t, mu, z):
        return xp.stack([mu[:, 0] * 0.0, mu[:, 0] * 0.0 + 1.0], axis=1)[..., None]


@register("mfg_undefined_reward")
class UndefinedReward(TwoStates):
    """Pays a logarithm of a share that falls below zero."""

    def reward(self, xp, t, mu, z):
        return xp.log(xp.max(mu) - 0.85) + 0.0 * mu[..., None]


@register("mfg_infinite_end")
class InfiniteEnd(TwoStates):
    """Ends with a division by zero where nobody is."""

    def terminal_reward(self, xp, mu, z):
        return 1.0 / xp.maximum(mu - 0.95, 0.0)


@register("mfg_constant")
class Constant(TwoStates):
    """A constant in all rewards, in those of the end, or for one population."""

    def __init__(self, constant: float = 0.0, end: float = 0.0, populations: int = 1):
        super().__init__()
        self.num_populations = populations
        self.initial_distribution = np.full((populations, 2), [0.7, 0.3])
        self.reward_range = (constant - 2.0, constant + 2.0)
        self.terminal_reward_range = (end, end)
        self._constant, self._end = constant, end

    def reward(self, xp, t, mu, z):
        only = np.arange(self.num_populations)[:, None] == 0
        mine = np.array([0.3, 0.0]) - mu + 0.1 * t * mu
        return (self._constant * only + mine)[..., None]

    def terminal_reward(self, xp, mu, z):
        return self._end + 0.0 * mu


FAULTS = {
    "mfg_leaking": r"probabilities that sum to 0\.9\d* at t=1 x=0, action 0",
    "mfg_negative_law": r"a probability of -0\.\d+ at t=1 x=0, action 0",
    "mfg_nowhere": r"probabilities that sum to 0\.5 at t=2 x=1, action 0",
    "mfg_undefined_reward": r"`reward` is nan at t=1 x=0",
    "mfg_infinite_end": r"`terminal_reward` is inf at t=3 x=\d terminal",
}


@pytest.mark.parametrize("name", FAULTS)
def test_solvers_and_metrics_say_where_a_game_is_at_fault(name):
    solver = MirrorDescent(name)
    with pytest.raises(GameFault, match=FAULTS[name]):
        solver.iteration()
    assert solver.num_iterations == 0
    with pytest.raises(ValueError, match=FAULTS[name]):
        NashConv(solver.game, UniformRandomPolicy(solver.game))


@pytest.mark.parametrize(
    "name, message",
    [
        (
            "mfg_leaking",
            r"at 't=1 x=0.*' must have probabilities that sum to one.* 0.9",
        ),
        ("mfg_undefined_reward", r"reward at 't=1 x=0' is nan"),
    ],
)
def test_games_known_by_their_api_say_it_too(name, message):
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=message):
        EnumeratedModel(pyspiel.load_game(name))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("where", ["constant", "end"])
@pytest.mark.parametrize("make", [FictitiousPlay, MirrorDescent, AdaptiveMirrorDescent])
def test_a_constant_changes_no_gain(make, where, dtype):
    def gains(constant):
        solver = make(
            pyspiel.load_game("mfg_constant", {where: constant, "populations": 2}),
            dtype=dtype,
        )
        found = []
        for _ in range(4):
            solver.iteration()
            found.append(solver.exploitability)
        return np.array(found), solver.resolution

    plain, _ = gains(0.0)
    for constant in (1e3, -1e6, 1e9, 1e12):
        found, resolution = gains(constant)
        # The rewards themselves are rounded, to 1e-4 at 1e12, in all that is summed.
        rounding = 8 * np.finfo(np.float64).eps * abs(constant)
        np.testing.assert_allclose(found, plain, rtol=1e-5, atol=rounding)
        assert np.finfo(np.float64).eps * abs(constant) <= resolution < 1e-2


@pytest.mark.parametrize(
    "game",
    [
        "mfg_beach_bar(size=20,horizon=10)",
        "mfg_exploration(layout=empty_6x6,horizon=12)",
        "mfg_predator_prey(size=5,horizon=8)",
        "mfg_linear_quadratic(horizon=6)",
        "mfg_price_impact(max_inventory=6,max_trade=2,horizon=5)",
    ],
)
def test_single_precision_resolves_what_it_says(game):
    double, single = load_model(game), load_model(game, "float32")
    solver = MirrorDescent(game, lr=0.5)
    for _ in range(3):
        exact = solver.exploitability
        found = totals_of(single, solver.get_policy())
        error = abs(found.exploitability - exact)
        assert error <= max(1e-3 * exact, found.resolution)
        for _ in range(20):
            solver.iteration()
    assert double is solver.model


def totals_of(model, policy):
    rows = model.as_tensor(policy.probabilities)
    flow = model.compiled_distribution(rows)
    totals = model.compiled_evaluate(rows, flow).totals
    return type(totals)(*(part.numpy() for part in totals))


def test_gains_are_those_of_openspiel_and_never_negative():
    game = pyspiel.load_game("mfg_constant(constant=7.0,populations=2)")
    policy = UniformRandomPolicy(game)
    expected = nash_conv.NashConv(game, policy).nash_conv()
    assert exploitability(game, policy) == pytest.approx(expected, abs=1e-9)
    # Greedy everywhere: the best response gains nothing at all against itself.
    solver = FictitiousPlay("mfg_move_forward")
    for _ in range(60):
        solver.iteration()
        assert solver.exploitability >= 0.0


@pytest.mark.parametrize("factor", [-1.0, 0.5, 2.0, np.nan])
def test_policies_that_are_none_are_refused_where_they_are_made(factor):
    model = load_model("mfg_sis(horizon=4)")
    rows = factor * model.uniform_policy().numpy()
    with pytest.raises(ValueError, match="no distribution at t=0 x=susceptible"):
        ArrayPolicy(model, rows)


def test_policies_of_other_shapes_are_refused():
    model = load_model("mfg_sis(horizon=4)")
    rows = model.uniform_policy().numpy()
    for wrong in (rows[:, :1], np.ones(3), np.concatenate([rows, rows])):
        with pytest.raises(ValueError, match="mfg_sis"):
            ArrayPolicy(model, wrong)


def test_rows_of_networks_are_made_to_sum_to_one():
    model = load_model("mfg_sis(horizon=4)")
    rows = np.tile(np.float32([0.3, 0.7]) * np.float32(1 + 3e-7), (model.num_nodes, 1))
    exact = rows.astype(np.float64) / rows.sum(axis=1, keepdims=True, dtype=np.float64)
    found, expected = (
        exploitability(model.game, ArrayPolicy(model, each)) for each in (rows, exact)
    )
    assert found == pytest.approx(expected, abs=1e-12)


def test_policies_are_read_only():
    policy = MirrorDescent("mfg_sis(horizon=4)").get_policy()
    with pytest.raises(ValueError, match="read-only"):
        policy.probabilities[0] = 2.0
    assert tf.convert_to_tensor(policy.probabilities).dtype == tf.float64


def test_averages_of_many_responses_are_distributions():
    solver = FictitiousPlay("mfg_left_right", dtype="float32")
    for _ in range(3000):
        solver.iteration()
    sums = solver.get_policy().probabilities.sum(axis=1)
    np.testing.assert_allclose(sums, 1.0, rtol=0, atol=5e-7)
