from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from algorithms.model.compiled import Compiled

pytestmark = pytest.mark.xla


class Pair(NamedTuple):
    first: tf.Tensor
    second: tf.Tensor | None = None


def test_structures_come_through():
    def swapped(pair, state):
        return {"b": state["z"] + pair.first, "a": Pair(state["y"])}, None, [pair]

    function = Compiled(swapped)
    for value in (1.0, 2.0):
        first = tf.constant(value)
        result = function(Pair(first), {"z": tf.constant([3.0]), "y": first + 7})
        assert result[1] is None
        assert result[0]["b"].numpy() == pytest.approx([3 + value])
        assert result[0]["a"].first.numpy() == value + 7
        assert result[0]["a"].second is None
        assert result[2][0].first.numpy() == value


def test_traced_once_and_keeps_what_it_captures():
    calls = []
    captured = tf.Variable([1.0, 2.0])

    def plus(x):
        calls.append(x)
        return x + captured

    function = Compiled(plus)
    first = function(tf.constant([1.0, 1.0]))
    captured.assign([5.0, 5.0])
    second = function(tf.constant([1.0, 1.0]))
    np.testing.assert_array_equal(first, [2.0, 3.0])
    np.testing.assert_array_equal(second, [6.0, 6.0])
    assert len(calls) == 1


def test_equals_the_plain_function_on_a_device():
    x = tf.constant(np.random.default_rng(0).normal(size=(3, 4)))
    function = Compiled(lambda x: tf.exp(x) @ tf.transpose(x), "/CPU:0")
    expected = tf.exp(x) @ tf.transpose(x)
    np.testing.assert_allclose(function(x), expected, rtol=1e-14)
    assert "CPU:0" in function(x).device


def test_another_number_of_tensors_is_refused():
    function = Compiled(lambda x, y: (x, y))
    function(tf.constant(1.0), None)
    with pytest.raises(ValueError, match="specifies 1 arguments"):
        function(tf.constant(1.0), tf.constant(2.0))
