import pytest
import tensorflow as tf

from algorithms.deep import networks

_WAYS = {
    "eager": lambda function: function,
    "graph": tf.function,
    "xla": lambda function: tf.function(function, jit_compile=True),
}


@pytest.fixture(params=_WAYS.values(), ids=_WAYS)
def way(request):
    """Wraps a function of tensors to run eagerly, in a graph or under XLA."""
    return request.param


@pytest.fixture(autouse=True)
def plain_graphs(request, monkeypatch):
    """XLA's compilation outlasts most tests: only those marked `xla` have it."""
    if "xla" in request.keywords:
        return
    compiled = networks.compiled
    monkeypatch.setattr(
        networks, "compiled", lambda *args, xla=True: compiled(*args, xla=False)
    )
