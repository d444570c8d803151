"""Distillation of a policy, or of a mixture of policies, into a student network.

Teachers are rolled out in a frozen world. Offline, all that they ever played goes into
a reservoir, whose samples are those of the mixture of all teachers; online, the student
sees the last teacher's fresh games alone. Targets are the actions that were drawn
(hard) or the teacher's whole distribution (soft), which is kept in the samples bit by
bit, so that no teacher needs to be remembered.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses

import numpy as np
import tensorflow as tf

from algorithms.deep import divergences, networks
from algorithms.deep.buffers import Buffer, ReservoirBuffer, RingBuffer
from algorithms.deep.config import SAMPLE, NetworkConfig, compared
from algorithms.deep.networks import NetworkSpec
from algorithms.deep.players import Players, World
from algorithms.deep.randomness import derived_seed
from algorithms.regularisers import softmax
from mfg_games import parameters

DATA = ("offline", "online")
TARGETS = ("hard", "soft")


@dataclasses.dataclass(frozen=True)
class StudentConfig(NetworkConfig):
    """Hyper-parameters of `Student`.

    Attributes:
      updates: gradient steps of a phase.
      games: that a teacher plays side by side for one phase, and others after those
        that end early.
      data: "offline", samples of all teachers so far, or "online", of the last games.
      reservoir_capacity: samples that are kept offline.
      targets: "hard", the teacher's actions, or "soft", its distributions.
      beta: share of the backward divergence in Jeffreys', for soft targets.
      smallest_probability: of the teacher's in the backward divergence.
      averaging: what the moving average of the weights, which gives the policy, keeps
        of itself in a gradient step; 0 for the last weights.
      anchor_weight: of the divergence from that average's policy in the loss.
      temperature: the policy is softmax(logits / temperature).
    """

    updates: int = 500
    games: int = 256
    data: str = "offline"
    reservoir_capacity: int = 1_000_000
    targets: str = "hard"
    beta: float = 0.0
    smallest_probability: float = 1e-3
    averaging: float = 0.99
    anchor_weight: float = 0.0
    temperature: float = 1.0

    def __post_init__(self):
        super().__post_init__()
        require = parameters.require
        parameters.one_of("data", self.data, DATA)
        parameters.one_of("targets", self.targets, TARGETS)
        for name in ("updates", "games", "reservoir_capacity"):
            parameters.at_least(name, getattr(self, name), 1)
        parameters.fits(compared(self.games), games=self.games)
        capacity = self.reservoir_capacity
        parameters.fits(capacity * SAMPLE, reservoir_capacity=capacity)
        parameters.probability("beta", self.beta)
        soft = self.beta == 0 or self.targets == "soft"
        require(soft, "beta", self.beta, "0 with targets='hard'")
        parameters.between("smallest_probability", self.smallest_probability)
        parameters.averaging(self.averaging)
        parameters.at_least("anchor_weight", self.anchor_weight, 0)
        parameters.positive("temperature", self.temperature)


class Student:
    """A network that learns a policy from the games of its teachers.

    Args:
      spec: sizes and precision of the network.
      config: the hyper-parameters.
      seed: of all random numbers.
      game_length: most decisions of a player in a game.

    Attributes:
      variables: all that it remembers, by name.
      counts: moves and updates of a call of `watch` and one of `learn`.
    """

    def __init__(
        self, spec: NetworkSpec, config: StudentConfig, seed: int, game_length: int
    ):
        self._config = config
        self._game_length = game_length
        moves = config.games * game_length
        self.counts = {"moves": moves, "updates": config.updates}
        self._streams = {
            use: tf.constant(derived_seed(seed, use), tf.int64)
            for use in ("games", "reservoir", "batches")
        }
        weights = derived_seed(seed, "student")
        self._network, self._average = (
            networks.mlp(spec, config, weights) for _ in range(2)
        )
        self._trainer = networks.Trainer(config, spec, self._network)
        self._players = Players(config.games)
        self._samples = self._buffer(spec.num_actions, moves)
        world = World.signature(spec.num_actions, spec.num_features)
        policy = tf.TensorSpec((None, spec.num_actions), tf.float32)
        phase = tf.TensorSpec((), tf.int64)
        self._watch = networks.compiled(self._roll_out, world, policy, phase)
        self._learn = networks.compiled(self._phase, world, phase)
        self._logits = networks.on_all_rows(self._average)

    @property
    def variables(self) -> Mapping[str, tf.Variable]:
        """All that it remembers, by name."""
        return networks.named_variables(
            network=self._network.variables,
            average=self._average.variables,
            optimizer=self._trainer.variables,
            samples=self._samples.variables,
            players=self._players.variables,
        )

    def watch(self, world: World, teacher: tf.Tensor, phase: int) -> None:
        """Remembers new games of a teacher.

        Args:
          world: where it plays.
          teacher: float32 [D, A], its policy.
          phase: number of this call, which fixes its random numbers.
        """
        self._watch(world, teacher, tf.constant(phase, tf.int64))

    def learn(self, world: World, phase: int) -> float:
        """Takes `updates` gradient steps on what it remembers; the mean loss.

        Args:
          world: features and legal actions of the nodes.
          phase: number of this call, which fixes its random numbers.

        Raises:
          FloatingPointError: the loss became infinite or no number.
        """
        mean, done = self._learn(world, tf.constant(phase, tf.int64))
        return networks.finite(mean, done, "student loss")

    def visits(self, num_nodes: int) -> np.ndarray:
        """How often each of D nodes is among what it remembers, int64 [D]."""
        rows = self._samples.kept()[:, 0]
        return np.bincount(rows.numpy(), minlength=num_nodes)

    def policy(self, world: World) -> tf.Tensor:
        """What the averaged network plays, float32 [D, A]."""
        logits = self._logits(world.features)
        return softmax(logits / self._config.temperature, world.legal)

    def _buffer(self, num_actions: int, moves: int) -> Buffer:
        """Of samples (row, action), or (row, bits of all probabilities)."""
        width = 2 if self._config.targets == "hard" else 1 + num_actions
        if self._config.data == "online":
            return RingBuffer(moves, width)
        return ReservoirBuffer(self._config.reservoir_capacity, width)

    def _roll_out(self, world: World, teacher: tf.Tensor, phase: tf.Tensor) -> None:
        """`watch` as a graph."""
        self._players.restart()

        def move(step):
            number = phase * self._game_length + step
            moves = self._players.move(
                world,
                lambda rows: tf.gather(teacher, rows),
                self._seed("games", number),
            )
            samples = moves[:, :2]
            if self._config.targets == "soft":
                rows = moves[:, 0]
                bits = tf.bitcast(tf.gather(teacher, rows), tf.int32)
                samples = tf.concat([rows[:, None], tf.cast(bits, tf.int64)], axis=1)
            self._samples.add(samples, self._seed("reservoir", number))
            return (step + 1,)

        start = (tf.constant(0, tf.int64),)
        tf.while_loop(lambda step: step < self._game_length, move, start)

    def _phase(self, world: World, phase: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """`learn` as a graph."""
        config = self._config

        def update(step):
            seed = self._seed("batches", phase * config.updates + step)
            samples = self._samples.sample(config.batch_size, seed)
            value = self._trainer.descend(lambda: self._loss(world, samples))
            networks.blend(self._network, self._average, 1 - config.averaging)
            return value

        return networks.repeated(update, config.updates)

    def _loss(self, world: World, samples: tf.Tensor) -> tf.Tensor:
        """The divergence from the teachers and the anchor on samples [B, ...]."""
        config = self._config
        features = tf.gather(world.features, samples[:, 0])
        legal = tf.gather(world.legal, samples[:, 0])
        logits = self._network(features)
        if config.targets == "hard":
            loss = divergences.cross_entropy(logits, legal, samples[:, 1])
        else:
            teacher = tf.bitcast(tf.cast(samples[:, 1:], tf.int32), tf.float32)
            loss = divergences.jeffreys(
                logits, legal, teacher, config.beta, config.smallest_probability
            )
        if config.anchor_weight:
            anchor = self._average(features)
            loss += config.anchor_weight * divergences.proximal_kl(
                logits, legal, anchor
            )
        return loss

    def _seed(self, use: str, number: tf.Tensor) -> tf.Tensor:
        return tf.stack([self._streams[use], number])
