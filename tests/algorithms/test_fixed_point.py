import math

import numpy as np
from open_spiel.python.mfg.algorithms import fixed_point as openspiel
from open_spiel.python.mfg.algorithms.nash_conv import NashConv
import pyspiel
import pytest
from toy_dynamics import RANDOM_GAMES, share_exploitability

from algorithms.fixed_point import FixedPoint

FOUR_ROOMS = "mfg_exploration(horizon=41,noise=0.1)"


def test_two_roads_cycle(exploitabilities):
    # All crowd together on the road that was empty.
    found = exploitabilities(FixedPoint("mfg_test_two_roads"), 6)
    assert found == pytest.approx([0.25, 0.5, 1.5, 0.5, 1.5, 0.5, 1.5], abs=1e-14)


def test_damping(exploitabilities):
    share, expected = 0.5, [share_exploitability(0.5)]
    for _ in range(8):
        share = 0.9 * share + 0.1 * (share <= 0.75)
        expected.append(share_exploitability(share))
    found = exploitabilities(FixedPoint("mfg_test_two_roads", damping=0.9), 8)
    assert found == pytest.approx(expected, abs=1e-14)


def test_softmax_converges_to_the_regularised_equilibrium():
    solver = FixedPoint("mfg_test_two_roads", temperature=2.0)
    share = 0.5
    for _ in range(40):
        share = 1 / (1 + math.exp(-(1.5 - 2 * share) / 2.0))
        solver.iteration()
    found = solver.get_policy().probabilities[0, 0]
    assert found == pytest.approx(share, abs=1e-14)
    assert math.log(found / (1 - found)) == pytest.approx((1.5 - 2 * found) / 2.0)


@pytest.mark.parametrize("temperature", [None, 0.5])
def test_trajectory_equals_openspiels_without_ties(temperature):
    game = pyspiel.load_game(RANDOM_GAMES[0])
    ours = FixedPoint(game, temperature=temperature)
    theirs = openspiel.FixedPoint(game, temperature=temperature)
    for _ in range(4):
        ours.iteration()
        theirs.iteration()
        expected = NashConv(game, theirs.get_policy()).nash_conv()
        assert ours.exploitability == pytest.approx(expected, abs=1e-9)


def test_crowds_do_not_converge(exploitabilities):
    found = exploitabilities(FixedPoint("mfg_beach_bar(size=100,horizon=15)"), 60)
    assert min(found[1:]) > 10 * found[0]


# Exploitability after 0, 1, 5, 10, 20 and 50 iterations, computed by an independent
# program. Best responses have near-ties here, which each program breaks by its own
# rounding: the later entries agree up to 30 %, as in fictitious play.
@pytest.mark.parametrize(
    "damping, row",
    [
        (0.0, [336.1, 2096, 2275, 2283, 2283, 2283]),
        (0.99, [336.1, 295.9, 212.5, 148.9, 96.6, 41.6]),
    ],
)
def test_reference_table_up_to_near_ties(exploitabilities, damping, row):
    found = exploitabilities(FixedPoint(FOUR_ROOMS, damping=damping), 50)
    found = [found[k] for k in (0, 1, 5, 10, 20, 50)]
    assert found[0] == pytest.approx(row[0], abs=0.05)
    np.testing.assert_allclose(found, row, rtol=0.3)


def test_reference_table_of_the_softmax(meets):
    # Rounding decides between 2285 and 2287 after 20 iterations.
    solver = FixedPoint(FOUR_ROOMS, temperature=0.1)
    meets(solver, [0, 1, 5, 10], "336.1 1829 1731 2212")


@pytest.mark.parametrize("damping", [-0.1, 1.0, math.nan])
def test_wrong_damping_is_refused(damping):
    with pytest.raises(ValueError, match=r"`damping` must be in \[0, 1\)"):
        FixedPoint("mfg_test_two_roads", damping=damping)


@pytest.mark.parametrize("temperature", [0.0, -0.5, math.nan])
def test_wrong_temperature_is_refused(temperature):
    with pytest.raises(ValueError, match="`temperature` must be above 0"):
        FixedPoint("mfg_test_two_roads", temperature=temperature)
