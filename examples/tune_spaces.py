"""What a study may choose for a parameter, written as text on the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
import math

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from algorithms import arguments, catalogue
from mfg_games.parameters import require

_FORMS = "NAME=LOW:HIGH, NAME=LOW:HIGH:log or NAME=VALUE,VALUE,..."
_ELSEWHERE = {"device": "is no part of what is run", "seed": "belongs to --seeds"}

Range = IntDistribution | FloatDistribution


def parse(algorithm: str, flags: Iterable[str]) -> dict[str, BaseDistribution]:
    """The spaces by parameter.

    Raises:
      ValueError: a parameter is unknown, tuned twice, or one that no study tunes; a
        text has another form; a bound or choice is not of the parameter's type; a range
        is empty, or logarithmic and not above 0; or there is nothing to tune.
    """
    spaces = {}
    for flag in flags:
        name, text = arguments.named(flag)
        if name in _ELSEWHERE:
            raise ValueError(f"`{name}` cannot be tuned: it {_ELSEWHERE[name]}.")
        if name in spaces:
            raise ValueError(f"`{name}` is tuned twice. Received: {flag!r}")
        spaces[name] = _space(algorithm, name, text)
    require(bool(spaces), "tune", "", _FORMS)
    return spaces


def fixed(flags: Iterable[str], spaces: Mapping) -> dict[str, str]:
    """Texts of the parameters that all trials have, by name.

    Raises:
      ValueError: a parameter is given twice, tuned too, or has a flag of its own.
    """
    texts = {}
    for flag in flags:
        name, text = arguments.named(flag)
        if name == "seed" or name in spaces:
            owner = "--seeds" if name == "seed" else "--tune"
            raise ValueError(f"`{name}` belongs to {owner}. Received: {flag!r}")
        if name in texts:
            raise ValueError(f"`{name}` is given twice. Received: {flag!r}")
        texts[name] = text
    return texts


def ends(space: BaseDistribution) -> tuple:
    """The bounds of a range, or all choices: if a solver takes them, it takes all."""
    if isinstance(space, CategoricalDistribution):
        return space.choices
    return space.low, space.high


def contains(space: BaseDistribution, value: object) -> bool:
    """Whether a study may choose the value."""
    if isinstance(space, CategoricalDistribution):
        return value in space.choices
    return _is_number(value) and space.low <= value <= space.high


def check(game: str, algorithm: str, given: Mapping, spaces: Mapping) -> None:
    """Makes a solver with each end of each space, so that a wrong one costs no work.

    Raises:
      ValueError: the solver does not take a value, or the game.
    """
    lowest = {name: ends(space)[0] for name, space in spaces.items()}
    solver_class, loaded = catalogue.solver_class(algorithm), catalogue.load_game(game)
    for name, space in spaces.items():
        for value in ends(space):
            solver_class.make(loaded, **given, **{**lowest, name: value})


def _space(algorithm: str, name: str, text: str) -> BaseDistribution:
    if ":" in text:
        return _range(algorithm, name, text)
    texts = text.split(",")
    require(len(texts) > 1, "tune", f"{name}={text}", _FORMS)
    choices = [arguments.parse(algorithm, {name: choice})[name] for choice in texts]
    require(len(set(choices)) == len(choices), name, text, "different choices")
    return CategoricalDistribution(choices)


def _range(algorithm: str, name: str, text: str) -> Range:
    bounds, log = text.removesuffix(":log").split(":"), text.endswith(":log")
    require(len(bounds) == 2, "tune", f"{name}={text}", _FORMS)
    low, high = (arguments.parse(algorithm, {name: bound})[name] for bound in bounds)
    numbers = _is_number(low) and _is_number(high)
    require(numbers, name, text, "a range of finite numbers")
    require(low < high, name, text, "a range whose first number is below its second")
    require(low > 0 or not log, name, text, "above 0 in a logarithmic range")
    whole = isinstance(low, int) and isinstance(high, int)
    return (IntDistribution if whole else FloatDistribution)(low, high, log=log)


def _is_number(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)
