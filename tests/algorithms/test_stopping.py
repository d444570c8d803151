"""Rules that end a run: what is no rule is an error before the run."""

import dataclasses
import math

import numpy as np
import pytest

from algorithms.stopping import Stopping

RULES = [field.name for field in dataclasses.fields(Stopping)]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("value", [-1, -1e-9, math.nan, math.inf, np.float32("nan")])
def test_a_rule_that_is_negative_or_no_number_is_named(rule, value):
    with pytest.raises(ValueError, match=f"^`{rule}` must be .* Received: {rule}="):
        Stopping(**{rule: value})


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_may_be_a_number_of_numpy_or_zero(rule):
    assert getattr(Stopping(**{rule: np.int64(3)}), rule) == 3
    assert getattr(Stopping(**{rule: 0}), rule) == 0


def test_none_is_no_tolerance_and_a_part_of_an_iteration_no_patience():
    with pytest.raises(ValueError, match="`absolute_tolerance` must be a number"):
        Stopping(absolute_tolerance=None)
    with pytest.raises(ValueError, match="`patience` must be an integer or none"):
        Stopping(patience=1.5)
