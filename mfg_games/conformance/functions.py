"""Checks of what a game's functions return, under crowds of every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
import math

import numpy as np

from mfg_games import array_types as types
from mfg_games.conformance.crowds import Step, StepError
from mfg_games.conformance.subject import Findings, Subject
from mfg_games.dynamics import Dynamics

_TOLERANCE = 1e-9  # that of `Dynamics.check`


def function_shapes(subject: Subject) -> Findings:
    """The functions take every crowd, and return arrays of one shape at all times."""
    try:
        _ = subject.chosen_steps
    except StepError as error:
        yield (
            f"{error.method} takes all times, noise histories and crowds, and returns "
            "arrays of one shape",
            error.found,
            f"mend {error.method}: solvers call it for any crowd, and keep one array "
            "for all times",
        )


def transition_laws(subject: Subject) -> Findings:
    """Whatever the crowd, everybody goes to a state, with probabilities that sum to 1.

    The crowds are random ones, corners, and those of best responses.
    """
    found = list(_unlawful(subject, subject.chosen_steps))
    yield from found or _unlawful(subject, subject.response_steps)


def _unlawful(subject: Subject, steps: list[Step]) -> Findings:
    """The first thing that is wrong with the laws: what follows is of other numbers."""
    last = subject.dynamics.num_states - 1
    rules: dict[str, tuple[Callable, str]] = {
        f"leads to the states 0..{last}": (
            lambda successors, _: _outside(successors, 0, last),
            "the successors of transition are not numbers of states",
        ),
        "returns probabilities that are finite and not negative": (
            lambda _, probabilities: _outside(probabilities, 0.0, math.inf),
            "mend the formula of transition, or clip at 0 and divide by the sum",
        ),
        "returns probabilities that sum to 1": (
            lambda _, probabilities: _outside(
                probabilities.sum(axis=-1), 1 - _TOLERANCE, 1 + _TOLERANCE
            ),
            "players vanish or appear: mend the formula of transition, or divide by "
            "the sum",
        ),
    }
    for rule, (wrong, mend) in rules.items():
        cases = [
            (f"transition {rule}", f"{worst} at {step}", mend)
            for step in steps
            for outcomes in step.transitions
            for worst in wrong(*outcomes)
        ]
        if cases:
            yield from _first(cases)
            return


def _outside(array: np.ndarray, low: float, high: float) -> list:
    """The first number of an array that is not finite, or not in a range."""
    inside = (array >= low) & (array <= high) & np.isfinite(array)
    return [] if inside.all() else [array[~inside].flat[0].item()]


def reward_range(subject: Subject) -> Findings:
    """Every single reward of a legal action is in the range that the game names."""
    d = subject.dynamics
    for method in ("reward", "terminal_reward"):
        name = method.removesuffix("reward") + "reward_range"
        low, high = map(float, getattr(d, name))
        bounds = f"{name} = ({low!r}, {high!r})"
        if not (math.isfinite(low) and math.isfinite(high) and low <= high):
            yield f"finite bounds, {name} = (lowest, highest)", bounds, f"mend {name}"
            continue
        slack = _TOLERANCE * (1 + abs(low) + abs(high))
        yield from _first(
            (
                f"{method} is within {bounds}",
                f"{worst!r} at {step}",
                f"{name} leaves out a term of {method}: widen it",
            )
            for step in subject.steps
            if (step.t == d.horizon) == (method == "terminal_reward")
            for worst in _outside(_paid(d, step), low - slack, high + slack)
        )


def _paid(d: Dynamics, step: Step) -> np.ndarray:
    """Rewards of legal actions; [empty_cells] names those that are not finite."""
    rewards = step.reward
    if rewards.ndim == 3 and rewards.shape[-1] > 1:
        rewards = rewards[:, d.legal_mask()]
    return rewards[np.isfinite(rewards)]


def array_types(subject: Subject) -> Findings:
    """Masks are bool, moves and successors are integers, laws are float64."""
    for name, words, found in types.wrong_types(subject.dynamics):
        yield f"{name}: an array of type {words}", found, types.mend(name, words)


def _first(findings: Iterable[tuple[str, str, str]]) -> Findings:
    """The first of several findings of one cause, and how many there are."""
    found = list(findings)
    if found:
        expected, first, cause = found[0]
        more = f", and {len(found) - 1} times more" if len(found) > 1 else ""
        yield expected, first + more, cause
