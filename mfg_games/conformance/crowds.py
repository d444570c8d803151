"""The crowds under which a game's functions are examined.

Random ones, corners (everybody in one state, each population in turn), and those that
best responses lead to. Shapes: N populations, S states, A actions, K outcomes of the
individual noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
import dataclasses
import itertools

import numpy as np

from mfg_games import one_step
from mfg_games.dynamics import Dynamics

_MOST_TIMES = 8  # and noise histories
_MOST_CORNERS = 16  # of each population
_RANDOM = 4
_MOST_STEPS = 200
_RESPONSES = 3

Transition = tuple[np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Step:
    """What a game's functions return in one step.

    Attributes:
      t: time, the horizon for a terminal reward.
      history: of the common noise.
      crowd: which crowd it is, in words.
      law: what the functions depend on, [N, S] or [N, S, A].
      transitions: successors and probabilities for each outcome of the common noise;
        none at the horizon.
      reward: of the step, or the terminal one.
    """

    t: int
    history: int
    crowd: str
    law: np.ndarray
    transitions: tuple[Transition, ...]
    reward: np.ndarray

    def __str__(self) -> str:
        history = f", history {self.history}" if self.history else ""
        return f"t={self.t}{history}, {self.crowd}"


class StepError(Exception):
    """A function of a game failed.

    Attributes:
      method: its name.
      found: the error and where it came up.
    """

    def __init__(self, method: str, found: str):
        super().__init__(f"{method}: {found}")
        self.method = method
        self.found = found


def step(d: Dynamics, t: int, history: int, crowd: str, law: np.ndarray) -> Step:
    """One step, computed by the game's own functions.

    Raises:
      StepError: one of them fails.
    """
    empty = Step(t, history, crowd, law, (), np.zeros(()))
    z = d.noise_value(t, history)
    if t == d.horizon:
        reward = _call(empty, one_step.terminal_reward, d, np, law, z)
        return dataclasses.replace(empty, reward=reward)
    branches = d.num_common_outcomes(t)
    transitions = tuple(
        _call(empty, one_step.transition, d, np, t, law, d.noise_value(t + 1, child))
        for child in range(history * branches, (history + 1) * branches)
    )
    reward = _call(empty, one_step.reward, d, np, t, law, z)
    return dataclasses.replace(empty, transitions=transitions, reward=reward)


def _call(where: Step, function: Callable, *arguments):
    try:
        return function(*arguments)
    except Exception as error:  # whatever a stranger's game raises
        found = f"{type(error).__name__}: {error} ({where})"
        raise StepError(function.__name__, found) from error


def chosen_steps(d: Dynamics, seed: int) -> Iterator[Step]:
    """Steps at a few times and noise histories, in random crowds and at corners."""
    rng = np.random.default_rng(seed)
    places = [*_places(d, rng), *_ends(d, rng)]
    crowds = list(_crowds(d, rng))
    pairs = list(itertools.product(places, crowds))
    for i in sorted(rng.permutation(len(pairs))[:_MOST_STEPS]):
        (t, history), (crowd, law) = pairs[i]
        if t == d.horizon and d.joint_law:
            law = law.sum(axis=-1)
        yield step(d, t, history, crowd, law)


def _places(d: Dynamics, rng: np.random.Generator) -> list[tuple[int, int]]:
    """A few times and noise histories, the first and the last among them."""
    times = np.unique(np.linspace(0, d.horizon - 1, _MOST_TIMES).astype(int)).tolist()
    return [(t, int(rng.integers(d.num_histories(t)))) for t in times]


def _ends(d: Dynamics, rng: np.random.Generator) -> list[tuple[int, int]]:
    return [(d.horizon, int(rng.integers(d.num_histories(d.horizon))))]


def _crowds(d: Dynamics, rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    """Crowds, in words and as `transition` takes them."""
    legal = d.legal_mask().astype(bool)
    populations, states = d.num_populations, d.num_states
    for i in range(_RANDOM):
        # The first are spread out, the last sit in a few states.
        law = rng.dirichlet(np.full(states, 3.0 * 0.3**i), populations)
        yield "a random crowd", _with_actions(d, law, legal, rng)
    chosen = rng.permutation(states)[:_MOST_CORNERS]
    for population, x in itertools.product(range(populations), sorted(chosen)):
        law = rng.dirichlet(np.ones(states), populations)
        law[population] = np.eye(states)[x]
        whose = f" of population {population}" if populations > 1 else ""
        crowd = f"everybody{whose} in state {x}"
        yield crowd, _with_actions(d, law, legal, rng, alike=True)


def _with_actions(
    d: Dynamics,
    law: np.ndarray,
    legal: np.ndarray,
    rng: np.random.Generator,
    alike: bool = False,
) -> np.ndarray:
    """The law [N, S], or with random actions [N, S, A] where those count.

    Args:
      d: the game.
      law: of states.
      legal: bool [S, A].
      rng: random numbers.
      alike: whether all in one state do the same.
    """
    if not d.joint_law:
        return law
    policy = legal * rng.exponential(size=(*law.shape, d.num_actions))
    if alike:
        policy = np.eye(d.num_actions)[policy.argmax(axis=-1)]
    return law[..., None] * policy / policy.sum(axis=-1, keepdims=True)


def response_steps(d: Dynamics, most_nodes: int) -> Iterator[Step]:
    """All steps in the crowds of best responses, each one to the crowd before it.

    Games of more nodes than `most_nodes` have none.
    """
    layer = d.num_populations * d.num_states
    if layer * sum(d.num_histories(t) for t in range(d.horizon + 1)) > most_nodes:
        return
    legal = d.legal_mask().astype(bool)
    uniform = legal / legal.sum(axis=1, keepdims=True)
    policies = {}
    for _ in range(_RESPONSES + 1):
        steps = _flow(d, policies, np.tile(uniform, (d.num_populations, 1, 1)))
        if policies:
            yield from steps.values()
        policies = _best_response(d, steps, legal)


def _flow(d: Dynamics, policies: dict, default: np.ndarray) -> dict:
    """The steps of a policy's flow by time and history."""
    steps, layer = {}, dict(enumerate(d.initial_laws))
    for t in range(d.horizon):
        following = {}
        for history, mu in layer.items():
            flow = mu[..., None] * policies.get((t, history), default)
            law = flow if d.joint_law else mu
            here = step(d, t, history, "the crowd of a best response", law)
            steps[t, history] = here
            for b, outcomes in enumerate(here.transitions):
                child = history * len(here.transitions) + b
                following[child] = _pushed(d, flow, *outcomes)
        layer = following
    for history, mu in layer.items():
        crowd = "the crowd of a best response"
        steps[d.horizon, history] = step(d, d.horizon, history, crowd, mu)
    return steps


