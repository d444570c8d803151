"""Check that no digits are lost to float32."""

from __future__ import annotations

import numpy as np

from mfg_games.conformance.subject import Findings, Subject
from mfg_games.dynamics import Dynamics
from mfg_games.immutable import arrays_in

_LOW = (np.float32, np.float16)


class Watched(np.ndarray):
    """An array that notes where it, or what is computed from it, meets float32.

    Attributes:
      met: the types met so far, shared by all that is computed from the array.
    """

    def __array_finalize__(self, source):
        self.met = getattr(source, "met", [])

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        self._note(inputs)
        plain = [x.view(np.ndarray) if isinstance(x, Watched) else x for x in inputs]
        return self._watched(getattr(ufunc, method)(*plain, **options))

    def __array_function__(self, function, types, arguments, options):
        self._note(arguments)
        return self._watched(
            super().__array_function__(function, types, arguments, options)
        )

    def _note(self, things) -> None:
        self.met += [x.dtype.name for x in things if getattr(x, "dtype", 0) in _LOW]

    def _watched(self, result):
        if isinstance(result, np.ndarray | np.generic):
            result = np.asarray(result).view(Watched)
            result.met = self.met
            self._note([result])
        return result


def single_precision(subject: Subject) -> Findings:
    """No term of a function is in float32, which would lose digits of all others."""
    d = subject.dynamics
    found = low_precision(d)
    for method, dtype in found.items():
        yield (
            f"all terms of {method} are in float64",
            f"a term in {dtype}",
            f"use float64, not {dtype}, in {method}: solvers carry all of its digits",
        )
    if found:
        return
    for name, value in vars(d).items():
        types = {a.dtype.name for a in arrays_in(value) if a.dtype in _LOW}
        if types:
            yield (
                f"the numbers of `{name}` are in float64",
                f"{min(types)}",
                f"make `{name}` with the dtype np.float64",
            )


def low_precision(d: Dynamics) -> dict[str, str]:
    """The methods in which something is in single precision, and its type."""
    found = {}
    for method, function in _calls(d).items():
        law = d.initial_distribution if method == "terminal_reward" else d.uniform_law()
        crowd = law.view(Watched)
        crowd.met = []
        result = function(crowd)
        results = result if isinstance(result, tuple) else (result,)
        crowd._note(results)
        if crowd.met:
            found[method] = crowd.met[0]
    return found


def _calls(d: Dynamics) -> dict:
    now, later, last = (d.noise_value(t, 0) for t in (0, 1, d.horizon))
    return {
        "transition": lambda mu: d.transition(np, 0, mu, later),
        "reward": lambda mu: d.reward(np, 0, mu, now),
        "terminal_reward": lambda mu: d.terminal_reward(np, mu, last),
    }
