from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from algorithms.model import compiled
from algorithms.model.compiled import Compiled, room_for_xla

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


def test_without_the_private_call_the_public_one_serves(monkeypatch):
    captured = tf.Variable(2.0)
    function = Compiled(lambda x, y: {"sum": x + y["z"] * captured, "none": None})
    concrete = type(tf.function(lambda: 0).get_concrete_function())
    monkeypatch.delattr(concrete, "inference_fn")
    for value in (1.0, 2.0):
        result = function(tf.constant(value), {"z": tf.constant([3.0])})
        assert result["sum"].numpy() == pytest.approx([value + 6])
        assert result["none"] is None


@pytest.fixture
def few_maps(monkeypatch, tmp_path):
    """A system on which this process has hardly any memory maps left."""
    limit = tmp_path / "max_map_count"
    limit.write_text("100\n")
    monkeypatch.setattr(compiled, "_MOST_MAPS", limit)
    monkeypatch.setattr(compiled, "_warned", False)


def test_where_maps_run_out_graphs_are_plain_and_it_is_said_once(few_maps):
    function, other = (Compiled(lambda x: tf.exp(x)) for _ in range(2))
    x = tf.constant([1.0, 2.0])
    with pytest.warns(RuntimeWarning, match="of 100 memory maps are in use"):
        result = function(x)
    np.testing.assert_allclose(result, tf.exp(x), rtol=1e-6)
    np.testing.assert_allclose(other(x), tf.exp(x), rtol=1e-6)  # no warning
    assert not room_for_xla()


def test_systems_without_a_limit_have_room(monkeypatch, tmp_path):
    monkeypatch.setattr(compiled, "_MOST_MAPS", tmp_path / "nothing")
    assert room_for_xla()
