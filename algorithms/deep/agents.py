"""Agents that learn in OpenSpiel's `rl_environment`, with the calls of its own ones.

The solvers of this project learn in compiled sweeps instead, much faster. These are for
scripts that drive OpenSpiel's environments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
from open_spiel.python import rl_agent, rl_environment
from open_spiel.python.utils.replay_buffer import ReplayBuffer
from open_spiel.python.utils.reservoir_buffer import ReservoirBuffer
import tensorflow as tf

from algorithms.deep import losses, networks, randomness
from algorithms.deep.config import NetworkConfig
from algorithms.regularisers import log_softmax
from mfg_games import parameters

_SMALLEST_PROBABILITY = 1e-6
_LOSSES = {"mse": losses.mse, "huber": losses.huber}


class Transition(NamedTuple):
    """A move that is remembered.

    Attributes:
      info_state, next_info_state: float32 [F], before and after it.
      action: what was done.
      legal, next_legal: bool [A], the actions legal before and after it.
      reward: what it paid.
      ends: whether the game was over after it.
    """

    info_state: np.ndarray
    action: int
    legal: np.ndarray
    reward: float
    next_info_state: np.ndarray
    next_legal: np.ndarray
    ends: bool


class Network:
    """A multilayer perceptron and its optimiser.

    Args:
      num_features: F.
      num_actions: A.
      hidden_layers_sizes: of the layers between.
      optimizer: "adam" or "sgd".
      learning_rate: of the optimiser.
      gradient_clipping: largest global norm of a gradient; None for any.
      seed: of the initial weights.
    """

    def __init__(
        self,
        num_features: int,
        num_actions: int,
        hidden_layers_sizes: int | Sequence[int],
        optimizer: str,
        learning_rate: float,
        gradient_clipping: float | None,
        seed: int,
    ):
        networks.require_tensorflow()
        sizes = hidden_layers_sizes
        sizes = [sizes] if isinstance(sizes, int) else list(sizes)
        layers = [
            keras.layers.Dense(
                size,
                activation="relu" if number < len(sizes) else None,
                kernel_initializer=keras.initializers.GlorotUniform(
                    randomness.derived_seed(seed, number)
                ),
            )
            for number, size in enumerate([*sizes, num_actions])
        ]
        self.model = keras.Sequential([keras.Input((num_features,)), *layers])
        config = NetworkConfig(
            optimizer=optimizer,
            learning_rate=learning_rate,
            clip_norm=gradient_clipping or 0.0,
        )
        spec = networks.NetworkSpec(num_features, num_actions)
        self.trainer = networks.Trainer(config, spec, self.model)
        rows = tf.TensorSpec((None, num_features), tf.float32)
        self._outputs = tf.function(self.model, input_signature=[rows])

    def outputs(self, info_state: Sequence[float]) -> np.ndarray:
        """What the network says of one state, [A]."""
        return self._outputs(np.array([info_state], np.float32))[0].numpy()

    def copy(self) -> keras.Model:
        """The network as it is now."""
        twin = keras.models.clone_model(self.model)
        networks.blend(self.model, twin)
        return twin


class MunchausenDQN(rl_agent.AbstractAgent):
    """Learns what actions are worth with a bonus for the policy before.

    The network's softmax at temperature `tau` is the policy of the next iteration of
    Munchausen mirror descent (Lauriere et al. 2022, "Scalable deep RL", section 4).

    Args:
      player_id: whose observations it reads.
      state_representation_size: F, their length.
      num_actions: A.
      batch_size: moves of one gradient step.
      learn_every: moves from one gradient step to the next.
      epsilon_start, epsilon_end: first and last probability of a random action.
      epsilon_decay_duration: moves between them.
      epsilon_power: shape of the decay.
      discount_factor: of what follows.
      replay_buffer_capacity: how many moves are remembered.
      min_buffer_size_to_learn: how many there must be before the first step.
      replay_buffer_class: what remembers them.
      optimizer: "sgd" or "adam".
      learning_rate: of the optimiser.
      loss: "mse" or "huber".
      update_target_network_every: moves from one copy to the target to the next.
      hidden_layers_sizes: of the network.
      tau: temperature.
      alpha: share of the bonus.
      reset_replay_buffer_on_update: whether moves are forgotten with the policy.
      gradient_clipping: largest global norm of a gradient; None for any.
      with_munchausen: False for plain Q-learning.
      seed: of all random numbers.

    Raises:
      ValueError: an argument is out of range.
    """

    def __init__(
        self,
        player_id: int,
        state_representation_size: int,
        num_actions: int,
        batch_size: int = 128,
        learn_every: int = 64,
        epsilon_start: float = 0.1,
        epsilon_end: float = 0.1,
        epsilon_decay_duration: int = 20_000_000,
        epsilon_power: float = 1.0,
        discount_factor: float = 1.0,
        replay_buffer_capacity: int = 200_000,
        min_buffer_size_to_learn: int = 1000,
        replay_buffer_class: type = ReplayBuffer,
        optimizer: str = "sgd",
        learning_rate: float = 0.01,
        loss: str = "mse",
        update_target_network_every: int = 19200,
        hidden_layers_sizes: int | Sequence[int] = 128,
        tau: float = 0.05,
        alpha: float = 0.9,
        reset_replay_buffer_on_update: bool = True,
        gradient_clipping: float | None = None,
        with_munchausen: bool = True,
        seed: int = 42,
    ):
        parameters.one_of("loss", loss, tuple(_LOSSES))
        parameters.positive("tau", tau)
        parameters.probability("alpha", alpha)
        self.player_id = int(player_id)
        self.loss: float | None = None
        self._num_actions = num_actions
        self._batch_size = batch_size
        self._learn_every = learn_every
        self._epsilon = (epsilon_start, epsilon_end, epsilon_power)
        self._decay_moves = epsilon_decay_duration
        self._discount = discount_factor
        self._least_moves = max(batch_size, min_buffer_size_to_learn)
        self._replay = replay_buffer_class(replay_buffer_capacity)
        self._forgets = reset_replay_buffer_on_update
        self._loss_of = _LOSSES[loss]
        self._target_every = update_target_network_every
        self._tau, self._alpha = tau, alpha
        self._with_munchausen = with_munchausen
        self._random = np.random.RandomState(seed)
        self._moves = 0
        self._before: tuple | None = None
        self._network = Network(
            state_representation_size,
            num_actions,
            hidden_layers_sizes,
            optimizer,
            learning_rate,
            gradient_clipping,
            seed,
        )
        self._target, self._previous = self._network.copy(), self._network.copy()
        self._descend = tf.function(self._gradient_step)

    def step(
        self,
        time_step: rl_environment.TimeStep,
        is_evaluation: bool = False,
        add_transition_record: bool = True,
        use_softmax: bool = False,
        tau: float | None = None,
    ) -> rl_agent.StepOutput:
        """Chooses an action, and learns.

        Args:
          time_step: of the environment.
          is_evaluation: choose the best action, and do not learn.
          add_transition_record: whether to remember the last move.
          use_softmax: choose by the softmax of the values.
          tau: its temperature; None for the agent's own.
        """
        action, chosen = None, []
        if not time_step.last():
            chosen = self._policy(time_step, is_evaluation, use_softmax, tau)
            action = int(self._random.choice(self._num_actions, p=chosen))
        if not is_evaluation:
            self._remember(time_step, action, add_transition_record)
        return rl_agent.StepOutput(action=action, probs=chosen)

    def update_prev_q_network(self) -> None:
        """Makes the network's softmax the policy that the bonus is for."""
        networks.blend(self._network.model, self._previous)
        if self._forgets:
            self._replay.reset()

    def learn(self) -> float | None:
        """One gradient step; its loss, or None while there are too few moves."""
        if len(self._replay) < self._least_moves:
            return None
        moves = self._replay.sample(self._batch_size)
        columns = [np.array(column) for column in zip(*moves, strict=True)]
        kinds = Transition(
            np.float32, np.int64, bool, np.float32, np.float32, bool, bool
        )
        arrays = [
            tf.constant(column.astype(kind))
            for column, kind in zip(columns, kinds, strict=True)
        ]
        return float(self._descend(*arrays))

    def _policy(
        self,
        time_step: rl_environment.TimeStep,
        is_evaluation: bool,
        use_softmax: bool,
        tau: float | None,
    ) -> np.ndarray:
        legal = self._mask(time_step)
        if not use_softmax and not is_evaluation and self._explores():
            return legal / legal.sum()
        q = self._network.outputs(self._seen(time_step)).astype(np.float64)
        q[~legal] = -np.inf
        if not use_softmax:
            return np.eye(self._num_actions)[np.argmax(q)]
        weights = np.exp((q - q.max()) / (tau or self._tau))
        return weights / weights.sum()

    def _explores(self) -> bool:
        start, end, power = self._epsilon
        left = 1 - min(self._moves, self._decay_moves) / self._decay_moves
        return self._random.rand() < end + (start - end) * left**power

    def _remember(
        self, time_step: rl_environment.TimeStep, action: int | None, add: bool
    ) -> None:
        self._moves += 1
        if self._moves % self._learn_every == 0:
            self.loss = self.learn()
        if self._moves % self._target_every == 0:
            networks.blend(self._network.model, self._target)
        if self._before is not None and add:
            self._replay.add(self._transition(time_step))
        self._before = None if time_step.last() else (time_step, action)

    def _transition(self, time_step: rl_environment.TimeStep) -> Transition:
        before, action = self._before
        return Transition(
            self._seen(before),
            action,
            self._mask(before),
            time_step.rewards[self.player_id],
            self._seen(time_step),
            self._mask(time_step),
            time_step.last(),
        )

    def _seen(self, time_step: rl_environment.TimeStep) -> np.ndarray:
        return np.array(time_step.observations["info_state"][self.player_id])

    def _mask(self, time_step: rl_environment.TimeStep) -> np.ndarray:
        mask = np.zeros(self._num_actions, bool)
        mask[time_step.observations["legal_actions"][self.player_id]] = True
        return mask

    def _gradient_step(self, seen, actions, legal, rewards, after, next_legal, ends):
        # What is over has no legal actions, and its values do not count.
        next_legal |= ends[:, None]
        targets = self._targets(seen, actions, legal, rewards, after, next_legal, ends)

        def loss():
            q = self._network.model(seen)
            return self._loss_of(tf.gather(q, actions, batch_dims=1), targets)

        return self._network.trainer.descend(loss)

    def _targets(self, seen, actions, legal, rewards, after, next_legal, ends):
        next_q = self._target(after)
        if not self._with_munchausen:
            rest = losses.dqn_targets(tf.zeros_like(rewards), next_q, next_legal, ends)
            return rewards + self._discount * rest
        before = log_softmax(self._previous(seen) / self._tau, legal)
        next_before = log_softmax(self._previous(after) / self._tau, next_legal)
        taken = tf.gather(before, actions, batch_dims=1)

        def target(over):
            return losses.munchausen_targets(
                rewards,
                taken,
                next_q,
                next_before,
                over,
                self._tau,
                self._alpha,
                _SMALLEST_PROBABILITY,
            )

        now = target(tf.ones_like(ends))
        return now + self._discount * (target(ends) - now)


