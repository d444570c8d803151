"""Fictitious play whose best response is learnt (Perrin et al. 2020, Algorithm 1).

    policy <- uniform; q <- 0
    repeat: mu <- flow of the policy, then frozen
            repeat: play an episode against mu with the epsilon-greedy policy of q,
                    for its steps (t, x, a, r, x'), the last one first:
                        q[t, x, a] += learning_rate
                            * (r + max_b q[t + 1, x', b] - q[t, x, a])
            policy <- average of the policy and the greedy policy of q, as in
                    `fictitious_play`

The learner is tabular and model-free: it sees sampled steps, never a probability.
The population is not sampled: flows, and the exploitability that is reported, are
exact.

Choices that the paper leaves open:
  - `episodes`, their number in an iteration;
  - `q` is kept from one iteration to the next, as the flow moves less and less;
  - episodes are played `batch_size` at a time with the same `q`. If n of them meet in
    a pair (x, a) at time t, their mean target counts as n updates.
"""

from __future__ import annotations

import pyspiel
import tensorflow as tf

from algorithms.fictitious_play import FictitiousPlay, average_policy
from algorithms.frozen_world import FrozenWorld
from algorithms.model import Flow
from algorithms.policy import greedy
from algorithms.programs import program
from algorithms.solver import State, Update
from algorithms.tabular_learning import SAMPLED, Learning


class QLearningFictitiousPlay(FictitiousPlay):
    """Fictitious play with tabular Q-learning in place of the best response.

    Args:
      game: a game of `mfg_games`, or its string.
      episodes: how many each population plays in an iteration.
      batch_size: how many of them at a time; it divides `episodes`.
      learning_rate: of the Q-table.
      exploration: probability of a random action, the epsilon of epsilon-greedy.
      seed: of all random numbers. Equal seeds give equal numbers.
      lr: weight of each new response; None for 1 / (k + 1) at iteration k = 1, 2, ...
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.

    Raises:
      ValueError: a parameter is out of range, or the game is not one of `mfg_games`.
    """

    own_games_only = SAMPLED

    def __init__(
        self,
        game: pyspiel.Game | str,
        episodes: int = 10_000,
        batch_size: int = 500,
        learning_rate: float = 0.1,
        exploration: float = 0.2,
        seed: int = 0,
        lr: float | None = None,
        dtype: str = "float64",
        device: str | None = None,
    ):
        self._learning = Learning(
            episodes, batch_size, learning_rate, exploration, seed
        )
        super().__init__(game, lr=lr, dtype=dtype, device=device)
        self._learning.require_room(self.game.dynamics)
        self._compiled_mix = program(self, "_mix")

    def fresh_state(self) -> State:
        uniform = self.model.uniform_policy()
        return {"policy": uniform, "q": tf.zeros_like(uniform)}

    def _update(self, state: State, step_size: tf.Tensor) -> Update:
        """The sweeps only: the next state takes learning, outside of the graph."""
        flow, values = self._sweep(state["policy"])
        return Update(state, flow, values.totals)

    def _advance(self, update: Update) -> State:
        world = FrozenWorld(self.game.dynamics, update.flow)
        table = self._learning.iteration(self._state["q"], world, self.num_iterations)
        q = self.model.as_tensor(table)
        weight = self.model.as_tensor(self._pending_step)
        policy = self._compiled_mix(self._state["policy"], update.flow, q, weight)
        return {"policy": policy, "q": q}

    def _mix(
        self, policy: tf.Tensor, flow: Flow, q: tf.Tensor, weight: tf.Tensor
    ) -> tf.Tensor:
        response = greedy(q, self.model.legal_actions)
        return average_policy(
            (1 - weight) * flow.mass,
            policy,
            weight * self.model.distribution(response).mass,
            response,
            tf.where(weight < 1, self.model.uniform_policy(), response),
        )
