"""Check of the constructor, from which OpenSpiel learns a game's parameters."""

from __future__ import annotations

import inspect
import typing

from mfg_games.conformance.subject import Findings, Subject
from mfg_games.dynamics import Dynamics


def annotations(subject: Subject) -> Findings:
    """The constructor's annotations are the types of its defaults.

    OpenSpiel takes a parameter's type from its default: 1 refuses 0.5, 1.0 takes it.
    """
    kind = type(subject.dynamics)
    for name, parameter in inspect.signature(kind).parameters.items():
        default, said = parameter.default, _annotation(kind, name)
        if said is not None and said is not type(default):
            yield (
                f"{name}: {said.__name__} has a default of that type",
                f"{default!r}",
                f"write {name}: {type(default).__name__}, or another default: "
                "OpenSpiel takes the type from the default",
            )


def _annotation(kind: type[Dynamics], name: str) -> type | None:
    """The class that a parameter is annotated with; None if it is no class."""
    try:
        said = typing.get_type_hints(kind.__init__).get(name)
    except Exception:  # an annotation that names what is not there
        return None
    return said if isinstance(said, type) else None