class SoftMaxMunchausenDQN(rl_agent.AbstractAgent):
    """A Munchausen agent that plays the softmax of its values.

    Args:
      agent: the agent.
      tau: temperature; None for the agent's own.
    """

    def __init__(self, agent: MunchausenDQN, tau: float | None = None):
        self._agent = agent
        self._tau = tau

    def step(
        self, time_step: rl_environment.TimeStep, is_evaluation: bool = False
    ) -> rl_agent.StepOutput:
        """Chooses an action; the agent learns unless this is an evaluation."""
        return self._agent.step(
            time_step, is_evaluation=is_evaluation, use_softmax=True, tau=self._tau
        )


class AveragePolicy(rl_agent.AbstractAgent):
    """Learns the average of all that another agent has ever done.

    Args:
      player_id: whose observations it reads.
      br_rl_agent: the other agent, which plays best responses.
      state_representation_size: F, the observations' length.
      num_actions: A.
      hidden_layers_sizes: of the network.
      reservoir_buffer_capacity: how many moves are remembered, each as likely.
      batch_size: moves of one gradient step.
      learning_rate: of the optimiser.
      min_buffer_size_to_learn: how many moves there must be before the first step.
      optimizer_str: "sgd" or "adam".
      gradient_clipping: largest global norm of a gradient; None for any.
      seed: of the initial weights.
      tau: temperature of the network's softmax.
    """

    def __init__(
        self,
        player_id: int,
        br_rl_agent: rl_agent.AbstractAgent,
        state_representation_size: int,
        num_actions: int,
        hidden_layers_sizes: Sequence[int],
        reservoir_buffer_capacity: int = 100_000,
        batch_size: int = 128,
        learning_rate: float = 0.01,
        min_buffer_size_to_learn: int = 1000,
        optimizer_str: str = "sgd",
        gradient_clipping: float | None = None,
        seed: int = 42,
        tau: float = 1.0,
    ):
        parameters.positive("tau", tau)
        self.loss: float | None = None
        self._player_id = player_id
        self._responder = br_rl_agent
        self._num_actions = num_actions
        self._batch_size = batch_size
        self._least_moves = max(batch_size, min_buffer_size_to_learn)
        self._reservoir = ReservoirBuffer(reservoir_buffer_capacity)
        self._tau = tau
        self._random = np.random.RandomState(seed)
        self._network = Network(
            state_representation_size,
            num_actions,
            hidden_layers_sizes,
            optimizer_str,
            learning_rate,
            gradient_clipping,
            seed,
        )
        self._descend = tf.function(self._gradient_step)

    def step(
        self, time_step: rl_environment.TimeStep, is_evaluation: bool = True
    ) -> rl_agent.StepOutput | None:
        """Plays the average, or lets the other agent play and remembers what it does.

        Args:
          time_step: of the environment.
          is_evaluation: whether to play the average.
        """
        if time_step.last():
            return None
        seen = time_step.observations["info_state"][self._player_id]
        if is_evaluation:
            chosen = self._policy(time_step, seen)
            action = int(self._random.choice(self._num_actions, p=chosen))
            return rl_agent.StepOutput(action=action, probs=chosen)
        output = self._responder.step(time_step, is_evaluation=True)
        self._reservoir.add((np.array(seen), np.array(output.probs)))
        return output

    def learn(self) -> float | None:
        """One gradient step; its loss, or None while there are too few moves."""
        if len(self._reservoir) < self._least_moves:
            return None
        seen, chosen = zip(*self._reservoir.sample(self._batch_size), strict=True)
        arrays = (np.array(column, np.float32) for column in (seen, chosen))
        self.loss = float(self._descend(*map(tf.constant, arrays)))
        return self.loss

    def _policy(
        self, time_step: rl_environment.TimeStep, seen: Sequence[float]
    ) -> np.ndarray:
        legal = time_step.observations["legal_actions"][self._player_id]
        q = np.full(self._num_actions, -np.inf)
        q[legal] = self._network.outputs(seen)[legal]
        weights = np.exp((q - q.max()) / self._tau)
        return weights / weights.sum()

    def _gradient_step(self, seen: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
        def loss():
            logarithms = tf.nn.log_softmax(self._network.model(seen))
            return -tf.reduce_mean(tf.reduce_sum(chosen * logarithms, axis=-1))

        return self._network.trainer.descend(loss)
