"""What the deep solvers' configurations have in common.

A solver's configuration may hold those of its learners; by name, their fields begin
with the learner's: `dqn_learning_rate` is `learning_rate` of the field `dqn`.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import itertools
import math
from typing import Any

from algorithms.checked import Checked
from mfg_games import parameters

FEATURES = ("observation", "table")
NETWORKS = ("shared", "separate")
PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")

# Arrays as large as a network's weights: the network, its target and its average, the
# gradient and two moments of Adam.
_COPIES = 6
# Bytes of a sample in a buffer, at least.
SAMPLE = 16


@dataclasses.dataclass(frozen=True)
class SolverConfig(metaclass=Checked):
    """What a solver sets for all of its networks.

    Attributes:
      features: "observation", the game's observation tensor, or "table", one-hot rows
        of the decision nodes.
      networks: "shared", one for all populations, which see which one they are, or
        "separate", one for each.
      precision: "float32", or "mixed_float16" or "mixed_bfloat16" for the hidden
        layers; the weights and the last layer stay in single precision.
      sampled_players: the population is estimated from so many players, drawn anew in
        each step; 0 for the exact flow. Exploitability is exact in any case.
      seed: of all random numbers, the initial weights included.
    """

    features: str = "observation"
    networks: str = "shared"
    precision: str = "float32"
    sampled_players: int = 0
    seed: int = 0

    def __post_init__(self):
        parameters.one_of("features", self.features, FEATURES)
        parameters.one_of("networks", self.networks, NETWORKS)
        parameters.one_of("precision", self.precision, PRECISIONS)
        parameters.at_least("sampled_players", self.sampled_players, 0)
        places = 16 * self.sampled_players  # where they are, and how they were drawn
        parameters.fits(places, sampled_players=self.sampled_players)
        parameters.at_least("seed", self.seed, 0)
        tables = self.features == "table" and self.networks == "separate"
        allowed = "'shared' with features='table', where all nodes have their own rows"
        parameters.require(not tables, "networks", self.networks, allowed)


@dataclasses.dataclass(frozen=True)
class NetworkConfig(metaclass=Checked):
    """A network and how it is trained.

    Attributes:
      width, depth: of the hidden layers.
      optimizer: "adam" or "sgd".
      learning_rate: of the optimiser.
      clip_norm: largest global norm of a gradient; 0 for any.
      batch_size: samples of one gradient step.
    """

    width: int = 128
    depth: int = 2
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    clip_norm: float = 40.0
    batch_size: int = 128

    def __post_init__(self):
        parameters.one_of("optimizer", self.optimizer, ("adam", "sgd"))
        parameters.at_least("width", self.width, 1)
        parameters.few("depth", self.depth, 0)
        parameters.positive("learning_rate", self.learning_rate)
        parameters.at_least("clip_norm", self.clip_norm, 0)
        parameters.at_least("batch_size", self.batch_size, 1)
        self.require_room(num_features=1)

    def require_room(self, num_features: int, num_towers: int = 1) -> None:
        """Requires the memory to hold the network's training.

        Args:
          num_features: of its inputs.
          num_towers: networks side by side.

        Raises:
          ValueError: it does not.
        """
        layers = [num_features] + self.depth * [self.width]
        weights = sum(math.prod(pair) for pair in itertools.pairwise(layers))
        parameters.fits(4 * _COPIES * num_towers * weights, width=self.width)
        # What a batch makes of each layer, and the gradient.
        made = 2 * num_towers * self.batch_size * sum(layers)
        parameters.fits(4 * made, batch_size=self.batch_size, width=self.width)


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
        parameters.averaging(self.averaging)
        for name in ("updates", "players", "target_every", "replay_capacity"):
            parameters.at_least(name, getattr(self, name), 1)
        parameters.few("moves_per_update", self.moves_per_update, 1)
        parameters.fits(compared(self.players), players=self.players)
        capacity = self.replay_capacity
        allowed = f"at least `players`={self.players}"
        parameters.require(
            capacity >= self.players, "replay_capacity", capacity, allowed
        )
        parameters.fits(capacity * SAMPLE, replay_capacity=capacity)


def compared(players: int) -> int:
    """Bytes that a buffer takes to compare the samples of so many players."""
    return 3 * players**2


def flat(config: Any) -> dict[str, object]:
    """All fields by name, those of a field that is a configuration with its prefix."""
    found = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            inner = flat(value)
            found |= {f"{field.name}_{name}": part for name, part in inner.items()}
        else:
            found[field.name] = value
    return found


def require_room(config: Any, num_features: int, num_towers: int) -> None:
    """Requires the memory to hold all networks; errors name options as in `flat`.

    Args:
      config: that has configurations of networks.
      num_features: of their inputs.
      num_towers: networks side by side.

    Raises:
      ValueError: it does not.
    """
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            with parameters.renamed(f"{field.name}_".__add__):
                require_room(value, num_features, num_towers)
    if isinstance(config, NetworkConfig):
        config.require_room(num_features, num_towers)


def changed(config: Any, changes: Mapping[str, object]) -> Any:
    """A configuration with some fields changed, named as by `flat`.

    Raises:
      ValueError: a value is out of range.
    """
    own = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            prefix = f"{field.name}_"
            inner = {
                name.removeprefix(prefix): change
                for name, change in changes.items()
                if name.startswith(prefix)
            }
            with parameters.renamed(prefix.__add__):
                own[field.name] = changed(value, inner)
        elif field.name in changes:
            own[field.name] = changes[field.name]
    return dataclasses.replace(config, **own)
