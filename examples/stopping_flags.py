"""Flags that end a run early, for the scripts that run solvers."""

from __future__ import annotations

from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_float(
    "absolute_tolerance", 0.0, "Stop at this exploitability.", lower_bound=0.0
)
flags.DEFINE_float(
    "relative_tolerance", 0.0, "Stop at this share of the first exploitability.", 0.0
)
flags.DEFINE_integer("patience", None, "Stop after so many iterations without a best.")
flags.DEFINE_float("seconds", None, "Stop after so many seconds.")


def given() -> dict[str, float | None]:
    """The flags as arguments of `algorithms.run.Stopping`."""
    names = ("absolute_tolerance", "relative_tolerance", "patience", "seconds")
    return {name: FLAGS[name].value for name in names}