def _pushed(d: Dynamics, flow: np.ndarray, successors, probabilities) -> np.ndarray:
    """Where the flow [N, S, A] of players goes, [N, S]."""
    if d.moves is not None:
        flow = _summed(d.moves, flow, d.num_states)
    outcomes = (d.num_populations, *successors.shape)
    masses = flow[..., None] * np.broadcast_to(probabilities, outcomes)
    return _summed(successors, masses, d.num_states)


def _summed(targets: np.ndarray, masses: np.ndarray, num_states: int) -> np.ndarray:
    """Masses [N, ...] summed up at their targets [...], [N, S]."""
    return np.stack(
        [np.bincount(targets.ravel(), mass.ravel(), num_states) for mass in masses]
    )


def _best_response(d: Dynamics, steps: dict, legal: np.ndarray) -> dict:
    """A best response to the crowds of the steps, as one-hot policies [N, S, A]."""
    values, policies = {}, {}
    for (t, history), here in reversed(steps.items()):
        if t == d.horizon:
            values[t, history] = here.reward
            continue
        q = np.broadcast_to(here.reward, (d.num_populations, *legal.shape)).copy()
        shares = d.common_noise.outcome_probabilities[t] if d.common_noise else [1.0]
        for b, (share, outcomes) in enumerate(
            zip(shares, here.transitions, strict=True)
        ):
            later = values[t + 1, history * len(shares) + b]
            q += d.discount * share * _expected(d, later, *outcomes)
        best = np.where(legal, q, -np.inf).argmax(axis=-1)
        policies[t, history] = np.eye(d.num_actions)[best]
        values[t, history] = np.take_along_axis(q, best[..., None], -1)[..., 0]
    return policies


def _expected(d: Dynamics, values, successors, probabilities) -> np.ndarray:
    """Expected values [N, S] one step later for each action, [N, S, A]."""
    after = (values[:, successors] * probabilities).sum(axis=-1)
    return after if d.moves is None else after[:, d.moves]
