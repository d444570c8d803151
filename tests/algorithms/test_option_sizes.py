"""Options that ask for more memory than there is are refused before it is taken."""

import time

import pytest

from algorithms import catalogue
from algorithms.deep import config as configs
from algorithms.deep.config import NetworkConfig
from algorithms.flock import FlockConfig
from mfg_games import sizes

GAME = "mfg_exploration(layout=empty_2x2,horizon=2)"
FLOCK = "flocking_2d(horizon=2)"
GIGABYTE = 2**30
# Ends of the names of numbers that cost time at most.
COUNTS = (
    "seed", "updates", "rounds", "steps", "updates_per_episode", "target_every",
    "crowds", "capacity_start",
)  # fmt: skip


@pytest.fixture(autouse=True)
def small_machine(monkeypatch):
    monkeypatch.setattr(sizes, "memory", lambda: GIGABYTE)


def _sizes(name):
    """The whole numbers among the options that are no counts."""
    options = catalogue.solver_class(name).options()
    whole = [key for key, default in options.items() if type(default) is int]
    counts = {key for key in whole if key.endswith(COUNTS)} | {"episodes"}
    return [key for key in whole if key not in counts - {"regret_steps"}]


@pytest.mark.parametrize("name", catalogue.SOLVERS)
def test_any_size_is_answered_at_once(name):
    solver_class = catalogue.solver_class(name)
    game = FLOCK if name == "flock" else GAME
    for key in _sizes(name):
        for value in (10**9, 10**12, 2**63, 10**5000):
            start = time.process_time()
            with pytest.raises(ValueError) as caught:
                solver_class.make(game, **{key: value})
            assert time.process_time() - start < 2
            (line,) = str(caught.value).splitlines()
            assert key in line
            assert str(value) in line if value < 10**5000 else "16610 bits" in line


def test_the_memory_and_the_need_are_told():
    with pytest.raises(ValueError) as caught:
        catalogue.solver_class("deep_mirror_descent").make(GAME, dqn_width=10**5)
    assert str(caught.value) == (
        "`dqn_width` must be smaller, since 224 GiB at least are more than the 1 GiB "
        "of memory. Received: dqn_width=100000"
    )


def test_sizes_that_fit_together_only():
    NetworkConfig(width=3000)
    NetworkConfig(batch_size=300_000)
    with pytest.raises(ValueError, match="`batch_size` must be smaller"):
        NetworkConfig(width=3000, batch_size=300_000)
    with pytest.raises(ValueError, match="`replay_episodes` must be smaller"):
        FlockConfig().sac.__class__(players=1000, replay_episodes=1_000_000)


def test_a_network_of_many_features_is_refused():
    config = catalogue.solver_class("deep_fictitious_play").presets
    first = next(iter(config.values()))
    configs.require_room(first, 10**3, 1)
    with pytest.raises(ValueError, match=r"`\w+_width` must be smaller"):
        configs.require_room(first, 10**6, 1)


def test_one_hot_rows_of_many_nodes_are_refused():
    solver_class = catalogue.solver_class("deep_mirror_descent")
    with pytest.raises(ValueError, match="`features` must be smaller, since"):
        solver_class.make("mfg_sis(horizon=20000)", features="table")


def test_observations_of_many_nodes_are_refused():
    solver_class = catalogue.solver_class("deep_mirror_descent")
    with pytest.raises(ValueError, match="has no room"):
        solver_class.make("mfg_sis(horizon=20000)")
