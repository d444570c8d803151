"""Where the masses of a flow belong in a picture.

Shapes: T + 1 layers, H_t histories of the common noise at time t, N populations, S
states.
"""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
from typing import NamedTuple

import numpy as np

from mfg_games.dynamics import CommonNoise, Dynamics


@dataclasses.dataclass(frozen=True)
class Geometry:
    """The states of a flow as a person thinks of them.

    Attributes:
      state_shape: sizes of the factors of a state; 1-D: places from the bottom up,
        2-D: rows from the top down and columns.
      coordinates: int [S, factors], the factors of each state.
      factor_names: one name per factor.
      num_populations: N.
      common_noise: the tree of noise histories, or None.
      state_names: names of the values of the only factor, or None.
    """

    state_shape: tuple[int, ...]
    coordinates: np.ndarray
    factor_names: tuple[str, ...]
    num_populations: int = 1
    common_noise: CommonNoise | None = None
    state_names: tuple[str, ...] | None = None

    @classmethod
    def of(cls, dynamics: Dynamics) -> Geometry:
        """The geometry of a game."""
        return cls(
            dynamics.state_shape,
            dynamics.state_coordinates(),
            dynamics.factor_names,
            dynamics.num_populations,
            dynamics.common_noise,
            dynamics.state_names,
        )

    def checked(self, layers: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The layers as float64 arrays [H_t, N, S].

        Raises:
          ValueError: there is none, one has the wrong shape, a mass is negative or not
            finite, or all are zero.
        """
        noise = self.common_noise
        longest = len(noise.history_probabilities) if noise else len(layers)
        if not 0 < len(layers) <= max(longest, 1):
            raise ValueError(
                f"`layers` must have from 1 to {max(longest, 1)} times. "
                f"Received: {len(layers)}"
            )
        layers = [np.asarray(layer, np.float64) for layer in layers]
        for t, layer in enumerate(layers):
            histories = len(noise.history_probabilities[t]) if noise else 1
            shape = (histories, self.num_populations, len(self.coordinates))
            if layer.shape != shape:
                raise ValueError(
                    f"`layers[{t}]` must have the shape {shape}. "
                    f"Received: {layer.shape}"
                )
            if not np.isfinite(layer).all() or layer.min() < 0:
                raise ValueError(
                    f"`layers[{t}]` must hold finite masses of at least 0."
                )
        if not any(layer.any() for layer in layers):
            raise ValueError("`layers` must hold a mass above 0. Received: none")
        return layers

    def image(self, masses: np.ndarray) -> np.ndarray:
        """Masses [..., S] as images of the first two factors (or the only one).

        Returns:
          [..., *state_shape[:2]]: sums over the other factors, NaN where no state is.
        """
        cells = tuple(self.coordinates[:, :2].T)
        image = np.full((*self.state_shape[:2], *masses.shape[:-1]), np.nan)
        image[cells] = 0.0
        np.add.at(image, cells, np.moveaxis(masses, -1, 0))
        return np.moveaxis(image, range(len(cells)), range(-len(cells), 0))


class Branch(NamedTuple):
    """The flow along one path of the common noise.

    Attributes:
      label: the initial law, if there are several, the outcomes drawn and their
        probability; empty without any.
      masses: [T + 1, N, S], given the path: each population sums to one.
      drawn: the times t at which noise drawn between t - 1 and t first shows.
    """

    label: str
    masses: np.ndarray
    drawn: tuple[int, ...]


def layers_of(model, flow) -> list[np.ndarray]:
    """The layers t = 0..T of a flow, [H_t, N, S] each.

    Args:
      model: the `ArrayModel` that computed the flow.
      flow: its `Flow`; the masses of a history sum to the history's probability.

    Raises:
      ValueError: the flow is not of this model.
    """
    d = model.game.dynamics
    counts = [d.num_histories(t) for t in range(d.horizon + 1)]
    shape = (d.num_populations, d.num_states)
    masses = np.concatenate([np.ravel(flow.mass), np.ravel(flow.rest)])
    ends = np.cumsum(counts) * d.num_populations * d.num_states
    if len(masses) != ends[-1]:
        raise ValueError(
            f"A flow of `{model.game}` has {ends[-1]} masses. Received: {len(masses)}"
        )
    parts = np.split(masses, ends[:-1])
    return [
        part.reshape(count, *shape) for part, count in zip(parts, counts, strict=True)
    ]


def branches(
    layers: list[np.ndarray], noise: CommonNoise | None, limit: int
) -> tuple[list[Branch], int]:
    """The flows along the most probable paths of the noise, and how many paths exist.

    Args:
      layers: T + 1 arrays [H_t, N, S].
      noise: the tree, or None.
      limit: the largest number of paths.
    """
    if noise is None:
        return [Branch("", np.concatenate(layers), ())], 1
    last = len(layers) - 1
    probabilities = noise.history_probabilities[: last + 1]
    drawn = tuple(t for t in range(1, last + 1) if noise.num_outcomes(t - 1) > 1)
    found = []
    for leaf in likeliest(probabilities[-1], limit):
        history, path = leaf, []
        for t in range(last, -1, -1):
            path.append(layers[t][history] / probabilities[t][history])
            history //= noise.num_outcomes(t - 1) if t else 1
        label = _label(noise, last, leaf, bool(drawn))
        found.append(Branch(label, np.stack(path[::-1]), drawn))
    return found, len(probabilities[-1])


def _label(noise: CommonNoise, t: int, history: int, drawn: bool) -> str:
    words = [f"law {noise.root(t, history)}"] if noise.num_roots > 1 else []
    if drawn:
        outcomes = ".".join(map(str, noise.outcomes(t, history)))
        probability = noise.history_probabilities[t][history]
        words.append(f"noise {outcomes}, probability {probability:.3g}")
    return ", ".join(words)


def likeliest(probabilities: np.ndarray, limit: int) -> list[int]:
    """The most probable indices, ascending; of equally probable ones a spread."""
    if len(probabilities) <= limit:
        return list(range(len(probabilities)))
    cut = np.sort(probabilities)[-limit]
    tied = np.isclose(probabilities, cut, rtol=1e-9, atol=0.0)
    sure = np.flatnonzero((probabilities > cut) & ~tied)
    tied = np.flatnonzero(tied)
    spread = np.linspace(0, len(tied) - 1, limit - len(sure)).round().astype(int)
    return sorted([*sure.tolist(), *tied[spread].tolist()])
