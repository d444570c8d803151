"""Methods of solvers as programs, compiled once for all solvers that may share them.

A program belongs to a model, a class, a method, the structure and shapes of its
arguments and what else shapes its graph. It is traced not on the solver that asks for
it first but on a bare copy, which has the model and the declared options and nothing
else. Numbers among the options are tensors there, which each solver passes with its own
values. What is not declared cannot be read, and what is a tensor cannot decide what the
graph looks like: no solver computes with another one's options.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
import contextlib
import numbers

import optree
import tensorflow as tf


def program(solver, method: str) -> Callable:
    """A method of a solver, compiled for all solvers of its model that may share it.

    Args:
      solver: has a `model`, and in `graph_options` the names of the attributes that its
        graphs depend on: numbers, words, and nested structures of them.
      method: the name of a function of tensors.
    """
    options = {name: getattr(solver, name) for name in solver.graph_options}
    leaves, structure = optree.tree_flatten(options)
    rates = [leaf for leaf in leaves if _is_rate(leaf)]
    rest = tuple(None if _is_rate(leaf) else leaf for leaf in leaves)
    kind, model = type(solver), solver.model

    def run(rates, *arguments):
        rates = iter(rates)
        filled = [next(rates) if leaf is None else leaf for leaf in rest]
        bare = object.__new__(kind)
        vars(bare).update(structure.unflatten(filled), model=model, game=model.game)
        with _explained(bare):
            return getattr(bare, method)(*arguments)

    rates = [tf.constant(rate, model.dtype) for rate in rates]
    shared = None

    def call(*arguments):
        nonlocal shared
        if shared is None:
            key = kind, method, structure, rest, _signature(arguments)
            shared = model.program(key, run)
        return shared(rates, *arguments)

    return call


def _signature(arguments: tuple) -> Hashable:
    """What programs fix about their arguments: structure, shapes and dtypes."""
    tensors, structure = optree.tree_flatten(arguments)
    return structure, tuple((*tensor.shape, tensor.dtype) for tensor in tensors)


def _is_rate(leaf) -> bool:
    """Whether an option is a number that graphs take as a tensor."""
    return isinstance(leaf, numbers.Real) and not isinstance(leaf, numbers.Integral)


@contextlib.contextmanager
def _explained(bare) -> Iterator[None]:
    """Says what to do about an attribute that a bare copy lacks."""
    try:
        yield
    except AttributeError as error:
        if error.obj is not bare:
            raise
        raise AttributeError(
            f"`{type(bare).__name__}.{error.name}` is read in a compiled method, "
            "which solvers share: name it in `graph_options` or pass it as an argument."
        ) from None
