"""What every solver stands on: one mean field game as dense arrays over its nodes.

Shapes: D decision nodes (of all times, noise histories, populations and states, in
the order of time), A actions, N populations. Arrays are TensorFlow tensors of the
model's dtype.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Hashable, Iterator, Sequence
import functools
import threading
from typing import NamedTuple

import numpy as np
import pyspiel
import tensorflow as tf

from algorithms.model.compiled import Compiled
from algorithms.model.enumeration import Discovered
from algorithms.regularisers import Regulariser


class GameFault(ValueError, FloatingPointError):
    """A game's functions return what is no law, or no reward.

    A ValueError, since the game is given; a FloatingPointError, since it may come up in
    the middle of a run, which then ends like one that diverges.
    """


class Flow(NamedTuple):
    """The population's flow under a policy.

    Attributes:
      mass: [D], probability of each decision node; populations count one each, and
        the nodes of a noise history sum to the history's probability.
      rest: what else the model needs to tell rewards; its shape is the model's own.
      joint: [D, A], probability of each node and action, in games whose rewards or
        dynamics depend on it; [0, A] in others.
      sound: bool scalar, whether the masses of each time, noise history and population
        sum to the history's probability, and the transition laws met on the way are
        distributions, up to rounding.
    """

    mass: tf.Tensor
    rest: tf.Tensor
    joint: tf.Tensor
    sound: tf.Tensor


class ScorePolicy(NamedTuple):
    """A policy chosen by scores, which sweeps expand layer by layer.

    Where the reward tells no actions apart and each action leads to one state, the
    states' scores say all about the actions: A times less memory than a policy.

    Attributes:
      scores: [D, ...], sums of `Evaluation.scores`.
      choose: `choose(scores, legal)`, both [..., A], gives probabilities [..., A]; it
        must not mind a constant that is added to all scores of a row.
    """

    scores: tf.Tensor
    choose: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


class Totals(NamedTuple):
    """What a policy earns and what a best response would gain, float64.

    Attributes:
      value: [N], the policy's value.
      gain: [N], what the best response's value is above it. Both are counted from what
        all are paid alike, so that a constant in the rewards changes no gain.
      resolution: how much of `gain` may be rounding.
    """

    value: tf.Tensor
    gain: tf.Tensor
    resolution: tf.Tensor

    @property
    def best_value(self) -> tf.Tensor:
        """The best response's value, [N]."""
        return self.value + self.gain

    @property
    def exploitability(self) -> tf.Tensor:
        """What the best response gains, summed over the populations."""
        return tf.reduce_sum(self.gain)


class Evaluation(NamedTuple):
    """Values against one flow, from one backward sweep.

    Action values tell actions apart, and nodes of one time, history and population:
    what all of these are paid alike is taken out of them and kept in float64, so that
    a constant in the rewards costs no digits. `MeanFieldModel.absolute` adds it.

    Attributes:
      q: [D, A], what an action is worth when the policy is followed after it.
      best_q: [D, A], what it is worth when the best response is followed after it.
      scores: [D, ...], `q` up to a constant for each node, in the shape of
        `MeanFieldModel.zero_scores`.
      base: float64, what was taken out of `q` and `best_q`; its shape is the model's.
      totals: at the start.
    """

    q: tf.Tensor
    best_q: tf.Tensor
    scores: tf.Tensor
    base: tf.Tensor
    totals: Totals


class Steps(NamedTuple):
    """One player's decision problem in a population whose flow is frozen.

    Attributes:
      successors: int32 [D, A, K], rows of the next decision node; D is the end.
      probabilities: [D, A, K], of the successors, common noise included.
      rewards: [D, A], the expectation of all that is paid, discounted to time 0, from
        a decision until the next one, or until the end.
    """

    successors: tf.Tensor
    probabilities: tf.Tensor
    rewards: tf.Tensor


class Start(NamedTuple):
    """Where players take their first decision.

    Attributes:
      rows: int32 [R], of the decision nodes.
      probabilities: [R]; those of each population sum to one.
      populations: int32 [R], of the rows.
    """

    rows: tf.Tensor
    probabilities: tf.Tensor
    populations: tf.Tensor


