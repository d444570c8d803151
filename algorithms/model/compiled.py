"""Functions compiled once by XLA and called many times at little cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import contextlib
import pathlib
import threading
import warnings

import optree
import tensorflow as tf

from algorithms.model.forks import use_tensorflow

_MAPS = pathlib.Path("/proc/self/maps")
_MOST_MAPS = pathlib.Path("/proc/sys/vm/max_map_count")
_SHARE_OF_MAPS = 0.75  # the rest is for programs in the making, threads and arrays

_warned = False


class Compiled:
    """A function of tensors, compiled at its first call.

    All later arguments must have the structure, shapes and dtypes of the first ones.
    `tf.function` would compare them with those of all earlier calls, and even its
    concrete functions bind and check them anew: 0.3 and 0.15 ms a call, more than the
    sweeps of a small game take. Here only the flat tensors are passed on.

    What XLA makes is never freed: a few dozen memory maps and some megabytes for each
    sweep. Where the process has hardly any maps left, without which it would end in a
    segmentation fault, plain graphs are built instead.

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
        self._call: Callable | None = None
        self._lock = threading.Lock()

    def __call__(self, *arguments):
        use_tensorflow()
        tensors, structure = optree.tree_flatten(arguments)
        # Entering a device takes time even where there is none to enter.
        with tf.device(self._device) if self._device else contextlib.nullcontext():
            if self._call is None:
                self._compile(tensors, structure)
            results = self._call(*tensors, *self._captured)
        return self._results.unflatten(results)

    def _compile(self, tensors: list[tf.Tensor], structure: optree.PyTreeSpec) -> None:
        def flat_function(*tensors):
            result = self._function(*structure.unflatten(tensors))
            results, self._results = optree.tree_flatten(result)
            return results

        with self._lock:
            if self._call is None:  # else another thread was quicker
                xla = self.xla and room_for_xla()
                compiled = tf.function(flat_function, jit_compile=xla, autograph=False)
                concrete = compiled.get_concrete_function(*tensors)
                self._captured, self._call = _flat_call(concrete)


def _flat_call(concrete) -> tuple[Sequence[tf.Tensor], Callable]:
    """The quickest way to call a concrete function of flat tensors.

    Returns:
      (tensors that the call takes after the function's own; the call).
    """
    inference = getattr(concrete, "inference_fn", None)
    call = getattr(inference, "call_flat", None)
    if call is None:  # which TensorFlow does not promise
        return (), concrete
    return concrete.captured_inputs, call


def room_for_xla() -> bool:
    """Whether the process may have more memory maps; warns once if not."""
    try:
        most = int(_MOST_MAPS.read_text())
        maps = _MAPS.read_bytes().count(b"\n")
    except OSError:  # a system without such a limit
        return True
    if maps < _SHARE_OF_MAPS * most:
        return True
    _warn_once(
        f"{maps} of {most} memory maps are in use: what is compiled from now on runs "
        "without XLA, slower and with the same results. A new process starts afresh."
    )
    return False


def _warn_once(message: str) -> None:
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(message, RuntimeWarning, stacklevel=2)
