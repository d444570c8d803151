"""Checks of what the solvers of `algorithms` see: a game's functions of tensors.

TensorFlow is imported when they run, and not before.
"""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import importlib
import itertools
import types

import numpy as np

from mfg_games import mends, one_step
from mfg_games.conformance.precision import low_precision
from mfg_games.conformance.report import NotApplicableError
from mfg_games.conformance.subject import Findings, Subject
from mfg_games.dynamics import Dynamics

_METHODS = ("transition", "reward", "terminal_reward")
_TOLERANCE = 1e-9
_MOST_HISTORIES = 16  # of a step that is traced
_TIMES = 3
_CROWDS = 3


def tensors(subject: Subject) -> Findings:
    """The functions take tensors for time, crowd and noise."""
    d = subject.dynamics
    tracing = _module("algorithms.model.tracing")
    with contextlib.suppress(ValueError):
        if not _step(subject).by_number:
            return
    for method in _METHODS:
        if method in low_precision(d):
            continue  # which may end in errors about types
        error, name = _refused(tracing, d, method)
        if error:
            cause = error.__cause__ or error
            yield (
                f"{method} takes tensors, as solvers give them, for t, mu and z",
                f"{type(cause).__name__}: {str(cause).splitlines()[0].split('. ')[0]}",
                mends.mend(cause, getattr(d, method), name),
            )


def _refused(
    tracing: types.ModuleType, d: Dynamics, method: str
) -> tuple[ValueError | None, str]:
    """The error for tensors and the argument that it is about, mu before others."""
    for name, arguments in {"mu": "mu", "t": "t mu", "z": "t mu z"}.items():
        try:
            tracing.trace(d, method, arguments.split())
        except ValueError as error:
            return error, name
    return None, ""


def solver_steps(subject: Subject) -> Findings:
    """The solvers' step gives NumPy's numbers at several times, histories and crowds.

    It is the very step of their sweeps: all noise histories at once, within a graph.
    """
    try:
        step = _step(subject)
    except ValueError as error:
        raise NotApplicableError(f"solvers refuse the game: {error}") from error
    d, rng = subject.dynamics, np.random.default_rng(subject.seed)
    amiss = set()
    segments = _chosen(_module("algorithms.model.segments").split(d))
    parts = [_swept(d, step, segment, rng) for segment in segments]
    ends = _at_the_horizon(d, step, rng)
    for method, t, expected, found in itertools.chain(*parts, ends):
        if method not in amiss and not np.allclose(
            expected, found, rtol=_TOLERANCE, atol=_TOLERANCE
        ):
            amiss.add(method)
            yield (
                f"{method} gives solvers the numbers that it gives NumPy",
                f"numbers that differ by {np.abs(expected - found).max()} at t={t}",
                f"use t, mu and z alone in {method}, and functions of xp: what it "
                "remembers, draws or asks of their types is fixed in the solvers",
            )


def _swept(
    d: Dynamics, step, segment, rng: np.random.Generator
) -> Iterator[tuple[str, int, np.ndarray, np.ndarray]]:
    """Methods, times of a segment, and what NumPy and the solvers' step give there."""
    tf = _module("tensorflow")

    @tf.function(autograph=False)
    def graph(i, masses):
        where = step.transition(segment, i, masses)
        rewards = step.reward(segment, i, masses)
        return where.successors, where.probabilities, rewards

    shares = segment.probabilities.reshape([-1] + [1] * (2 + d.joint_law))
    times = np.linspace(segment.start, segment.stop - 1, _TIMES).astype(int)
    for t, _ in itertools.product(np.unique(times).tolist(), range(_CROWDS)):
        laws = _random_laws(d, segment.histories, rng)
        i, masses = tf.constant(t - segment.start), tf.constant(laws * shares)
        *outcomes, rewards = graph(i, masses)
        yield "transition", t, *_laws(d, t, laws, outcomes)
        yield "reward", t, *_rewards(d, t, laws, rewards)


def _chosen(segments: list) -> list:
    """The first segment, and the last one of few histories."""
    few = [s for s in segments if s.histories * s.branches <= _MOST_HISTORIES]
    return list({id(s): s for s in (*few[:1], *few[-1:])}.values())


def _random_laws(d: Dynamics, histories: int, rng: np.random.Generator) -> np.ndarray:
    """A crowd for each history, [H, N, S] or [H, N, S, A]."""
    shape = (histories, d.num_populations)
    laws = rng.dirichlet(np.full(d.num_states, 0.5), shape)
    if not d.joint_law:
        return laws
    legal = d.legal_mask()
    return laws[..., None] * legal / legal.sum(axis=-1, keepdims=True)


def _laws(d: Dynamics, t: int, laws: np.ndarray, found: tuple) -> tuple:
    """All successors and probabilities, in one array each: NumPy's, TensorFlow's."""
    branches = d.num_common_outcomes(t)
    shape = (len(laws) * branches, 2, d.num_populations, *d.successor_shape)
    expected, seen = np.empty(shape), np.empty(shape)
    for child in range(len(expected)):
        z = d.noise_value(t + 1, child)
        expected[child, 0], expected[child, 1] = one_step.transition(
            d, np, t, laws[child // branches], z
        )
    successors, probabilities = map(np.asarray, found)
    fixed = successors.ndim == len(d.successor_shape)
    seen[:, 0] = successors if fixed else successors[:, None]
    seen[:, 1] = probabilities
    return expected, seen


def _rewards(d: Dynamics, t: int, laws: np.ndarray, found) -> tuple:
    expected = [
        d.discount**t * one_step.reward(d, np, t, law, d.noise_value(t, history))
        for history, law in enumerate(laws)
    ]
    return np.stack(expected), np.asarray(found)


def _at_the_horizon(d: Dynamics, step, rng) -> Iterator[tuple]:
    """The same for the terminal rewards, in one crowd for each noise history."""
    tf = _module("tensorflow")
    shares = d.history_probabilities(d.horizon)
    has_none = type(d).terminal_reward is Dynamics.terminal_reward
    if has_none or len(shares) > _MOST_HISTORIES:
        return
    laws = rng.dirichlet(np.full(d.num_states, 0.5), (len(shares), d.num_populations))
    expected = [
        one_step.terminal_reward(d, np, law, d.noise_value(d.horizon, history))
        for history, law in enumerate(laws)
    ]
    graph = tf.function(step.terminal_rewards, autograph=False)
    found = graph(tf.constant(laws * shares[:, None, None]))
    yield (
        "terminal_reward",
        d.horizon,
        d.discount**d.horizon * np.stack(expected),
        found.numpy(),
    )


def _step(subject: Subject):
    """The solvers' step, made once."""
    if subject.solver_step is None:
        one_step_of = _module("algorithms.model.one_step").OneStep
        subject.solver_step = one_step_of(subject.dynamics, "float64")
    return subject.solver_step


def _module(name: str) -> types.ModuleType:
    """A module of the solvers, or TensorFlow.

    Raises:
      NotApplicableError: it is not installed.
    """
    try:
        importlib.import_module("algorithms.quiet").import_tensorflow()
        return importlib.import_module(name)
    except ImportError as error:
        raise NotApplicableError(
            "what solvers see, which needs TensorFlow and the package `algorithms`: "
            f"{error}"
        ) from error
