"""Bounds of potentials against potentials' maxima known otherwise."""

import csv
import types

import numpy as np
import pyspiel
import pytest
import tensorflow as tf

from algorithms.adaptive_mirror_descent import AdaptiveMirrorDescent
from algorithms.duality_gap import PotentialBounds, duality_gap
from algorithms.equilibrium_distance import total_variation
from algorithms.history import Record
from algorithms.model import load_model
from algorithms.policy import ArrayPolicy
from algorithms.run import run
from mfg_games.settings import SETTINGS


def left_share(share: float) -> ArrayPolicy:
    """Of a share left in the static game, which is paid -mu on the left, else -2 mu."""
    model = load_model("mfg_left_right")
    rows = np.tile([share, 1 - share], (model.num_nodes, 1))
    return ArrayPolicy(model, rows)


@pytest.mark.parametrize("share", [0.0, 0.3, 2 / 3, 0.9])
def test_left_or_right_by_hand(share):
    # Phi = -p^2 / 2 - (1 - p)^2 with its maximum -1 / 3 at p = 2 / 3.
    found = duality_gap("mfg_left_right", left_share(share))
    assert found.potential == pytest.approx(-(share**2) / 2 - (1 - share) ** 2)
    rewards = -share, -2 * (1 - share)
    paid = share * rewards[0] + (1 - share) * rewards[1]
    assert found.gap == pytest.approx(max(rewards) - paid, abs=1e-12)
    assert found.potential - 1e-12 <= -1 / 3 <= found.potential + found.gap + 1e-12
    assert (found.gap < 1e-12) == (share == 2 / 3)


def test_bounds_over_several_policies(tmp_path):
    """The best lower and the best upper bound are those of different policies."""
    game = load_model("mfg_left_right").game
    bounds = PotentialBounds(game)
    for k, share in enumerate((0.0, 0.7, 0.62)):
        policy = left_share(share)
        flow = policy.model.compiled_distribution(tf.constant(policy.probabilities))
        solver = types.SimpleNamespace(get_policy=lambda p=policy: p, flow=flow)
        bounds(solver, Record(k, duality_gap(game, policy).gap, 0.0))
    # Potentials and gaps: -1 and 2, -0.335 and 0.07, -0.3366 and 0.0532.
    assert bounds.lower == pytest.approx(-0.335)
    assert bounds.upper == pytest.approx(-0.2834)
    gaps = [row["gap"] for row in bounds.rows]
    np.testing.assert_allclose(gaps, [2.0, 0.07, 0.0516])
    bounds.save_csv(tmp_path / "bounds.csv")
    with open(tmp_path / "bounds.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["gap"]) for row in rows] == gaps


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["beach_bar_testing", "beach_bar_closing_testing"])
def test_bounds_of_a_run_close_in_on_the_maximum(setting):
    game = SETTINGS[setting].load()
    solver, bounds, early = AdaptiveMirrorDescent(game), PotentialBounds(game), []

    def keep_an_early_policy(solver, record):
        if record.iteration == 3:
            early.append(solver.get_policy())

    callbacks = [bounds, keep_an_early_policy]
    result = run(solver, 150, callbacks=callbacks, progress=False)
    best = duality_gap(game, result.best_policy)
    assert best.gap < 1e-6
    lower, upper, gap = (
        np.array([row[name] for row in bounds.rows])
        for name in ("lower", "upper", "gap")
    )
    assert (lower <= best.potential + best.gap).all()
    assert (upper >= best.potential).all()
    assert (np.diff(gap) <= 0).all()
    exploitability = np.array([record.exploitability for record in result.history])
    assert (gap <= np.minimum.accumulate(exploitability) + 1e-12).all()
    assert bounds.gap == gap[-1] < 1e-6

    # Pinsker: the crowds differ by no more than the gap allows.
    found = duality_gap(game, *early)
    apart = total_variation(game, *early, result.best_policy)[:-1]
    assert 1e-4 < 2 * np.sum(apart**2) <= found.gap


@pytest.mark.parametrize(
    ("game", "found"),
    [
        ("mfg_two_beach_bars", "one that is not concave"),
        ("mfg_sis", "none"),
        ("mfg_crowd_modelling", "no declaration"),
    ],
)
def test_games_whose_gap_certifies_nothing_are_refused(game, found):
    with pytest.raises(ValueError, match=f"concave potential; {game}.* has {found}"):
        PotentialBounds(pyspiel.load_game(game))
