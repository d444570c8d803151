"""What a player observes, as a tensor: any learner's features."""

from __future__ import annotations

import numpy as np

from mfg_games.dynamics import Dynamics
from mfg_games.nodes import Node


class MeanFieldObserver:
    """One-hot population, state factors, time and common noise.

    In a game with several initial laws, of which nothing else tells, the distribution
    that the player faces follows, [N * S].

    Attributes:
      tensor: float32, the concatenation of the pieces.
      dict: the pieces by name, views into `tensor`.
    """

    def __init__(self, dynamics: Dynamics):
        self._dynamics = dynamics
        self._coordinates = dynamics.state_coordinates()
        sizes = observation_sizes(dynamics)
        if len(dynamics.initial_laws) > 1:
            sizes["mean_field"] = dynamics.initial_distribution.size
        self.tensor = np.zeros(sum(sizes.values()), np.float32)
        self.dict = {}
        start = 0
        for name, size in sizes.items():
            self.dict[name] = self.tensor[start : start + size]
            start += size

    def set_from(self, state, player: int) -> None:
        """Writes the state's observation; the start shows no state."""
        self.tensor.fill(0.0)
        d = self._dynamics
        if d.num_populations > 1:
            self.dict["population"][state.population] = 1.0
        if state.node == Node.START:
            return
        for name, value in zip(d.factor_names, self._coordinates[state.x], strict=True):
            self.dict[name][value] = 1.0
        self.dict["t"][state.t] = 1.0
        if d.common_noise:
            path = d.common_noise.outcomes(state.t, state.noise_history)
            for draw, outcome in enumerate(path):
                self.dict[f"noise_{draw}"][outcome] = 1.0
        if "mean_field" in self.dict:
            self.dict["mean_field"][:] = state.mean_field.ravel()

    def string_from(self, state, player: int) -> str:
        """The state's string, which names its node uniquely."""
        return str(state)


def observation_sizes(dynamics: Dynamics) -> dict[str, int]:
    """Name and length of each one-hot piece of an observation, in order."""
    sizes = {}
    if dynamics.num_populations > 1:
        sizes["population"] = dynamics.num_populations
    sizes |= dict(zip(dynamics.factor_names, dynamics.state_shape, strict=True))
    sizes["t"] = dynamics.horizon + 1
    if dynamics.common_noise:
        outcomes = [len(p) for p in dynamics.common_noise.outcome_probabilities]
        draws = [n for n in outcomes if n > 1]
        sizes |= {f"noise_{draw}": n for draw, n in enumerate(draws)}
    return sizes


def decision_observations(dynamics: Dynamics) -> np.ndarray:
    """Observations of all decision nodes, float32 [D, F].

    The nodes are in the order of time, noise history, population and state. Without
    the distribution, which the dynamics do not know.
    """
    layers = [_layer_observations(dynamics, t) for t in range(dynamics.horizon)]
    return np.concatenate(layers)


def _layer_observations(d: Dynamics, t: int) -> np.ndarray:
    sizes = observation_sizes(d)
    layer = (d.num_histories(t), d.num_populations, d.num_states)
    values = dict(zip(d.factor_names, d.state_coordinates().T, strict=True))
    values["t"] = np.array(t)
    if d.num_populations > 1:
        values["population"] = np.arange(d.num_populations)[:, None]
    if d.common_noise:
        paths = [d.common_noise.outcomes(t, h) for h in range(layer[0])]
        for draw, outcomes in enumerate(zip(*paths, strict=True)):
            values[f"noise_{draw}"] = np.array(outcomes)[:, None, None]
    observations = np.zeros((*layer, sum(sizes.values())), np.float32)
    start = 0
    for name, size in sizes.items():
        if name in values:  # else it is drawn later
            hot = np.broadcast_to(start + values[name], layer)[..., None]
            np.put_along_axis(observations, hot, 1.0, axis=-1)
        start += size
    return observations.reshape(-1, observations.shape[-1])
