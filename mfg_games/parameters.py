"""Validation and parsing of game parameters: errors that name what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
import contextlib
import difflib
import math
import re
import types
import typing

import numpy as np

from mfg_games import sizes

# Keeps sums and products of parameters far from overflow.
LARGEST = 1e12
# Of layers and the like, each of which takes time to build.
MOST_PARTS = 100
# Bits of an integer that an error shows.
_LONGEST = 1024

# What the types of parameters are called.
_TYPES: Mapping[type, str] = types.MappingProxyType(
    {
        int: "an integer",
        float: "a number",
        bool: "true or false",
        types.NoneType: "none",
        str: "a word",
    }
)


def require(condition: bool, name: str, value: object, allowed: str) -> None:
    """Raises the ValueError for a parameter unless `condition` holds."""
    if not condition:
        raise _error(name, value, allowed)


def _error(name: str, value: object, allowed: str) -> ValueError:
    received = f"{name}={_shown(value)}"
    error = ValueError(f"`{name}` must be {allowed}. Received: {received}")
    error.parameter = name, value, allowed  # for `renamed`
    return error


def _shown(value: object) -> str:
    """A value in an error; Python writes no integers of thousands of digits."""
    if isinstance(value, int) and value.bit_length() > _LONGEST:
        return f"an integer of {value.bit_length()} bits"
    return repr(value)


@contextlib.contextmanager
def renamed(rename: Callable[[str], str]) -> Iterator[None]:
    """Gives the parameters in an error of `require` the names that the user knows.

    They are the one that is refused and those in backticks in what is allowed.
    """
    try:
        yield
    except ValueError as error:
        if not hasattr(error, "parameter"):
            raise
        name, value, allowed = error.parameter
        allowed = re.sub(r"`(\w+)`", lambda found: f"`{rename(found[1])}`", allowed)
        raise _error(rename(name), value, allowed) from None


def typed(name: str, value: object, hint: object) -> object:
    """A value of a declared type.

    Args:
      name: of the parameter.
      value: for it; a number of NumPy's, or in an array without axes, becomes Python's.
      hint: the type, or a union; any is allowed that is not made of int, float, bool,
        str and None.

    Returns:
      The value; an integer becomes a float where only floats are declared.

    Raises:
      ValueError: the value is of another type. Integers count as floats, booleans as
        nothing else.
    """
    if isinstance(value, np.generic | np.ndarray) and value.ndim == 0:
        value = value.item()
    union = isinstance(hint, types.UnionType)
    declared = typing.get_args(hint) if union else (hint,)
    if all(one in _TYPES for one in declared):
        allowed = " or ".join(_TYPES[one] for one in declared)
        require(_is_one_of(value, declared), name, value, allowed)
        if type(value) is int and int not in declared and float in declared:
            with contextlib.suppress(OverflowError):  # it is out of any range, too
                return float(value)
    return value


def _is_one_of(value: object, declared: tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        return bool in declared
    return isinstance(value, (*declared, int) if float in declared else declared)


def at_least(name: str, value: float, minimum: float) -> None:
    """Requires a number from `minimum` to `LARGEST`."""
    require(
        minimum <= value <= LARGEST,
        name,
        value,
        f"at least {minimum} and at most {LARGEST:g}",
    )


def few(name: str, value: int, minimum: int) -> None:
    """Requires a number of parts of a graph that are written out one by one."""
    allowed = f"at least {minimum} and at most {MOST_PARTS}"
    require(minimum <= value <= MOST_PARTS, name, value, allowed)


def fits(needed: int, **given: object) -> None:
    """Requires the machine's memory to hold the bytes that parameters ask for.

    Args:
      needed: the bytes; a bound from below, found without allocating.
      **given: the parameters; the largest one is named in the error.
    """
    if lack := sizes.shortage(needed):
        name = max(given, key=given.get)
        raise _error(name, given[name], f"smaller, since {lack}")


def probability(name: str, value: float) -> None:
    """Requires a number in [0, 1]."""
    require(0.0 <= value <= 1.0, name, value, "a probability in [0, 1]")


def between(name: str, value: float) -> None:
    """Requires a number strictly between 0 and 1."""
    require(0.0 < value < 1.0, name, value, "above 0 and below 1")


def averaging(value: float) -> None:
    """Requires what a moving average keeps of itself, a number in [0, 1)."""
    require(0.0 <= value < 1.0, "averaging", value, "0 or more, below 1")


def discount(name: str, value: float) -> None:
    """Requires a discount factor, a number in (0, 1]."""
    require(0.0 < value <= 1.0, name, value, "above 0 and at most 1")


def finite(name: str, value: float) -> None:
    """Requires a number from -`LARGEST` to `LARGEST`."""
    allowed = f"a finite number, at most {LARGEST:g} in magnitude"
    require(abs(value) <= LARGEST, name, value, allowed)


def positive(name: str, value: float) -> None:
    """Requires a number above zero, up to `LARGEST`."""
    require(0 < value <= LARGEST, name, value, f"above 0 and at most {LARGEST:g}")


def one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    """Requires one of the given names."""
    require(value in allowed, name, value, "one of " + ", ".join(allowed))


def known(kind: str, name: str, names: Iterable[str]) -> None:
    """Requires one of the names of a kind of thing, suggesting the nearest one."""
    names = sorted(names)
    if name not in names:
        shown = _shown(name)
        text = name if isinstance(name, str) else shown
        (nearest,) = difflib.get_close_matches(text, names, n=1, cutoff=0.0)
        raise ValueError(
            f"There is no {kind} called {shown}. Did you mean {nearest!r}?"
        )


def numbers(name: str, text: str) -> np.ndarray:
    """Parses at least two numbers separated by spaces ("0.5 0.5"), float64 [n].

    OpenSpiel parameters carry no arrays, a string with a comma or an equals sign
    cannot be parsed back from `str(game)`, and a lone number there is no string.
    """
    values = _row(name, text)
    require(len(values) > 1, name, text, "at least two numbers separated by spaces")
    return values


def matrix(name: str, text: str) -> np.ndarray:
    """Parses rows separated by `;`, numbers by spaces ("0 1;1 0"), float64 [n, m]."""
    rows = [_row(name, row) for row in text.split(";")]
    require(len({len(row) for row in rows}) == 1, name, text, "rows of the same length")
    return np.stack(rows)


def _row(name: str, text: str) -> np.ndarray:
    try:
        values = np.array([float(word) for word in text.split()])
    except ValueError:
        values = np.array([math.nan])
    require(
        len(values) > 0 and bool((np.abs(values) <= LARGEST).all()),
        name,
        text,
        f"finite numbers separated by spaces, at most {LARGEST:g} in magnitude",
    )
    return values
