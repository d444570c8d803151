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

import numpy as np
import pyspiel
import tensorflow as tf

from algorithms.fictitious_play import FictitiousPlay, average_policy
from algorithms.frozen_world import FrozenWorld, by_time
from algorithms.model import Flow
from algorithms.policy import greedy
from algorithms.solver import State, Update
from mfg_games import parameters
from mfg_games.openspiel_game import MeanFieldGame


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
        if isinstance(game, str):
            game = pyspiel.load_game(game)
        if not isinstance(game, MeanFieldGame):
            raise ValueError(
                "`game` must be registered by `mfg_games.register`, whose steps can be "
                f"sampled. Received: `{game}`"
            )
        parameters.at_least("batch_size", batch_size, 1)
        parameters.require(
            episodes > 0 and episodes % batch_size == 0,
            "episodes",
            episodes,
            f"a multiple of batch_size={batch_size}",
        )
        parameters.require(
            0 < learning_rate <= 1,
            "learning_rate",
            learning_rate,
            "above 0 and at most 1",
        )
        parameters.probability("exploration", exploration)
        parameters.at_least("seed", seed, 0)
        self._num_batches = episodes // batch_size
        self._batch_size = batch_size
        self._learning_rate = learning_rate
        self._exploration = exploration
        self._seed = seed
        super().__init__(game, lr=lr, dtype=dtype, device=device)
        self._compiled_mix = self.model.compile(self._mix)

    def fresh_state(self) -> State:
        uniform = self.model.uniform_policy()
        return {"policy": uniform, "q": tf.zeros_like(uniform)}

    def _update(self, state: State, step_size: tf.Tensor) -> Update:
        """The sweeps only: the next state takes learning, outside of the graph."""
        flow, values = self._sweep(state["policy"])
        return Update(state, flow, values.value, values.best_value)

    def _advance(self, update: Update) -> State:
        q = self._learnt(update.flow)
        weight = self.model.as_tensor(self._pending_step)
        policy = self._compiled_mix(self._state["policy"], update.flow, q, weight)
        return {"policy": policy, "q": q}

    def _learnt(self, flow: Flow) -> tf.Tensor:
        """The table after this iteration's episodes, [D, A]."""
        q = np.array(self._state["q"], np.float64)
        world = FrozenWorld(self.game.dynamics, flow)
        rng = np.random.default_rng([self._seed, self.num_iterations])
        settings = self._batch_size, self._learning_rate, self._exploration
        for _ in range(self._num_batches):
            play(q, world, *settings, rng)
        return self.model.as_tensor(q)

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


def play(
    q: np.ndarray,
    world: FrozenWorld,
    num_episodes: int,
    learning_rate: float,
    exploration: float,
    rng: np.random.Generator,
) -> None:
    """Plays episodes side by side, then learns from their steps, the last ones first.

    Args:
      q: [D, A], changed in place; rows as in the array model.
      world: where to play.
      num_episodes: of each population.
      learning_rate: of the table.
      exploration: probability of a random legal action.
      rng: random numbers.
    """
    layers = by_time(world.dynamics, q)
    players = world.start(num_episodes, rng)
    steps = []
    for t, layer in enumerate(layers):
        legal = world.legal[players.x]
        actions = _epsilon_greedy(layer[players], legal, exploration, rng)
        rewards, after = world.step(t, players, actions, rng)
        steps.append((layer, players, actions, rewards, after))
        players = after
    worth = world.terminal_rewards
    for layer, players, actions, rewards, after in reversed(steps):
        _update(layer, (*players, actions), rewards + worth[after], learning_rate)
        worth = np.where(world.legal, layer, -np.inf).max(axis=-1)


def _epsilon_greedy(
    q: np.ndarray, legal: np.ndarray, exploration: float, rng: np.random.Generator
) -> np.ndarray:
    """Actions of players with the values q and legal actions [E, A], int [E]."""
    actions = np.where(legal, q, -np.inf).argmax(axis=-1)
    explorers = rng.random(len(q)) < exploration
    scores = rng.random((explorers.sum(), q.shape[-1]))
    actions[explorers] = np.where(legal[explorers], scores, -1.0).argmax(axis=-1)
    return actions


def _update(
    layer: np.ndarray, places: tuple, targets: np.ndarray, learning_rate: float
) -> None:
    """Moves the values at `places` to the targets, [E]; n at one place move n times."""
    flat = layer.reshape(-1)
    rows, which, visits = np.unique(
        np.ravel_multi_index(places, layer.shape),
        return_inverse=True,
        return_counts=True,
    )
    mean = np.bincount(which, targets) / visits
    flat[rows] += (1 - (1 - learning_rate) ** visits) * (mean - flat[rows])
