"""Functions compiled once by XLA and called many times at little cost."""

from __future__ import annotations

from collections.abc import Callable
import contextlib

import optree
import tensorflow as tf


class Compiled:
    """A function of tensors, compiled at its first call.

    All later arguments must have the structure, shapes and dtypes of the first ones.
    `tf.function` would compare them with those of all earlier calls, and even its
    concrete functions bind and check them anew: 0.3 and 0.15 ms a call, more than the
    sweeps of a small game take. Here only the flat tensors are passed on.

    Args:
      function: takes and returns nested structures of tensors and None.
      device: a TensorFlow device; None for TensorFlow's choice.

    Attributes:
      xla: of the class; false builds plain graphs, quicker to make, slower to call.
    """

    xla = True

    def __init__(self, function: Callable, device: str | None = None):
        self._function = function
        self._device = device
        self._concrete = None

    def __call__(self, *arguments):
        tensors, structure = optree.tree_flatten(arguments)
        # Entering a device takes time even where there is none to enter.
        with tf.device(self._device) if self._device else contextlib.nullcontext():
            if self._concrete is None:
                self._compile(tensors, structure)
            results = self._concrete.inference_fn.call_flat(*tensors, *self._captured)
        return self._results.unflatten(results)

    def _compile(self, tensors: list[tf.Tensor], structure: optree.PyTreeSpec) -> None:
        def flat_function(*tensors):
            result = self._function(*structure.unflatten(tensors))
            results, self._results = optree.tree_flatten(result)
            return results

        compiled = tf.function(flat_function, jit_compile=self.xla, autograph=False)
        self._concrete = compiled.get_concrete_function(*tensors)
        self._captured = self._concrete.captured_inputs
