"""What the deep solvers' configurations have in common."""

from __future__ import annotations

import dataclasses

from mfg_games import parameters


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
    """A network and how it is trained.

    Attributes:
      features: "observation", the game's observation tensor, or "table", one-hot rows
        of the decision nodes.
      width, depth: of the hidden layers.
      optimizer: "adam" or "sgd".
      learning_rate: of the optimiser.
      clip_norm: largest global norm of a gradient; 0 for any.
      batch_size: samples of one gradient step.
      seed: of all random numbers, the initial weights included.
    """

    features: str = "observation"
    width: int = 128
    depth: int = 2
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    clip_norm: float = 40.0
    batch_size: int = 128
    seed: int = 0

    def __post_init__(self):
        parameters.one_of("features", self.features, ("observation", "table"))
        parameters.one_of("optimizer", self.optimizer, ("adam", "sgd"))
        parameters.at_least("width", self.width, 1)
        parameters.at_least("depth", self.depth, 0)
        parameters.positive("learning_rate", self.learning_rate)
        parameters.at_least("clip_norm", self.clip_norm, 0)
        parameters.at_least("batch_size", self.batch_size, 1)
        parameters.at_least("seed", self.seed, 0)


@dataclasses.dataclass(frozen=True)
class QLearningConfig(NetworkConfig):
    """Deep Q-learning in a population whose flow is frozen.

    Attributes:
      loss: "mse" or "huber".
      updates: gradient steps of an iteration.
      players: how many play side by side.
      moves_per_update: moves of every player for one gradient step.
      acting: "policy", the policy that the population plays, or "greedy", what the
        network values most.
      exploration: probability of a random legal action instead.
      replay_capacity: how many of the last moves are remembered.
      target_every: gradient steps from one copy to the target network to the next.
      averaging: what the moving average of the weights, whose values count, keeps of
        itself in a gradient step; 0 for the last weights.
    """

    loss: str = "mse"
    updates: int = 1000
    players: int = 64
    moves_per_update: int = 1
    acting: str = "policy"
    exploration: float = 0.1
    replay_capacity: int = 40_000
    target_every: int = 40
    averaging: float = 0.995

    def __post_init__(self):
        super().__post_init__()
        parameters.one_of("loss", self.loss, ("mse", "huber"))
        parameters.one_of("acting", self.acting, ("policy", "greedy"))
        parameters.probability("exploration", self.exploration)
        averaging = 0 <= self.averaging < 1
        parameters.require(averaging, "averaging", self.averaging, "0 or more, below 1")
        for name in ("updates", "players", "moves_per_update", "target_every"):
            parameters.at_least(name, getattr(self, name), 1)
        parameters.at_least("replay_capacity", self.replay_capacity, self.players)
