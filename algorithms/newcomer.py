"""What a newcomer gains in a flock: approximate exploitability, from below.

The solver's own estimate, `Flock.exploitability`, is what its response gains, which has
learnt in all crowds so far, for the price of no more training. A newcomer learns its
response to the last crowd alone, from nothing, and its gain comes with a confidence
interval. Nobody gains more than the best response: in expectation, both are at most the
exploitability of the average policy in that crowd.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from algorithms.deep import networks, randomness
from algorithms.deep.soft_actor_critic import SACConfig, SoftActorCritic
from algorithms.flock import Flock
from algorithms.gain import Gain
from mfg_games import parameters


def newcomer_gain(
    flock: Flock,
    sac: SACConfig | None = None,
    players: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Gain:
    """Learns a response to a flock's crowd from nothing, and plays it there.

    Args:
      flock: the solver, as it is.
      sac: how the newcomer learns; by default as the flock does, ten times as long.
      players: of each kind that are compared.
      confidence: with which the interval covers what this newcomer gains.
      seed: of all random numbers.

    Raises:
      ValueError: `players` is below 2, `confidence` is not between 0 and 1, or `seed`
        is negative.
      FloatingPointError: a loss became infinite or no number.
    """
    parameters.at_least("players", players, 2)
    parameters.between("confidence", confidence)
    parameters.at_least("seed", seed, 0)
    own = flock.config.sac
    sac = sac or dataclasses.replace(own, updates=10 * own.updates)
    learner = SoftActorCritic(flock.game, sac, seed, flock.config.crowd_size)
    learner.respond(flock.crowds, 0)
    stream = tf.constant(randomness.derived_seed(seed, "newcomer"), tf.int64)
    compared = networks.compiled(
        lambda: flock.average.gains(learner.act, players, stream, flock.crowds),
        xla=False,
    )
    gains = compared().numpy().astype(np.float64) @ flock.member_weights
    return Gain.of(gains, confidence)
