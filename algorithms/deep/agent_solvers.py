"""Deep solvers that drive agents in OpenSpiel's environments, with OpenSpiel's calls.

The solvers of this project learn in compiled sweeps instead, much faster.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
import logging

from open_spiel.python import rl_agent, rl_agent_policy, rl_environment
from open_spiel.python.utils import training
import pyspiel

from algorithms.deep.agents import AveragePolicy, MunchausenDQN, SoftMaxMunchausenDQN
from algorithms.distribution import DistributionPolicy
from mfg_games import parameters

# Called with the numbers of iteration and step, and what was measured by name.
Logging = Callable[[int, int, dict], None]


def _log(iteration: int, step: int, metrics: dict) -> None:
    logging.info("%d/%d %r", iteration, step, metrics)


class AgentSolver(abc.ABC):
    """A solver whose policy is that of agents, one for each population.

    Args:
      game: any OpenSpiel mean field game whose states have observation tensors.
      envs: an environment for each population.
      eval_every: training steps from one call of `logging_fn` to the next.
      num_episodes_per_iteration: games that are played in an iteration.
      logging_fn: takes what is measured; None to log it.

    Attributes:
      policy: what the agents play.
      distribution: of the population that plays it.
    """

    def __init__(
        self,
        game: pyspiel.Game,
        envs: Sequence[rl_environment.Environment],
        eval_every: int,
        num_episodes_per_iteration: int,
        logging_fn: Logging | None,
    ):
        populations = game.num_players()
        allowed = f"{populations} environments, one for each population"
        parameters.require(len(envs) == populations, "envs", envs, allowed)
        self._game = game
        self._envs = envs
        self._eval_every = eval_every
        self._num_episodes = num_episodes_per_iteration
        self._logging_fn = logging_fn or _log
        self._num_iterations = 0
        self.policy = self._joint_policy()
        self.distribution = DistributionPolicy(game, self.policy)

    @abc.abstractmethod
    def _train(self) -> None:
        """Lets the agents play and learn for an iteration."""

    @abc.abstractmethod
    def _joint_policy(self) -> rl_agent_policy.JointRLAgentPolicy:
        """What the agents play."""

    def iteration(self) -> None:
        """Runs one iteration; the environments then show its distribution."""
        self._train()
        self.policy = self._joint_policy()
        self.distribution = DistributionPolicy(self._game, self.policy)
        self._num_iterations += 1
        for env in self._envs:
            env.update_mfg_distribution(self.distribution)

    def _joint(self, agents: Sequence) -> rl_agent_policy.JointRLAgentPolicy:
        return rl_agent_policy.JointRLAgentPolicy(
            self._game, dict(enumerate(agents)), self._envs[0].use_observation
        )

    def _report(self, step: int, agents: Sequence, name: str) -> None:
        if step % self._eval_every == 0:
            losses = {f"{name}{n}/loss": agent.loss for n, agent in enumerate(agents)}
            self._logging_fn(self._num_iterations, step, losses)


class DeepOnlineMirrorDescent(AgentSolver):
    """Munchausen mirror descent by agents (Lauriere et al. 2022, "Scalable deep RL").

    Args:
      game: any OpenSpiel mean field game whose states have observation tensors.
      envs: an environment for each population.
      agents: a Munchausen agent for each.
      eval_every: games from one call of `logging_fn` to the next.
      num_episodes_per_iteration: games that are played in an iteration.
      logging_fn: takes what is measured; None to log it.

    Raises:
      ValueError: there are too few or too many of them.
    """

    def __init__(
        self,
        game: pyspiel.Game,
        envs: Sequence[rl_environment.Environment],
        agents: Sequence[MunchausenDQN],
        eval_every: int = 200,
        num_episodes_per_iteration: int = 1000,
        logging_fn: Logging | None = None,
    ):
        valid = len(agents) == game.num_players() and all(
            isinstance(agent, MunchausenDQN) for agent in agents
        )
        allowed = "a MunchausenDQN for each population"
        parameters.require(valid, "agents", agents, allowed)
        self._agents = agents
        super().__init__(game, envs, eval_every, num_episodes_per_iteration, logging_fn)

    def get_softmax_policy(
        self, tau: float | None = None
    ) -> rl_agent_policy.JointRLAgentPolicy:
        """The softmax of the agents' values; None for their own temperature."""
        return self._joint([SoftMaxMunchausenDQN(agent, tau) for agent in self._agents])

    def iteration(self) -> None:
        super().iteration()
        for agent in self._agents:
            agent.update_prev_q_network()

    def _joint_policy(self) -> rl_agent_policy.JointRLAgentPolicy:
        return self.get_softmax_policy()

    def _train(self) -> None:
        for number in range(self._num_episodes):
            for env, agent in zip(self._envs, self._agents, strict=True):
                _episode(env, agent)
            self._report(number + 1, self._agents, "agent")


class AgentAverageFictitiousPlay(AgentSolver):
    """Fictitious play whose average is a network's, by agents of OpenSpiel's kind.

    Args:
      game: any OpenSpiel mean field game whose states have observation tensors.
      envs: an environment for each population.
      br_rl_agents: an agent for each that plays a best response to the population in
        its environment. Others train it, between two iterations.
      num_episodes_per_iteration: games in which its moves are remembered.
      num_training_steps_per_iteration: gradient steps of the averages.
      eval_every: gradient steps from one call of `logging_fn` to the next.
      logging_fn: takes what is measured; None to log it.
      **kwargs: of `AveragePolicy`.

    Raises:
      ValueError: there are too few or too many of them.
    """

    def __init__(
        self,
        game: pyspiel.Game,
        envs: Sequence[rl_environment.Environment],
        br_rl_agents: Sequence[rl_agent.AbstractAgent],
        num_episodes_per_iteration: int,
        num_training_steps_per_iteration: int,
        eval_every: int = 200,
        logging_fn: Logging | None = None,
        **kwargs,
    ):
        valid = len(br_rl_agents) == game.num_players()
        allowed = "an agent for each population"
        parameters.require(valid, "br_rl_agents", br_rl_agents, allowed)
        self._num_training_steps = num_training_steps_per_iteration
        size = envs[0].observation_spec()["info_state"][0]
        actions = envs[0].action_spec()["num_actions"]
        self._averages = [
            AveragePolicy(population, agent, size, actions, **kwargs)
            for population, agent in enumerate(br_rl_agents)
        ]
        super().__init__(game, envs, eval_every, num_episodes_per_iteration, logging_fn)

    def _joint_policy(self) -> rl_agent_policy.JointRLAgentPolicy:
        return self._joint(self._averages)

    def _train(self) -> None:
        training.run_episodes(
            self._envs, self._averages, self._num_episodes, is_evaluation=False
        )
        for step in range(self._num_training_steps):
            for average in self._averages:
                average.learn()
            self._report(step + 1, self._averages, "avg_agent")


def _episode(env: rl_environment.Environment, agent: rl_agent.AbstractAgent) -> None:
    """Lets an agent play, and learn from, one game."""
    time_step = env.reset()
    while not time_step.last():
        time_step = env.step([agent.step(time_step).action])
    agent.step(time_step)
