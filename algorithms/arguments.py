"""Options of solvers given as text, checked against what the solvers take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
import contextlib
import dataclasses
import types
import typing

from algorithms import catalogue
from mfg_games import parameters

Argument = int | float | bool | str | None

# Tried in this order, since any text is a word.
_KINDS: Mapping[type, tuple[str, typing.Callable]] = {
    int: ("an integer", int),
    float: ("a number", float),
    bool: ("true or false", {"true": True, "false": False}.__getitem__),
    types.NoneType: ("none", {"none": None}.__getitem__),
    str: ("a word", str),
}


def named(text: str) -> tuple[str, str]:
    """Splits NAME=VALUE.

    Raises:
      ValueError: there is no name or no value.
    """
    name, _, value = text.partition("=")
    parameters.require(bool(name and value), "parameter", text, "NAME=VALUE")
    return name, value


def merged(texts: Mapping[str, str], more: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Options by name, and more of them.

    Raises:
      ValueError: an option is given twice.
    """
    found = dict(texts)
    for name, text in more:
        once = name not in found
        parameters.require(
            once, name, text, f"given once, not as {found.get(name)!r} too"
        )
        found[name] = text
    return found


def defaults(
    algorithm: str, given: Mapping[str, Argument] = types.MappingProxyType({})
) -> dict[str, typing.Any]:
    """The options of a solver with their defaults. Imports TensorFlow.

    Args:
      algorithm: the solver's name.
      given: some options, of which a `preset` decides on the defaults of others.

    Raises:
      ValueError: there is no such solver or preset.
    """
    preset = {name: given[name] for name in ("preset",) if name in given}
    return catalogue.solver_class(algorithm).options(**preset)


def settings(
    game: str, algorithm: str, given: Mapping[str, Argument]
) -> dict[str, typing.Any]:
    """What a run's numbers depend on, but for when it ends: no device.

    Args:
      game: its string with all parameters.
      algorithm: the solver's name.
      given: its options that are not at their defaults.
    """
    options = defaults(algorithm, given) | given
    return {
        "game": game,
        "algorithm": algorithm,
        "parameters": without_device(options),
    }


def without_device(given: Mapping[str, typing.Any]) -> dict[str, typing.Any]:
    """The options that a run's numbers are said to depend on."""
    return {name: value for name, value in given.items() if name != "device"}


def parse(algorithm: str, texts: Mapping[str, str]) -> dict[str, Argument]:
    """Options of a solver, from texts by name.

    Numbers are written as in Python, the rest as `true`, `false`, `none` or a word.

    Raises:
      ValueError: the solver has no parameter of a name, whereupon the nearest one is
        suggested, or a text is not of the type that is declared.
    """
    takes = defaults(algorithm)
    hints = _hints(algorithm)
    for name in texts:
        try:
            parameters.known(f"parameter of {algorithm}", name, takes)
        except ValueError as error:
            raise ValueError(f"{error} It takes: {', '.join(sorted(takes))}") from None
    return {
        name: _typed(name, text, hints.get(name, type(takes[name])))
        for name, text in texts.items()
    }


def _hints(algorithm: str) -> dict[str, typing.Any]:
    """Types that the constructor declares, and the configuration that it takes."""
    hints = typing.get_type_hints(catalogue.solver_class(algorithm).__init__)
    for hint in tuple(hints.values()):
        if dataclasses.is_dataclass(hint):
            hints |= _field_hints(hint)
    return hints


def _field_hints(config: type) -> dict[str, typing.Any]:
    """Types of a configuration's fields, named as the solver's options are."""
    hints = {}
    for name, hint in typing.get_type_hints(config).items():
        hints[name] = hint
        if dataclasses.is_dataclass(hint):
            inner = _field_hints(hint)
            hints |= {f"{name}_{part}": kind for part, kind in inner.items()}
    return hints


def _typed(name: str, text: str, hint: typing.Any) -> Argument:
    """The text as a value of the type `hint`, which may be a union."""
    declared = typing.get_args(hint) or (hint,)
    kinds = [kind for cls, kind in _KINDS.items() if cls in declared]
    for _, convert in kinds:
        with contextlib.suppress(ValueError, KeyError):
            return convert(text)
    allowed = " or ".join(words for words, _ in kinds)
    raise ValueError(
        f"`{name}` must be {allowed or 'set in Python'}. Received: {text!r}"
    )
