import functools

import pytest
import tensorflow as tf

from algorithms.model.array_model import ArrayModel


@pytest.fixture(autouse=True)
def plain_graphs(request, monkeypatch):
    """XLA's compilation outlasts most tests: only those marked `xla` have it."""
    if "xla" not in request.keywords:
        plain = functools.partial(tf.function, autograph=False)
        monkeypatch.setattr(
            ArrayModel, "compile", lambda self, function: plain(function)
        )
