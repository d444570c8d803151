"""Families of initial distributions, for any game of the collection, named by a string.

    mfg_exploration(initial_laws=gaussians:8:1)         eight Gaussians of seed 1
    mfg_beach_bar(initial_laws=own+uniform+points:2)    four laws of three kinds

A family is parts joined by `+`. A part is a kind, and for those that are drawn how
many (1 unless told), a seed (0), and how many of this seed to leave out before (0):
`kind:count:seed:skipped`. Laws of another seed are others, which makes training and
test families; `gaussians:1:7:2` is the third law of `gaussians:8:7`.

Shapes: B laws, N populations, S states.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
import types
import zlib

import numpy as np

from mfg_games import parameters, sizes

# Standard deviations of Gaussians, as shares of the size of each factor of the state.
_SPREADS = (0.05, 0.3)
_MOST_LAWS = 10_000

Draw = Callable[[np.random.Generator, np.ndarray], np.ndarray]


def gaussian(rng: np.random.Generator, places: np.ndarray) -> np.ndarray:
    """A Gaussian around one of the states, of a random width.

    Args:
      rng: random numbers.
      places: float64 [S, factors], the states' factors as shares of their sizes.

    Returns:
      float64 [S].
    """
    mean = places[rng.integers(len(places))]
    spread = rng.uniform(*_SPREADS)
    exponents = -(((places - mean) / spread) ** 2).sum(axis=1) / 2
    weights = np.exp(exponents)  # 1 at the mean, so the sum is no zero
    return weights / weights.sum()


def mixture(rng: np.random.Generator, places: np.ndarray) -> np.ndarray:
    """Two or three Gaussians with random weights; arguments of `gaussian`."""
    weights = rng.dirichlet(np.ones(rng.integers(2, 4)))
    return sum(weight * gaussian(rng, places) for weight in weights)


def dirichlet(rng: np.random.Generator, places: np.ndarray) -> np.ndarray:
    """One of all laws, each alike probable; arguments of `gaussian`."""
    return rng.dirichlet(np.ones(len(places)))


def point(rng: np.random.Generator, places: np.ndarray) -> np.ndarray:
    """All mass in one state; arguments of `gaussian`."""
    law = np.zeros(len(places))
    law[rng.integers(len(places))] = 1.0
    return law


KINDS: Mapping[str, Draw] = types.MappingProxyType(
    {
        "gaussians": gaussian,
        "mixtures": mixture,
        "dirichlet": dirichlet,
        "points": point,
    }
)
FIXED = ("own", "uniform")


def initial_laws(
    family: str, own: np.ndarray, coordinates: np.ndarray, state_shape: tuple[int, ...]
) -> np.ndarray:
    """The laws of a family.

    Populations have laws of the same kind, each its own.

    Args:
      family: its name.
      own: float64 [N, S], the game's initial distribution.
      coordinates: int [S, factors], the factors of the states.
      state_shape: sizes of the factors.

    Returns:
      float64 [B, N, S].

    Raises:
      ValueError: the name is no family.
    """
    places = (coordinates + 0.5) / np.asarray(state_shape)
    laws = []
    for part in family.split("+"):
        kind, count, seed, skipped = _parsed(family, part)
        if kind == "own":
            laws.append(own)
        elif kind == "uniform":
            laws.append(np.full(own.shape, 1 / own.shape[1]))
        else:
            rng = np.random.default_rng([zlib.crc32(kind.encode()), seed])
            drawn = [
                np.stack([KINDS[kind](rng, places) for _ in own])
                for _ in range(skipped + count)
            ]
            laws += drawn[skipped:]
    return np.stack(laws)


def require_size(family: str, numbers: int, horizon: int) -> None:
    """Requires the laws of a family to fit into the machine, before they are drawn.

    Args:
      family: its name.
      numbers: in one law.
      horizon: number of decision times.

    Raises:
      ValueError: the name is no family, or its laws, with those that are skipped, do
        not fit.
    """
    parsed = [_parsed(family, part) for part in family.split("+")]
    count = sum(count for _, count, _, _ in parsed)
    drawn = count + sum(skipped for _, _, _, skipped in parsed)
    fits = count <= _MOST_LAWS and drawn <= 2 * _MOST_LAWS
    allowed = f"at most {_MOST_LAWS} laws in all, with as many skipped"
    parameters.require(fits, "initial_laws", family, allowed)
    sizes.require(horizon, 0, 0, entries=drawn * numbers, histories=count * horizon)


def separate(family: str) -> list[str]:
    """The families of one law each that a family is made of.

    Raises:
      ValueError: the name is no family.
    """
    names = []
    for part in family.split("+"):
        kind, count, seed, skipped = _parsed(family, part)
        if kind in FIXED:
            names.append(kind)
        else:
            names += [f"{kind}:1:{seed}:{skipped + law}" for law in range(count)]
    return names


def _parsed(family: str, part: str) -> tuple[str, int, int, int]:
    """Kind, count, seed and the number of skipped laws of a part."""
    kinds = " or ".join(f"`{kind}:count:seed:skipped`" for kind in KINDS)
    fixed = " or ".join(f"`{kind}`" for kind in FIXED)
    allowed = f"parts joined by `+`, each {fixed} or {kinds}"
    kind, *numbers = part.split(":")
    drawn = kind in KINDS and len(numbers) <= 3 and all(n.isdecimal() for n in numbers)
    valid = drawn or (kind in FIXED and not numbers)
    parameters.require(valid, "initial_laws", family, allowed)
    count, seed, skipped = [*map(int, numbers), *(1, 0, 0)[len(numbers) :]]
    few = 1 <= count <= _MOST_LAWS and skipped <= _MOST_LAWS
    allowed = f"parts of 1 to {_MOST_LAWS} laws, with as many skipped at most"
    parameters.require(few, "initial_laws", family, allowed)
    return kind, count, seed, skipped
