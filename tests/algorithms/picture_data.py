"""What the tests of pictures share: small flows, and the arrays in a figure."""

import itertools

import numpy as np
from open_spiel.python import policy as openspiel_policy
from open_spiel.python.mfg.algorithms.distribution import DistributionPolicy
import pyspiel

from algorithms import pictures


def images_of(figure) -> list[np.ndarray]:
    """The arrays that a figure draws, in the order of its panels, NaN for walls."""
    return [
        np.ma.filled(ax.images[0].get_array(), np.nan)
        for ax in figure.axes
        if ax.images and ax.get_label() != "<colorbar>"
    ]


def random_layers(shape: tuple[int, ...], times: int) -> list[np.ndarray]:
    """Random distributions [H, N, S] whose histories are equally probable."""
    rng = np.random.default_rng(0)
    layers = rng.random((times, *shape))
    return list(layers / layers.sum(-1, keepdims=True) / shape[0])


def line(size: int, **kwargs) -> pictures.Geometry:
    return pictures.Geometry((size,), np.arange(size)[:, None], ("x",), **kwargs)


def plane(rows: int, columns: int, **kwargs) -> pictures.Geometry:
    cells = np.array(list(itertools.product(range(rows), range(columns))))
    return pictures.Geometry((rows, columns), cells, ("row", "column"), **kwargs)


def uniform_distribution(game: pyspiel.Game) -> dict[str, float]:
    policy = openspiel_policy.UniformRandomPolicy(game)
    return DistributionPolicy(game, policy).distribution
