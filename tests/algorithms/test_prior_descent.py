import math

import numpy as np
from numpy_reference import NumpyReference
import pytest
from toy_dynamics import RANDOM_GAMES, share_exploitability

from algorithms.fixed_point import FixedPoint
from algorithms.prior_descent import PriorDescent

SIS = "mfg_sis(horizon=20)"
ROCK_PAPER_SCISSORS = "mfg_rock_paper_scissors(horizon=2)"

# Exploitability of MFGLib 0.3.0 in float64 (torch 2.13.0, Python 3.11), by
#   PriorDescent(eta, n_inner).solve(Environment.susceptible_infected(T=19), ...),
# whose T is our horizon - 1, and by Environment.rock_paper_scissors().
MFGLIB = [
    (SIS, 1.0, None, [2.467107792277, 1.907100031199, 1.906695499170, 1.907953975175]),
    (SIS, 0.5, 1, [2.467107792277, 1.436041207223, 0.795825445944, 0.471907937783]),
    (SIS, 0.5, 4, [2.467107792277, 1.436041207223, 1.416788177734, 1.427823731089,
                   0.780696488791, 0.759225465398, 0.767036677849, 0.765876408995,
                   0.443727451650, 0.429885522829]),
    (ROCK_PAPER_SCISSORS, 1.0, None,
     [0.333333333333, 0.542151335929, 0.594396919142, 1.244980865102]),
    (ROCK_PAPER_SCISSORS, 0.5, 1,
     [0.333333333333, 0.593066215033, 1.812085053785, 3.227946935482]),
    (ROCK_PAPER_SCISSORS, 2.0, 5,
     [0.333333333333, 0.459555620903, 0.195760502247, 0.178242162839,
      0.378062532812, 0.348544526456, 0.117765367696, 0.193950470769]),
]  # fmt: skip


@pytest.mark.parametrize(("game", "temperature", "n_inner", "expected"), MFGLIB)
def test_trajectory_equals_mfglibs(
    exploitabilities, game, temperature, n_inner, expected
):
    solver = PriorDescent(game, temperature, n_inner)
    if n_inner not in (None, 1):  # its first prior has one iteration less
        state = {name: array.numpy() for name, array in solver.state.items()}
        solver.restore(state, num_iterations=1)
    found = exploitabilities(solver, len(expected) - 1)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_trajectory_equals_plain_loops():
    solver = PriorDescent(RANDOM_GAMES[3], temperature=0.8, n_inner=2)
    reference = NumpyReference(solver.game.dynamics)
    policy = prior = reference.uniform_policy()
    for k in range(1, 6):
        q, _ = reference.action_values(reference.distribution(policy))
        policy = prior * np.exp(q / 0.8)  # the prior has no illegal actions
        policy /= policy.sum(axis=1, keepdims=True)
        if k % 2 == 0:
            prior = policy
        solver.iteration()
        found = solver.get_policy().probabilities
        np.testing.assert_allclose(found, policy, rtol=0, atol=1e-12)
        gap = reference.exploitability(policy)
        assert solver.exploitability == pytest.approx(gap, abs=1e-12)


def test_softmax_fixed_point_if_the_prior_stays(exploitabilities):
    found = exploitabilities(PriorDescent(RANDOM_GAMES[3], temperature=0.5), 5)
    expected = exploitabilities(FixedPoint(RANDOM_GAMES[3], temperature=0.5), 5)
    assert found == pytest.approx(expected, rel=1e-12)


def test_converges_where_the_softmax_fixed_point_is_biased():
    biased = PriorDescent("mfg_test_two_roads", temperature=0.8)
    solver = PriorDescent("mfg_test_two_roads", temperature=0.8, n_inner=3)
    for _ in range(150):
        biased.iteration()
        solver.iteration()
    assert solver.get_policy().probabilities[0] == pytest.approx([0.75, 0.25])
    assert biased.exploitability > 0.02


def test_low_temperatures_cycle_but_give_numbers(exploitabilities):
    # The logits of the roads differ by 5000 and by 0 in turn.
    solver = PriorDescent("mfg_test_two_roads", temperature=1e-4, n_inner=1)
    found = exploitabilities(solver, 4)
    expected = [share_exploitability(share) for share in (0.5, 1, 0.5, 1, 0.5)]
    assert found == pytest.approx(expected, abs=1e-9)
    solver = PriorDescent(RANDOM_GAMES[3], temperature=1e-9, n_inner=1)
    found = exploitabilities(solver, 20)
    assert np.isfinite(found).all()
    assert min(found[1:]) > 0.1


def test_rock_paper_scissors_runs_away(exploitabilities):
    found = exploitabilities(PriorDescent(ROCK_PAPER_SCISSORS, 1.0), 10)
    assert min(found[1:]) > found[0]
    assert max(found) > 10 * found[0]


def test_learning_rate_is_the_weight_in_the_prior():
    # The prior takes half of the policy's logits, difference 1/2 (3/2 - 2 share) / T.
    solver = PriorDescent("mfg_test_two_roads", temperature=2.0)
    prior, share = 0.0, 0.5
    for _ in range(5):
        difference = (1.5 - 2 * share) / 2.0
        share = 1 / (1 + math.exp(-(prior + difference)))
        prior += difference / 2
        solver.iteration(learning_rate=0.5)
        found = solver.get_policy().probabilities[0, 0]
        assert found == pytest.approx(share, abs=1e-14)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": 0.0}, "`temperature` must be above 0"),
        ({"temperature": math.nan}, "`temperature` must be above 0"),
        ({"n_inner": 0}, "`n_inner` must be at least 1"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        PriorDescent("mfg_test_two_roads", **arguments)
