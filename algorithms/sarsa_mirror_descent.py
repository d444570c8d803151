"""Online mirror descent whose values are learnt, by expected Sarsa.

    y <- 0; q <- 0
    repeat: policy <- softmax(y)
            mu <- flow of the policy, then frozen
            repeat: play an episode against mu, each action by the policy or, with
                    probability epsilon, at random; for its steps (t, x, a, r, x'), the
                    last one first:
                        q[t, x, a] += learning_rate
                            * (r + sum_b policy(b | t + 1, x') q[t + 1, x', b]
                               - q[t, x, a])
            y <- y + lr * q

This is Algorithm 1 of Perolat et al. 2021 where the policy's values are not computed
but learnt from sampled steps. Sarsa, which would take the next action that was played
for the sum over b, has the same mean without exploration and a larger variance; the sum
(van Seijen et al. 2009) gives the values of the policy whatever exploration does.

The population is not sampled: flows, and the exploitability that is reported, are
exact. `q` is kept from one iteration to the next, as the policy changes little; pairs
that are never met keep the value 0. Episodes are played as in
`q_learning_fictitious_play`.
"""

from __future__ import annotations

import pyspiel
import tensorflow as tf

from algorithms.frozen_world import FrozenWorld
from algorithms.regularisers import softmax
from algorithms.solver import Solver, State, Update
from algorithms.tabular_learning import SAMPLED, Learning
from mfg_games import parameters


class SarsaMirrorDescent(Solver):
    """Online mirror descent on values that are learnt from sampled episodes.

    Args:
      game: a game of `mfg_games`, or its string.
      lr: learning rate of mirror descent.
      episodes: how many each population plays in an iteration.
      batch_size: how many of them at a time; it divides `episodes`.
      learning_rate: of the table of values.
      exploration: probability of a random action.
      seed: of all random numbers. Equal seeds give equal numbers.
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.

    Raises:
      ValueError: a parameter is out of range, or the game is not one of `mfg_games`.
    """

    own_games_only = SAMPLED

    def __init__(
        self,
        game: pyspiel.Game | str,
        lr: float = 0.1,
        episodes: int = 10_000,
        batch_size: int = 500,
        learning_rate: float = 0.1,
        exploration: float = 0.2,
        seed: int = 0,
        dtype: str = "float64",
        device: str | None = None,
    ):
        parameters.positive("lr", lr)
        self._lr = lr
        self._learning = Learning(
            episodes, batch_size, learning_rate, exploration, seed
        )
        super().__init__(game, dtype, device)
        self._learning.require_room(self.game.dynamics)

    def step_size(self) -> float:
        return self._lr

    def fresh_state(self) -> State:
        zeros = tf.zeros_like(self.model.uniform_policy())
        return {"scores": zeros, "q": zeros}

    def _policy(self, state: State) -> tf.Tensor:
        return softmax(state["scores"], self.model.legal_actions)

    def _update(self, state: State, step_size: tf.Tensor) -> Update:
        """The sweeps only: the next state takes learning, outside of the graph."""
        flow, values = self._sweep(self._policy(state))
        return Update(state, flow, values.totals)

    def _advance(self, update: Update) -> State:
        world = FrozenWorld(self.game.dynamics, update.flow)
        policy = self.get_policy().probabilities
        table = self._learning.iteration(
            self._state["q"], world, self.num_iterations, policy
        )
        q = self.model.as_tensor(table)
        return {"scores": self._state["scores"] + self._pending_step * q, "q": q}
