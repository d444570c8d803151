"""What a conformance check found, readable by a person."""

from __future__ import annotations

import dataclasses

_SHOWN_PER_CHECK = 3
_LONGEST = 500  # characters of one line; a support may list thousands of strings


class NotApplicableError(Exception):
    """Raised by a check that has nothing to check in this game; says why."""


class ConformanceError(AssertionError):
    """A game does not conform; the message is the whole report."""


@dataclasses.dataclass(frozen=True)
class Failure:
    """One thing that is wrong with a game.

    Attributes:
      check: name of the check.
      expected: what a mean field game must do.
      found: what this one does, with the state and the numbers.
      cause: the most likely cause.
    """

    check: str
    expected: str
    found: str
    cause: str

    def __str__(self) -> str:
        return (
            f"[{self.check}]\n  expected: {_shorten(self.expected)}\n"
            f"  found:    {_shorten(self.found)}\n  likely:   {self.cause}"
        )


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " ..."


@dataclasses.dataclass(frozen=True)
class Report:
    """Everything that `check_game` has to say about one game.

    Attributes:
      game: the game's string.
      passed: names of the checks that found nothing wrong.
      failures: all that is wrong.
      not_applicable: reasons by name of the checks that could not look at anything.
      notes: what was left out, such as layers beyond the limit on states.
    """

    game: str
    passed: tuple[str, ...]
    failures: tuple[Failure, ...]
    not_applicable: dict[str, str]
    notes: tuple[str, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that failed, each once."""
        return tuple(dict.fromkeys(failure.check for failure in self.failures))

    @property
    def conforms(self) -> bool:
        """Whether nothing is wrong."""
        return not self.failures

    def of(self, check: str) -> list[Failure]:
        """The failures of one check."""
        return [failure for failure in self.failures if failure.check == check]

    def raise_if_failed(self) -> None:
        """Raises `ConformanceError` unless the game conforms."""
        if not self.conforms:
            raise ConformanceError(str(self))

    def __str__(self) -> str:
        lines = [
            f"{self.game}: {'conforms' if self.conforms else 'DOES NOT CONFORM'} "
            f"({len(self.passed)} checks passed, {len(self.failed)} failed)"
        ]
        for check in self.failed:
            failures = self.of(check)
            lines += map(str, failures[:_SHOWN_PER_CHECK])
            if len(failures) > _SHOWN_PER_CHECK:
                more = len(failures) - _SHOWN_PER_CHECK
                lines.append(f"  ... and {more} more failures of [{check}]")
        for reason in dict.fromkeys(self.not_applicable.values()):
            checks = [k for k, v in self.not_applicable.items() if v == reason]
            lines.append(f"not checked: {', '.join(checks)}: {reason}")
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines)
