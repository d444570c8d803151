"""What is wrong with a function that takes arrays but no tensors, and how to mend it.

TensorFlow's errors speak of its graphs. These speak of the game: the conformance kit
and the solvers report both in the same words.
"""

from __future__ import annotations

from collections.abc import Callable
import inspect
import linecache
import re
import traceback

# What TensorFlow, or Python, says of a tensor, and what its author can do instead.
# {name} is the argument that is a tensor, {0} what the pattern has found.
_MENDS = (
    (
        r"as a Python `bool`",
        "use xp.where, not if, max or min, for conditions on {name}",
    ),
    (
        r"Iterating over a symbolic",
        "use functions of whole arrays, not loops over {name}",
    ),
    (
        r"indices must be integers|valid indices, got",
        "use xp.take, not table[...], for tables indexed by functions of {name}",
    ),
    (
        r"(float|int)\(\) argument|as an integer",
        "use xp, not Python's float, int and range, for functions of {name}",
    ),
    (r"len is not well defined", "use the shape, not len, of functions of {name}"),
    (
        r"has no attribute '__setitem__'|does not support item assignment",
        "use xp.where or xp.stack, not assignments to parts of {name},",
    ),
    (
        r"Tensor'? object has no attribute '(\w+)'",
        "use xp.{0}(...), not the method .{0}(), for functions of {name}",
    ),
    (
        r"module '[\w.]*numpy' has no attribute '(\w+)'",
        "xp has no {0} in solvers: use what tensorflow.experimental.numpy has, too",
    ),
    (
        r"float64.* type (float32|half)|(?:type|got) (float32|half).*float64",
        "use float64, not float32,",
    ),
    (
        r"does not match type|Expected u?int\d+",
        "use xp.asarray(..., dtype=xp.float64) before integers meet floats",
    ),
    (r"to a numpy array", "use xp, not np, for functions of {name}"),
)
_INDEXED = _MENDS[2][1]  # NumPy's arrays say of an index what np says of an argument


def mend(error: Exception, function: Callable, name: str = "mu") -> str:
    """What to do, in one clause that ends with the method and the line.

    Args:
      error: that the method raised for a tensor.
      function: the method.
      name: the argument that was a tensor.
    """
    frame = _frame(error, function)
    text = _instead(error, _is_index(frame), name)
    if text is None:
        found = f"{type(error).__name__}: {error}".partition("\n")[0]
        text = f"no tensor can be taken for {name}, {found[:200]},"
    line = f" (line {frame.lineno}: {frame.line})" if frame else ""
    return f"{text} in {function.__name__}{line}"


def _instead(error: Exception, is_index: bool, name: str) -> str | None:
    message = " ".join(str(error).split())
    for pattern, text in _MENDS:
        match = re.search(pattern, message)
        if match:
            text = _INDEXED if is_index and "np," in text else text
            return text.format(*match.groups(), name=name)
    return None


def _frame(error: Exception, function: Callable) -> traceback.FrameSummary | None:
    """The last place in the function's own file that an error went through."""
    frames = traceback.extract_tb(error.__traceback__)
    file = inspect.unwrap(function).__code__.co_filename
    own = [frame for frame in frames if frame.filename == file]
    return own[-1] if own else None


def _is_index(frame: traceback.FrameSummary | None) -> bool:
    """Whether what failed there is a table in brackets."""
    if frame is None or frame.end_lineno is None:
        return False
    line = linecache.getline(frame.filename, frame.end_lineno)
    return line[: frame.end_colno].endswith("]")
