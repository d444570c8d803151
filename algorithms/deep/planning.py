"""Best responses by planning: tree search with learnt values and a known or learnt law.

Deep Q-learning finds values of actions; at every node the search of `search` then asks
what they miss. Rewards are those of the frozen world, which are known; the kernel, the
law of what follows, is the true one, or a network's that has seen sampled moves alone.

Shapes: D decision nodes, A actions, B rows.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from algorithms.checked import Checked
from algorithms.deep import networks, randomness
from algorithms.deep.best_response import BestResponse
from algorithms.deep.dqn import DQNConfig, dqn_targets
from algorithms.deep.learnt_kernel import KernelConfig, LearntKernel
from algorithms.deep.networks import NetworkSpec
from algorithms.deep.players import World
from algorithms.deep.q_learner import QLearner
from algorithms.deep.search import Found, Guide, prior_of, search
from algorithms.policy import greedy
from mfg_games import parameters

_MOST_ROOTS = 1024  # searched side by side
# Rows of all trees, searched or not, and values in them, which must fit into memory.
_LARGEST_TABLE = 2**25


@dataclasses.dataclass(frozen=True)
class PlanningConfig(metaclass=Checked):
    """Hyper-parameters of `PlanningResponse`.

    Attributes:
      simulations: of a search; 0 to trust what is learnt.
      c_puct: weight of the prior, and of trying what was tried least.
      prior_temperature: the prior is the softmax of the learnt values of a node,
        scaled to a range of 1, over this.
      kernel: "true", or "learnt" from samples.
      answer: "values", the action of the largest value, or "visits", the one visited
        most. Values are backed up, not averaged, so that one visit can be enough.
      law: hyper-parameters of the learnt kernel.
    """

    simulations: int = 64
    c_puct: float = 2.0
    prior_temperature: float = 1.0
    kernel: str = "true"
    answer: str = "values"
    law: KernelConfig = dataclasses.field(default_factory=KernelConfig)

    def __post_init__(self):
        parameters.at_least("simulations", self.simulations, 0)
        # Visits, values and the best of them in each node of a tree.
        parameters.fits(12 * self.simulations, simulations=self.simulations)
        parameters.at_least("c_puct", self.c_puct, 0)
        parameters.positive("prior_temperature", self.prior_temperature)
        parameters.one_of("kernel", self.kernel, ("true", "learnt"))
        parameters.one_of("answer", self.answer, ("values", "visits"))


class Outlook(NamedTuple):
    """What there is to plan with.

    Attributes:
      world: its probabilities are the kernel.
      guide: learnt values and the prior.
    """

    world: World
    guide: Guide


class PlanningResponse(BestResponse):
    """Learns values, and the kernel if need be, and searches from every node.

    Args:
      spec: sizes and precision of the networks.
      dqn: how values are learnt; `temperature` plays no part.
      config: the hyper-parameters.
      seed: of all random numbers.
    """

    def __init__(
        self, spec: NetworkSpec, dqn: DQNConfig, config: PlanningConfig, seed: int
    ):
        self._config = config
        self._stream = tf.constant(randomness.derived_seed(seed, "search"), tf.int64)
        self._learner = QLearner(spec, dqn, seed, dqn_targets)
        self._kernel = None
        parts = {"values": self._learner.variables}
        if config.kernel == "learnt":
            self._kernel = LearntKernel(spec, config.law, seed)
            parts["kernel"] = self._kernel.variables
        self.variables: Mapping[str, tf.Variable] = networks.named_variables(**parts)
        world = World.signature(spec.num_actions, spec.num_features)
        table = tf.TensorSpec((None, spec.num_actions), tf.float32)
        signature = (
            Outlook(world, Guide(table, table)),
            tf.TensorSpec((None,), tf.int64),
            tf.TensorSpec((), tf.int64),
            tf.TensorSpec((2,), tf.int64),
        )
        self._search = networks.compiled(self._searched, *signature, xla=False)

    def respond(self, world: World, policy: tf.Tensor, phase: int) -> tf.Tensor:
        outlook = self.prepare(world, policy, phase)
        return self.plan(outlook, tf.range(tf.shape(policy, tf.int64)[0]), phase)

    def prepare(self, world: World, policy: tf.Tensor, phase: int) -> Outlook:
        """Learns what planning needs; the arguments are those of `respond`."""
        loss = self._learner.learn(world, tf.math.log(policy), phase)
        self.metrics = {"loss": loss, **self._learner.counts}
        values, legal = self._learner.values(world.features), world.legal
        if self._kernel is not None:
            kernel_loss = self._kernel.learn(world, greedy(values, legal), phase)
            self.metrics |= {"kernel_loss": kernel_loss}
            for name, count in self._kernel.counts.items():
                self.metrics[name] += count
            world = world._replace(probabilities=self._kernel.probabilities(world))
        prior = prior_of(values, legal, self._config.prior_temperature)
        return Outlook(world, Guide(values, prior))

    def plan(
        self,
        outlook: Outlook,
        rows: tf.Tensor,
        phase: int,
        simulations: int | None = None,
    ) -> tf.Tensor:
        """What to do at rows [B], a policy [B, A]; the arguments are those of `search`.

        Without simulations there is no search, and learnt values decide.
        """
        legal = tf.gather(outlook.world.legal, rows)
        budget = self._config.simulations if simulations is None else simulations
        if not budget:
            return greedy(tf.gather(outlook.guide.values, rows), legal)
        found = self.search(outlook, rows, phase, budget)
        by_visits = self._config.answer == "visits"
        return greedy(found.visits if by_visits else found.values, legal)

    def search(
        self, outlook: Outlook, rows: tf.Tensor, phase: int, simulations: int
    ) -> Found:
        """Searches from rows, as many of them at a time as fit into memory.

        Args:
          outlook: what there is to plan with.
          rows: int64 [B].
          phase: number of the call of `prepare`, which fixes the random numbers.
          simulations: of each search.
        """
        nodes, actions = outlook.world.legal.shape
        size = _LARGEST_TABLE // max(nodes, simulations * actions)
        size = min(max(size, 1), _MOST_ROOTS)
        seed, budget = tf.stack([self._stream, phase]), np.int64(simulations)
        found = []
        for start in range(0, len(rows), size):
            part = tf.random.fold_in(seed, np.int64(start), alg="philox")
            found.append(
                self._search(outlook, rows[start : start + size], budget, part)
            )
        return Found(*(tf.concat(parts, axis=0) for parts in zip(*found, strict=True)))

    def _searched(
        self, outlook: Outlook, rows: tf.Tensor, simulations: tf.Tensor, seed: tf.Tensor
    ) -> Found:
        """A search as a graph."""
        world, guide = outlook
        return search(world, guide, rows, simulations, self._config.c_puct, seed)
