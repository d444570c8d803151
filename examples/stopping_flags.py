"""Flags that end a run early, for the scripts that run solvers."""

from __future__ import annotations

from absl import flags


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
    """The flags as arguments of `algorithms.run.Stopping`."""
    names = ("absolute_tolerance", "relative_tolerance", "patience", "seconds")
    return {name: values[name].value for name in names}