class MeanFieldModel(abc.ABC):
    """Forward and backward sweeps over one game.

    Attributes:
      game: the OpenSpiel game.
      dtype: of all arrays.
      num_actions: A.
      num_populations: N.
    """

    game: pyspiel.Game
    dtype: tf.DType
    num_actions: int
    num_populations: int

    @property
    @abc.abstractmethod
    def num_nodes(self) -> int:
        """D. It grows where the reachable nodes depend on the distribution."""

    @property
    @abc.abstractmethod
    def legal_actions(self) -> tf.Tensor:
        """Bool, [D, A]."""

    @abc.abstractmethod
    def distribution(self, policy: tf.Tensor | ScorePolicy) -> Flow:
        """Forward sweep: the flow of the population that plays `policy`, [D, A]."""

    @abc.abstractmethod
    def sampled_distribution(
        self, policy: tf.Tensor, players: int, seed: Sequence[int]
    ) -> Flow:
        """The flow as an estimate from samples.

        In each step the law of so many players of each population is seen in place of
        the population's, and moves on as the population would: the estimate's error
        falls with the square root of their number.

        Args:
          policy: [D, A].
          players: how many are drawn, anew in each step and noise history.
          seed: integers that fix the draws.
        """

    @abc.abstractmethod
    def evaluate(
        self,
        policy: tf.Tensor | ScorePolicy,
        flow: Flow,
        regulariser: Regulariser | None = None,
    ) -> Evaluation:
        """Backward sweep: the policy's values and the best response's, at once.

        Args:
          policy: [D, A], or by its scores.
          flow: of the population.
          regulariser: an h that each decision costs h(policy), undiscounted: values are
            those of the rewards less that cost, and the best response is the best for
            them, the `regulariser.policy` of `best_q`.
        """

    @abc.abstractmethod
    def absolute(self, q: tf.Tensor, values: Evaluation) -> tf.Tensor:
        """Action values with what was taken out of them, float64 [D, A].

        Args:
          q: [D, A], `values.q` or `values.best_q`.
          values: the evaluation.
        """

    @abc.abstractmethod
    def fault(self, flow: Flow) -> str | None:
        """What the game does wrong under a flow, in one sentence; None for nothing.

        That is, where the probabilities of what follows do not sum to one or one of
        them is negative or NaN, or where a reward is not finite.
        """

    def require_sound(self, flow: Flow, totals: Totals | None = None) -> None:
        """Sees to it that a flow and what follows from it are right.

        Raises:
          GameFault: the game is at fault; see `fault`.
          FloatingPointError: a mass or a total became infinite or NaN, or masses do not
            sum to one, without a fault of the game.
        """
        if flow.sound and (totals is None or _is_gain(totals.gain.numpy())):
            return
        fault = self.fault(flow)
        if fault:
            raise GameFault(fault)
        if not flow.sound:
            raise FloatingPointError("the masses do not sum to one")
        raise FloatingPointError(
            f"the policy's value is {totals.value.numpy()}, and a best response gains "
            f"{totals.gain.numpy()}"
        )

    @abc.abstractmethod
    def steps(self, flow: Flow) -> Steps:
        """What a single player meets in a population with this flow.

        In rows that the flow's game does not have, and for illegal actions in some
        models, all leads to the end and pays nothing.
        """

    @abc.abstractmethod
    def start(self) -> Start:
        """Where players take their first decision."""

    @property
    @abc.abstractmethod
    def observations(self) -> tf.Tensor:
        """OpenSpiel's observation tensors of the decision nodes, float32 [D, F].

        A one-hot population comes first where there are several; games that do not
        show it in their own tensors get it here.

        Raises:
          ValueError: the game has none.
        """

    @abc.abstractmethod
    def compile(self, function: Callable) -> Callable:
        """Makes a function of tensors, built on the sweeps, fast to call again."""

    def program(self, key: Hashable, function: Callable) -> Callable:
        """`compile`, but once for a key: what has been compiled for it is used again.

        Args:
          key: all that the function depends on besides the model and its arguments.
          function: as in `compile`.
        """
        return self._programs.setdefault((key, Compiled.xla), self.compile(function))

    @functools.cached_property
    def _programs(self) -> dict[Hashable, Callable]:
        return {}

    def lock(self) -> threading.RLock:
        """What a solver holds while it computes: a lock of its own.

        Models that sweeps change have but one.
        """
        return threading.RLock()

    @abc.abstractmethod
    def node_index(self, state: pyspiel.State) -> int:
        """The row of a decision state.

        Raises:
          KeyError: the model has no such node.
        """

    @property
    def num_met(self) -> int:
        """Number of rows whose nodes have been met; others are known from a file."""
        return self.num_nodes

    @abc.abstractmethod
    def decision_states(self) -> Iterator[pyspiel.State | None]:
        """A state of every decision node, in the order of the rows.

        None for nodes that `rows_of` has announced and that were not met yet.
        """

    @abc.abstractmethod
    def masses(self, flow: Flow) -> dict[str, float]:
        """Mass of every decision and mean field node, by its observation string."""

    @abc.abstractmethod
    def passing_masses(self, policy: tf.Tensor, flow: Flow) -> dict[str, float]:
        """Mass of every other node under the policy of the flow, by its string."""

    @abc.abstractmethod
    def flow_of_masses(self, mass_of: Callable[[str, float], float]) -> Flow:
        """The flow in which mean field nodes have given masses.

        Args:
          mass_of: gives the mass of a mean field node by its observation string, or
            its second argument, 0, where it knows of no mass.

        Raises:
          ValueError: masses are negative, infinite, or do not sum to one.
        """

    def node_names(self) -> list[str]:
        """Strings of the rows' nodes, where they depend on the flows seen so far.

        Empty where the game alone fixes the rows.
        """
        return []

    def discovered(self) -> Discovered | None:
        """The nodes met so far, to make another model with the same rows.

        None where the game alone fixes the rows.
        """
        return None

    def rows_of(self, names: list[str], legal_actions: np.ndarray) -> np.ndarray | None:
        """Rows of nodes named by `node_names` of an earlier model of the same game.

        Args:
          names: the nodes' strings; empty if the rows are fixed.
          legal_actions: bool [len(names), A], for nodes that are new to this model.

        Returns:
          Int [len(names)], or None where the game alone fixes the rows.
        """
        del legal_actions
        if names:
            raise ValueError(f"The nodes of `{self.game}` do not depend on the flow.")
        return None

    def uniform_policy(self) -> tf.Tensor:
        """The policy that plays all legal actions alike, [D, A]."""
        legal = tf.cast(self.legal_actions, self.dtype)
        return legal / tf.reduce_sum(legal, axis=-1, keepdims=True)

    def zero_scores(self) -> tf.Tensor:
        """Scores that tell no actions apart, [D, ...]."""
        return tf.zeros((self.num_nodes, self.num_actions), self.dtype)

    def expand(self, policy: tf.Tensor | ScorePolicy) -> tf.Tensor:
        """A policy as an array, [D, A]."""
        if isinstance(policy, ScorePolicy):
            legal = self.legal_actions[: len(policy.scores)]
            return policy.choose(policy.scores, legal)
        return policy

    def as_tensor(self, array: np.ndarray) -> tf.Tensor:
        """A NumPy array as a tensor of the model's dtype."""
        return tf.convert_to_tensor(np.asarray(array, self.dtype.as_numpy_dtype))

    @property
    def compiled_distribution(self) -> Callable[[tf.Tensor], Flow]:
        """`distribution`, compiled."""
        return self.program("distribution", self.distribution)

    @property
    def compiled_evaluate(self) -> Callable[[tf.Tensor, Flow], Evaluation]:
        """`evaluate`, compiled."""
        return self.program("evaluate", self.evaluate)

    @property
    def compiled_steps(self) -> Callable[[Flow], Steps]:
        """`steps`, compiled."""
        return self.program("steps", self.steps)


def _is_gain(gain: np.ndarray) -> bool:
    """Whether all entries are finite and none is negative."""
    return bool(np.isfinite(gain).all() and gain.min() >= 0)
