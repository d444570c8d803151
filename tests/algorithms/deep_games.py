"""What tests of several deep solvers share."""

import numpy as np
import toy_dynamics  # noqa: F401  registers the games

# No noise, so that a table can learn exactly what is right.
CERTAIN = "mfg_test_random(seed=2,states=4,outcomes=1,horizon=3)"
SMALL = "mfg_beach_bar(size=6,horizon=4)"

# Learns the values of `CERTAIN` to four digits.
TABLE = {
    "features": "table",
    "dqn_depth": 0,
    "dqn_learning_rate": 0.03,
    "dqn_updates": 1200,
    "dqn_players": 32,
    "dqn_batch_size": 64,
    "dqn_target_every": 50,
    "dqn_exploration": 0.5,
    "dqn_replay_capacity": 2000,
    "dqn_averaging": 0.9,
}
# Learns little in no time.
TINY = {
    "dqn_updates": 12,
    "dqn_players": 5,
    "dqn_batch_size": 8,
    "dqn_width": 6,
    "dqn_target_every": 5,
}


def same(first, second) -> None:
    """Asserts that two solvers are in the same state, bit for bit."""
    assert first.exploitability == second.exploitability
    for name, array in first.state.items():
        np.testing.assert_array_equal(array, second.state[name], name)


def reached(solver) -> np.ndarray:
    """Which decision nodes the population of a solver comes to, bool [D]."""
    return solver.flow.mass.numpy() > 0
