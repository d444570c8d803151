"""Learnt policies against the best ones; values against the exact ones."""

from deep_games import SMALL, same
from frozen_worlds import frozen, gap, spec, uniform
import numpy as np
import pytest
import tensorflow as tf
from world_values import policy_values

from algorithms import run
from algorithms.deep.deep_fictitious_play import DeepFictitiousPlay
from algorithms.deep.deep_fixed_point import DeepFixedPoint
from algorithms.deep.ppo import PPO, PPOConfig

# Noise, illegal actions and two populations.
RANDOM = "mfg_test_random(seed=2,horizon=4,populations=2,restricted=True,terminal=True)"
QUICK = {
    "width": 32,
    "learning_rate": 0.003,
    "critic_learning_rate": 0.01,
    "players": 64,
    "moves": 8,
    "batch_size": 64,
    "entropy_bonus": 0.0,
}
TINY = {
    "best_response": "ppo",
    "ppo_width": 6,
    "ppo_rounds": 2,
    "ppo_players": 5,
    "ppo_moves": 3,
    "ppo_epochs": 2,
    "ppo_batch_size": 7,
}


@pytest.mark.parametrize(
    ("game", "precision", "rounding"),
    [
        (RANDOM, "float32", 1e-5),
        (SMALL, "float32", 1e-5),
        # Eleven bits of logits of a few units.
        pytest.param(SMALL, "mixed_float16", 0.01, marks=pytest.mark.xla),
    ],
)
def test_the_response_is_nearly_the_best(game, precision, rounding, seed):
    """To a tenth of what the uniform policy misses; to 3.3% at most for ten seeds."""
    here = frozen(game)
    learner = PPO(spec(here, precision), PPOConfig(rounds=15, **QUICK), seed)
    policy = learner.respond(here, uniform(here), 0)
    assert gap(here, uniform(here)) > 0.3
    assert -1e-5 < gap(here, policy) < 0.1 * gap(here, uniform(here))
    np.testing.assert_allclose(tf.reduce_sum(policy, axis=1), 1, rtol=1e-5)
    assert (policy.numpy()[~here.legal.numpy()] == 0).all()
    outputs = learner.network(here.features)
    again = learner.policy_of(outputs, here.legal)
    np.testing.assert_allclose(again, policy, atol=rounding)


def test_the_critic_learns_the_values_of_the_actor(seed):
    here = frozen(RANDOM, table=True)
    config = PPOConfig(
        depth=0,
        learning_rate=1e-9,
        critic_learning_rate=0.02,
        rounds=30,
        players=200,
        moves=12,
        trace=0.5,
    )
    learner = PPO(spec(here), config, seed)
    policy = learner.respond(here, uniform(here), 0)
    exact = tf.reduce_sum(policy * policy_values(here, policy), axis=1)
    found = learner._values(here, tf.range(len(exact), dtype=tf.int64))
    reachable = (here.successors.numpy() + 1)[here.probabilities.numpy() > 0] - 1
    rows = np.union1d(reachable[reachable >= 0], here.start_rows)
    error = np.abs(exact - found)[rows]
    assert error.mean() < 0.1 * np.std(exact.numpy()[rows])


def learnt(seed: int) -> PPO:
    """A learner after three phases."""
    here = frozen(SMALL)
    tiny = {name.removeprefix("ppo_"): value for name, value in TINY.items()}
    del tiny["best_response"]
    learner = PPO(spec(here), PPOConfig(**tiny), seed)
    for phase in range(3):
        learner.respond(here, uniform(here), phase)
    return learner


def test_seeds_and_traces():
    first, other = learnt(3), learnt(4)
    assert np.any(first.variables["network/0"] != other.variables["network/0"])
    assert np.any(first.variables["critic/0"] != other.variables["critic/0"])
    assert first._learn.experimental_get_tracing_count() == 1
    assert first.metrics["moves"] == 2 * 5 * 3
    assert first.metrics["updates"] == 2 * 2 * (5 * 3 // 7)


def test_it_responds_inside_of_solvers(tmp_path):
    """And a run that was killed goes on with the same numbers."""
    path = tmp_path / "checkpoint.npz"
    run.run(DeepFixedPoint.make(SMALL, **TINY), 2, checkpoint_path=path, progress=False)
    resumed, unbroken = (DeepFixedPoint.make(SMALL, **TINY) for _ in range(2))
    run.run(resumed, 4, checkpoint_path=path, progress=False)
    run.run(unbroken, 4, progress=False)
    same(resumed, unbroken)
    assert resumed.metrics["value_loss"] > 0


def test_fictitious_play_approaches_the_equilibrium(exploitabilities, seed):
    quick = {f"ppo_{name}": value for name, value in QUICK.items()}
    quick |= {"best_response": "ppo", "ppo_rounds": 10, "seed": seed}
    deep = DeepFictitiousPlay.make(SMALL, **quick)
    found = exploitabilities(deep, 5)
    assert found[-1] < found[0] / 3


def test_a_loss_that_is_no_number_stops_the_run():
    changes = {
        "ppo_critic_learning_rate": 1e12,
        "ppo_optimizer": "sgd",
        "ppo_clip_norm": 0.0,
    }
    deep = DeepFixedPoint.make(SMALL, **(TINY | changes))
    with pytest.raises(
        FloatingPointError, match=r"loss is (nan|inf) at the end of iteration 0"
    ):
        deep.iteration()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rounds": 0}, "rounds=0"),
        ({"players": 0}, "players=0"),
        ({"moves": 0}, "moves=0"),
        ({"epochs": 0}, "epochs=0"),
        ({"critic_learning_rate": 0.0}, "critic_learning_rate=0.0"),
        ({"trace": 1.1}, "trace=1.1"),
        ({"clip_ratio": 0.0}, "clip_ratio=0.0"),
        ({"entropy_bonus": -0.1}, "entropy_bonus=-0.1"),
        ({"batch_size": 2561}, r"2560.*batch_size=2561"),
        ({"width": 0}, "width=0"),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        PPOConfig(**changes)
