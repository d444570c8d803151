"""Validation: what passes, what does not, and what the error says."""

import math

import numpy as np
import pytest

from mfg_games import parameters


def test_error_has_name_value_and_what_is_allowed():
    with pytest.raises(ValueError) as caught:
        parameters.at_least("size", 1, 2)
    assert str(caught.value) == (
        "`size` must be at least 2 and at most 1e+12. Received: size=1"
    )


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (lambda v: parameters.at_least("p", v, 0), [0, 3, 1e12], [-1, 1e13]),
        (lambda v: parameters.probability("p", v), [0.0, 0.5, 1.0], [-1e-9, 1.1]),
        (lambda v: parameters.between("p", v), [1e-9, 0.5], [0.0, 1.0]),
        (lambda v: parameters.finite("p", v), [-1e12, 0.0, 1e12], [-1e13, 1e13]),
        (lambda v: parameters.positive("p", v), [1e-300, 1e12], [0.0, -1.0, 1e13]),
    ],
)
def test_ranges(check, good, bad):
    for value in good:
        check(value)
    for value in [*bad, math.nan, math.inf, -math.inf]:
        with pytest.raises(ValueError, match="`p` must be"):
            check(value)


def test_averaging():
    parameters.averaging(0.0)
    for value in (-0.1, 1.0, math.nan):
        with pytest.raises(ValueError, match="`averaging` must be 0 or more, below 1"):
            parameters.averaging(value)


def test_one_of_lists_the_names():
    parameters.one_of("geometry", "torus", ("square", "torus"))
    with pytest.raises(ValueError, match=r"one of square, torus.*geometry='ring'"):
        parameters.one_of("geometry", "ring", ("square", "torus"))


def test_numbers():
    np.testing.assert_array_equal(parameters.numbers("p", " 1 -2.5 "), [1, -2.5])


@pytest.mark.parametrize("text", ["", "1", "a b", "1 nan", "1 inf", "1 1e13", "1,2"])
def test_malformed_numbers(text):
    with pytest.raises(ValueError, match="`p` must be"):
        parameters.numbers("p", text)


def test_matrix():
    np.testing.assert_array_equal(
        parameters.matrix("p", "0 1; -1 0"), [[0.0, 1.0], [-1.0, 0.0]]
    )


@pytest.mark.parametrize("text", ["", "1 2;3", "1;", "1 x;2 3"])
def test_malformed_matrices(text):
    with pytest.raises(ValueError, match="`p` must be"):
        parameters.matrix("p", text)


def test_an_integer_that_python_does_not_write_is_no_name():
    with pytest.raises(ValueError, match="no game called an integer of 16610 bits"):
        parameters.known("game", 10**5000, ["chess"])
