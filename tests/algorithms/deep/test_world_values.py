"""Values by backups against the models' sweeps."""

import numpy as np
import pytest
import toy_dynamics  # noqa: F401  registers the games
import world_values

from algorithms.deep.players import world
from algorithms.model import load_model


@pytest.mark.parametrize(
    "game",
    [
        "mfg_test_random(seed=1,states=4,outcomes=2,horizon=3)",
        "mfg_sis(horizon=5)",
        "mfg_predator_prey(size=3,horizon=3)",
        "mfg_crowd_modelling(size=5,horizon=4)",
    ],
)
def test_values_are_those_of_the_sweeps(game):
    model = load_model(game)
    policy = model.uniform_policy()
    flow = model.distribution(policy)
    exact = model.evaluate(policy, flow)
    here = world(model, flow, policy)
    legal = model.legal_actions.numpy() & (flow.mass.numpy() > 0)[:, None]
    best = world_values.best_values(here)
    np.testing.assert_allclose(
        best.numpy()[legal], model.absolute(exact.best_q, exact).numpy()[legal], 1e-5
    )
    values = world_values.policy_values(here, np.float32(policy))
    np.testing.assert_allclose(
        values.numpy()[legal], model.absolute(exact.q, exact).numpy()[legal], 1e-5
    )
    nodes = np.where(model.legal_actions, best, -np.inf).max(axis=1)
    found = world_values.start_value(here, np.float32(nodes))
    assert float(found) == pytest.approx(float(sum(exact.totals.best_value)), rel=1e-5)
