"""Worlds of single players, and how good a policy is in them."""

import numpy as np
import tensorflow as tf
import world_values

from algorithms.deep.networks import NetworkSpec
from algorithms.deep.players import NOWHERE, World, world
from algorithms.model import load_model


def frozen(game: str, table: bool = False) -> World:
    """A game's world while its population plays uniformly."""
    model = load_model(game)
    flow = model.distribution(model.uniform_policy())
    features = tf.eye(model.num_nodes) if table else model.observations
    return world(model, flow, features)


def bandit(rewards: list[float]) -> World:
    """One decision between actions that pay and end the game, at one node."""
    count = len(rewards)
    return World(
        successors=tf.fill((1, count, 1), tf.constant(NOWHERE, tf.int64)),
        probabilities=tf.ones((1, count, 1)),
        rewards=tf.constant([rewards]),
        legal=tf.fill((1, count), True),
        start_rows=tf.zeros(1, tf.int64),
        start_probabilities=tf.ones(1),
        features=tf.ones((1, 1)),
    )


def fork() -> World:
    """Row 0 leads to row 1, which pays 1 at once, or to row 2, where 5 can be had."""
    ends = [[NOWHERE], [NOWHERE]]
    return World(
        successors=tf.constant([[[1], [2]], ends, ends], tf.int64),
        probabilities=tf.ones((3, 2, 1)),
        rewards=tf.constant([[1.0, 0.0], [0.0, -1.0], [5.0, 0.0]]),
        legal=tf.fill((3, 2), True),
        start_rows=tf.zeros(1, tf.int64),
        start_probabilities=tf.ones(1),
        features=tf.eye(3),
    )


def spec(here: World, precision: str = "float32") -> NetworkSpec:
    """Sizes of networks for a world."""
    sizes = here.features.shape[1], here.legal.shape[1]
    return NetworkSpec(*sizes, precision=precision)


def uniform(here: World) -> tf.Tensor:
    """The uniform policy."""
    legal = tf.cast(here.legal, tf.float32)
    return legal / tf.reduce_sum(legal, axis=1, keepdims=True)


def gap(here: World, policy: tf.Tensor) -> float:
    """How much less a policy earns than the best one."""
    best = tf.where(here.legal, world_values.best_values(here), -np.inf)
    own = tf.reduce_sum(policy * world_values.policy_values(here, policy), axis=1)
    missing = tf.reduce_max(best, axis=1) - own
    return float(world_values.start_value(here, missing))
