"""Objects that nobody can change once they are made, so that games can share them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
import functools
import types

import numpy as np

_CODE = (type, types.ModuleType, types.FunctionType, types.MethodType)


class Immutable:
    """An object whose attributes are fixed and whose arrays are read-only once frozen.

    `functools.cached_property` goes on working, since it changes no attribute; its
    arrays are read-only from the start.
    """

    _frozen = False
    _instead = ""  # what to do instead of changing an attribute

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        for each in vars(cls).values():
            if isinstance(each, functools.cached_property):
                each.func = _read_only(each.func)

    def freeze(self) -> None:
        """Ends all changes."""
        make_read_only(self)
        self._frozen = True

    def __setattr__(self, name: str, value: object) -> None:
        self._refuse_changes(name)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        self._refuse_changes(name)
        super().__delattr__(name)

    def _refuse_changes(self, name: str) -> None:
        if self._frozen:
            raise AttributeError(
                f"`{name}` of {type(self).__name__} cannot be changed. {self._instead}"
            )


def _read_only(function: Callable) -> Callable:
    """A function whose results hold read-only arrays."""

    @functools.wraps(function)
    def wrapped(*arguments):
        result = function(*arguments)
        make_read_only(result)
        return result

    return wrapped


def make_read_only(thing: object) -> None:
    """Makes all arrays in an object read-only, and those that they are views of."""
    for array in arrays_in(thing):
        array.setflags(write=False)


def arrays_in(thing: object) -> Iterator[np.ndarray]:
    """All arrays in an object: in its attributes, and in containers to any depth."""
    seen, left = {}, [thing]
    while left:
        each = left.pop()
        if id(each) in seen or isinstance(each, _CODE):
            continue
        seen[id(each)] = each  # which keeps the number from being used again
        if isinstance(each, np.ndarray):
            yield each
            left.append(each.base)
        elif isinstance(each, Mapping):
            left += each.values()
        elif isinstance(each, list | tuple | set | frozenset):
            left += each
        else:
            left += getattr(each, "__dict__", {}).values()
            left += _slots(each)


def _slots(thing: object) -> list:
    """The values in the slots of an object's classes."""
    names = [
        name
        for each in type(thing).__mro__
        for name in np.atleast_1d(getattr(each, "__slots__", ()))
    ]
    return [getattr(thing, name) for name in names if hasattr(thing, name)]
