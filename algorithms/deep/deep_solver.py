"""What the deep solvers share: a configuration, presets and features of the nodes."""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
from typing import ClassVar

import pyspiel
import tensorflow as tf

from algorithms.deep.config import NetworkConfig
from algorithms.solver import Solver
from mfg_games import parameters


class DeepSolver(Solver):
    """A solver that learns networks; flows and exploitability are exact.

    Args:
      game: any OpenSpiel mean field game, or its string.
      config: the hyper-parameters.
      dtype: "float64" or "float32", of the flows; networks are in single precision.
      device: a TensorFlow device; None for TensorFlow's choice.

    Attributes:
      presets: configurations by name.
      features: float32 [D, F], what networks see of each decision node.
    """

    presets: ClassVar[Mapping[str, NetworkConfig]]

    def __init__(
        self,
        game: pyspiel.Game | str,
        config: NetworkConfig,
        dtype: str = "float64",
        device: str | None = None,
    ):
        self.config = config
        self._device = device
        super().__init__(game, dtype, device)
        fields = dataclasses.asdict(config)
        self.parameters = fields | {"dtype": dtype, "device": device}

    @classmethod
    def options(cls) -> dict[str, object]:
        """A preset and all that it sets, with the defaults."""
        own = super().options()
        config = dataclasses.asdict(own.pop("config"))
        return {"preset": next(iter(cls.presets)), **config, **own}

    @classmethod
    def make(
        cls, game: pyspiel.Game | str, preset: str | None = None, **options
    ) -> DeepSolver:
        """A solver by the name of a preset, the first by default, and changes to it.

        Raises:
          ValueError: there is no such preset, or an option is out of range.
        """
        name = preset or next(iter(cls.presets))
        parameters.known("preset", name, cls.presets)
        config = cls.presets[name]
        changes = {
            field.name: options.pop(field.name)
            for field in dataclasses.fields(config)
            if field.name in options
        }
        return cls(game, dataclasses.replace(config, **changes), **options)

    @property
    def features(self) -> tf.Tensor:
        """What networks see of each decision node, float32 [D, F]."""
        if self.config.features == "table":
            return tf.eye(self.model.num_nodes)
        return self.model.observations
