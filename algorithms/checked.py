"""Classes whose constructors take what they declare to take."""

from __future__ import annotations

import abc
from collections.abc import Mapping
import dataclasses
import functools
import inspect
import math
import typing

from mfg_games import parameters


class Checked(abc.ABCMeta):
    """Metaclass: arguments of constructors are of the types of their annotations.

    A number of NumPy's becomes the Python number that it is, so that all that is
    derived from an argument, such as a record in JSON, is that of the number.

    Raises:
      ValueError: an argument is of another type, infinite or NaN.
    """

    def __call__(cls, *args, **kwargs):
        bound = inspect.signature(cls.__init__).bind(None, *args, **kwargs)
        hints = _hints(cls)
        for name, value in bound.arguments.items():
            bound.arguments[name] = parameters.typed(name, value, hints.get(name))
        made = super().__call__(*bound.args[1:], **bound.kwargs)
        for name, value in bound.arguments.items():  # that it did not refuse itself
            finite = not isinstance(value, float) or math.isfinite(value)
            parameters.require(finite, name, value, "a finite number")
        return made


@functools.cache
def _hints(cls: type) -> Mapping[str, object]:
    # The fields of a dataclass may come from several modules.
    declared = cls if dataclasses.is_dataclass(cls) else cls.__init__
    try:
        return typing.get_type_hints(declared)
    except NameError:  # an annotation that is only imported for type checkers
        return {}
