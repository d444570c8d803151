"""A mean field game with continuous states and actions, as pure functions.

Shapes: E players, M points of the crowd, X components of a state, U of an action; all
arrays may have more dimensions in front, the same ones, such as one for several times.
All functions are written against `xp`, which is `numpy` or
`tensorflow.experimental.numpy`.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
import inspect
from typing import NamedTuple

import numpy as np


class Crowd(NamedTuple):
    """Where everybody is: samples, or a density on a grid.

    Attributes:
      states: [M, X].
      weights: [M], summing to one: 1 / M each for samples, masses for a density.
    """

    states: np.ndarray
    weights: np.ndarray

    @classmethod
    def of_samples(cls, xp, states) -> Crowd:
        """The crowd that samples [M, X] stand for."""
        ones = xp.ones_like(states[..., 0])
        return cls(states, ones / xp.sum(ones, axis=-1, keepdims=True))


class ContinuousGame(abc.ABC):
    """One mean field game in continuous space and discrete time.

    Attributes:
      horizon: number of decision times.
      num_components: X.
      num_controls: U.
      largest_action: bound of each component of an action, in magnitude.
      scale: float64 [X], of the states' components, for networks.
      parameters: what it was made of, by name.
    """

    parameters: Mapping[str, object]
    horizon: int
    num_components: int
    num_controls: int
    largest_action: float
    scale: np.ndarray

    def __new__(cls, *args, **kwargs):
        game = super().__new__(cls)
        bound = inspect.signature(cls.__init__).bind(game, *args, **kwargs)
        bound.apply_defaults()
        del bound.arguments["self"]
        game.parameters = {
            name: np.asarray(value).tolist() for name, value in bound.arguments.items()
        }
        return game

    def __str__(self) -> str:
        others = {
            name: value
            for name, value in self.parameters.items()
            if value != np.asarray(self.defaults()[name]).tolist()
        }
        text = ",".join(f"{name}={value}" for name, value in others.items())
        return f"{type(self).__name__}({text})"

    @classmethod
    def defaults(cls) -> dict[str, object]:
        """The parameters' defaults, by name."""
        given = list(inspect.signature(cls.__init__).parameters.values())[1:]
        return {parameter.name: parameter.default for parameter in given}

    @abc.abstractmethod
    def initial(self, xp, uniforms, normals):
        """Initial states [E, X] from uniforms [E] and standard normals [E, X].

        These have no dimensions in front.
        """

    @abc.abstractmethod
    def drift(self, xp, states, actions, crowd: Crowd):
        """Where players head in one step, before the noise, [E, X].

        It must tell all about them that the rest of the game depends on.

        Args:
          xp: the array module.
          states: [E, X].
          actions: [E, U], in the bounds.
          crowd: everybody, at the same time.
        """

    @abc.abstractmethod
    def land(self, xp, targets, normals):
        """Where players come to who head for targets [E, X], states [E, X].

        Args:
          xp: the array module.
          targets: what `drift` returns.
          normals: standard normals [E, X].
        """

    @abc.abstractmethod
    def reward(self, xp, states, actions, crowd: Crowd):
        """What one step pays, [E]."""

    def terminal_reward(self, xp, states, crowd: Crowd):
        """What the end pays, [E]; nothing unless a game says so."""
        return xp.zeros_like(states[..., 0])

    def statistics(self, states: np.ndarray) -> dict[str, float]:
        """What tells how far a population has come, by name.

        Args:
          states: [E, X], equally many players, at the end.
        """
        return {}

    def step(self, xp, states, actions, crowd: Crowd, normals):
        """Where players come to in one step, [E, X]; arguments as above."""
        return self.land(xp, self.drift(xp, states, actions, crowd), normals)
