"""Values for parameters: good, out of range, huge, no numbers, of another type."""

import math

import numpy as np

_COMMON = (0, 1, 2, 3, 0.5, 0.1, 1.0)
_OUT_OF_RANGE = (-1, -7, 0, 1.5, -0.5, -1e-9, 1 + 1e-9)
_HUGE = (10**5, 10**7, 10**9, 2**31 - 1, 2**63, 1e12, 10**400, 1e300, -1e300)
_NO_NUMBERS = (math.nan, math.inf, -math.inf)
_WORDS = (
    "a", "nan", "0 1", "0 1;1 0", "0.5 0.5", "1 2;3", "nan nan", "1e999 0", "true",
    "-", "µ", "0 " * 50 + "0", "; ;", "|", "own", "own+uniform", "points:3", "x" * 300,
)  # fmt: skip
_OTHERS = (
    None, True, np.float32(0.5), np.int8(3), np.float64("nan"), np.bool_(True),
    np.array(2), np.zeros(2), np.complex64(1), [0.5], (), {"a": 1}, b"a", object,
    10**5000,
)  # fmt: skip


def number_or_word(rng: np.random.Generator, default: object) -> object:
    """A value that a string can hold, often of the default's type."""
    kind = rng.integers(10)
    if kind < 5:
        return near(rng, default)
    pools = (_OUT_OF_RANGE, _HUGE, _NO_NUMBERS, _WORDS, (True, False))
    value = _one(rng, pools[kind - 5])
    return value if rng.integers(8) == 0 else _as(default, value)


def anything(rng: np.random.Generator, default: object) -> object:
    """Any value of Python for an option of a solver."""
    if rng.integers(4) == 0:
        return _one(rng, _OTHERS)
    return number_or_word(rng, default)


def near(rng: np.random.Generator, default: object) -> object:
    """The default or another value of its type."""
    if rng.integers(3) == 0:
        return default
    if isinstance(default, bool):
        return bool(rng.integers(2))
    if isinstance(default, int):
        return int(rng.integers(1, 7))
    if isinstance(default, float):
        return _one(rng, (round(float(rng.random()), 3), default / 2, default * 2))
    return default if rng.integers(2) else _one(rng, _COMMON)


def _as(default: object, value: object) -> object:
    """A value in the default's type where that can be."""
    try:
        return type(default)(value)
    except (TypeError, ValueError, OverflowError):
        return value


def _one(rng: np.random.Generator, pool: tuple) -> object:
    return pool[rng.integers(len(pool))]
