"""Flags that end a run early."""

import pathlib
import sys

from absl import flags
import pytest

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))

import stopping_flags  # noqa: E402 (examples are scripts, not a package)


def given(*arguments):
    values = flags.FlagValues()
    stopping_flags.define_flags(values)
    values(["script.py", *arguments])
    return stopping_flags.given(values)


def test_rules_are_given_as_stopping_takes_them():
    assert given("--patience=3", "--relative_tolerance=0.1") == {
        "absolute_tolerance": 0.0,
        "relative_tolerance": 0.1,
        "patience": 3,
        "seconds": None,
    }


@pytest.mark.parametrize("rule", ["patience=-1", "seconds=-1", "seconds=nan"])
def test_a_rule_that_is_none_is_named(rule):
    name, _, _ = rule.partition("=")
    with pytest.raises(ValueError, match=f"^`{name}` must be "):
        given(f"--{rule}")


@pytest.mark.parametrize("name", ["absolute_tolerance", "relative_tolerance"])
def test_a_tolerance_that_is_no_number_is_named(name):
    with pytest.raises(ValueError, match=f"^`{name}` must be at least 0"):
        given(f"--{name}=nan")
    with pytest.raises(flags.IllegalFlagValueError, match=name):
        given(f"--{name}=-1")
