"""A mean field game with continuous states and actions, as pure functions.

Shapes: E players, M points of the crowd, X components of a state, U of an action. All
functions are written against `xp`, which is `numpy` or `tensorflow.experimental.numpy`.
"""

from __future__ import annotations

import abc
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
        return cls(states, xp.ones_like(states[:, 0]) / states.shape[0])


class ContinuousGame(abc.ABC):
    """One mean field game in continuous space and discrete time.

    Attributes:
      horizon: number of decision times.
      num_components: X.
      num_controls: U.
      largest_action: bound of each component of an action, in magnitude.
      scale: float64 [X], of the states' components, for networks.
    """

    horizon: int
    num_components: int
    num_controls: int
    largest_action: float
    scale: np.ndarray

    @abc.abstractmethod
    def initial(self, xp, uniforms, normals):
        """Initial states [E, X] from uniforms [E] and standard normals [E, X]."""

    @abc.abstractmethod
    def step(self, xp, states, actions, crowd: Crowd, normals):
        """Where players come to in one step.

        Args:
          xp: the array module.
          states: [E, X].
          actions: [E, U], in the bounds.
          crowd: everybody, at the same time.
          normals: standard normals [E, X].

        Returns:
          States [E, X].
        """

    @abc.abstractmethod
    def reward(self, xp, states, actions, crowd: Crowd):
        """What one step pays, [E]."""

    def terminal_reward(self, xp, states, crowd: Crowd):
        """What the end pays, [E]; nothing unless a game says so."""
        return xp.zeros_like(states[:, 0])
