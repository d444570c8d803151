"""Flags that end a run early, for the scripts that run solvers."""

from __future__ import annotations

import dataclasses

from absl import flags

from algorithms.stopping import Stopping


def define_flags(into: flags.FlagValues) -> None:
    """Defines the flags, which the script's `--help` then lists with its own."""
    flags.DEFINE_float(
        "absolute_tolerance",
        0.0,
        "Stop at this exploitability.",
        lower_bound=0.0,
        flag_values=into,
    )
    flags.DEFINE_float(
        "relative_tolerance",
        0.0,
        "Stop at this share of the first exploitability.",
        lower_bound=0.0,
        flag_values=into,
    )
    flags.DEFINE_integer(
        "patience",
        None,
        "Stop after so many iterations without a best.",
        flag_values=into,
    )
    flags.DEFINE_float("seconds", None, "Stop after so many seconds.", flag_values=into)


def given(values: flags.FlagValues) -> dict[str, float | None]:
    """The flags as arguments of `algorithms.stopping.Stopping`.

    Raises:
      ValueError: a rule is negative, infinite or NaN.
    """
    names = [field.name for field in dataclasses.fields(Stopping)]
    return dataclasses.asdict(Stopping(*(values[name].value for name in names)))
