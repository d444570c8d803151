"""What a learner of best responses is, and the ones that need no network."""

from __future__ import annotations

import abc
from collections.abc import Mapping
import types

import keras
import tensorflow as tf

from algorithms.deep.players import World
from algorithms.policy import greedy
from algorithms.solver import Update


class Response(abc.ABC):
    """What one player does best in a population whose flow is frozen.

    Attributes:
      variables: all that it remembers, by name.
      metrics: what the last call of `respond` measured, by name; `moves` and `updates`
        are counts. Empty before it.
    """

    variables: Mapping[str, tf.Variable] = types.MappingProxyType({})
    metrics: Mapping[str, float] = types.MappingProxyType({})

    @abc.abstractmethod
    def answer(self, update: Update, world: World, phase: int) -> tf.Tensor:
        """The response to the flow of an update.

        Args:
          update: of a solver whose state is a policy.
          world: what players meet under its flow.
          phase: number of this call, which fixes its random numbers.

        Returns:
          A policy, [D, A].
        """


class BestResponse(Response):
    """Learns what one player does best.

    It may go on from one flow to the next with what it has learnt.
    """

    def answer(self, update: Update, world: World, phase: int) -> tf.Tensor:
        return self.respond(world, tf.cast(update.state["policy"], tf.float32), phase)

    @abc.abstractmethod
    def respond(self, world: World, policy: tf.Tensor, phase: int) -> tf.Tensor:
        """The response to a flow.

        Args:
          world: what players meet under the flow.
          policy: float32 [D, A], what the population plays.
          phase: number of this call, which fixes its random numbers.

        Returns:
          A policy, float32 [D, A].
        """


class NetworkResponse(BestResponse):
    """A learner whose response is what one network says, and no more.

    Attributes:
      network: whose outputs `policy_of` makes the last response of.
    """

    network: keras.Model

    @abc.abstractmethod
    def policy_of(self, outputs: tf.Tensor, legal: tf.Tensor) -> tf.Tensor:
        """The policy [D, A] that outputs of `network` [D, A] stand for."""


class ExactResponse(Response):
    """The best response itself, a yardstick for those that are learnt."""

    def answer(self, update: Update, world: World, phase: int) -> tf.Tensor:
        return greedy(update.best_q, world.legal, update.totals.resolution)
