import pytest
import tensorflow as tf

_WAYS = {
    "eager": lambda function: function,
    "graph": tf.function,
    "xla": lambda function: tf.function(function, jit_compile=True),
}


@pytest.fixture(params=_WAYS.values(), ids=_WAYS)
def way(request):
    """Wraps a function of tensors to run eagerly, in a graph or under XLA."""
    return request.param
