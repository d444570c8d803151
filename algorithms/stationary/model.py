"""Stationary mean field games: one step of a game, repeated for ever.

A policy pi, which does not depend on the time, and the law mu of a crowd that plays it
for ever are an equilibrium if pi is a best response to a crowd that stays mu (Lauriere
et al. 2022, the survey, section 2). There are three criteria:

    "discounted"  mu = mu P,                          J = <mu, sum_t g^t P^t r>
    "occupancy"   mu = (1 - g) mu_0 + g mu P,         J = <mu_0, sum_t g^t P^t r>
    "ergodic"     mu = mu P,                          J = <mu, lim_T 1/T sum_t P^t r>

with the kernel P and the rewards r of pi against mu, and the discount g. Who joins a
discounted game finds themselves where the others are, as in Bench-MFG; in the second
one players leave with the probability 1 - g at each step and new ones come from mu_0.

Where mu = mu P has several solutions, the one is taken in which the crowd ends that
starts from the game's initial distribution, on average over time if it never rests.

Shapes: N populations, S states, A actions. All arrays are NumPy's, in float64.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyspiel
from scipy import sparse

from algorithms import catalogue
from algorithms.checked import Checked
from algorithms.stationary.decision import METHODS, DecisionProblem
from algorithms.stationary.evaluation import Evaluation
from algorithms.stationary.markov import REST, Resolvent
from algorithms.stationary.patience import Patience
from algorithms.stationary.steps import (
    discount_of,
    dynamics_lean,
    landings,
    repeatable,
    time_of,
)
from mfg_games import one_step, parameters

CRITERIA = ("discounted", "occupancy", "ergodic")

_TOLERANCE = 1e-12  # of a law, in total variation


class StationaryModel(metaclass=Checked):
    """A game of `mfg_games` without end and without time.

    Terminal rewards and the horizon do not count.

    Args:
      game: the game, or its OpenSpiel string.
      criterion: one of `CRITERIA`.
      discount: above 0 and below 1; None for the game's own. Not for "ergodic".
      method: "solve" factorises sparse matrices; "iterate" only multiplies by them, in
        less memory, and takes the longer the slower the crowd mixes. Crowds on which
        the dynamics depend are followed step by step either way.
      time: the step that is repeated; None if all are alike.

    Attributes:
      game, dynamics: the game.
      discount: 1 for "ergodic".
      parameters: the arguments but the game, by name.
      legal: bool [S, A].
      initial_law: [N, S].

    Raises:
      ValueError: the game is not one of `mfg_games`, has common noise, several initial
        laws or steps that depend on the time; or an argument is out of range.
    """

    def __init__(
        self,
        game: pyspiel.Game | str,
        criterion: str = "discounted",
        discount: float | None = None,
        method: str = "solve",
        time: int | None = None,
    ):
        parameters.one_of("criterion", criterion, CRITERIA)
        parameters.one_of("method", method, METHODS)
        self.game = catalogue.load_game(game) if isinstance(game, str) else game
        self.dynamics = repeatable(self.game)
        self.discount = discount_of(criterion, discount, self.dynamics)
        self.parameters = {
            "criterion": criterion,
            "discount": self.discount,
            "method": method,
            "time": time,
        }
        self.legal = self.dynamics.legal_mask()
        self.initial_law = self.dynamics.initial_distribution
        self._criterion, self._method = criterion, method
        self._time = time_of(self.dynamics, time)
        self._fixed_transitions: list[sparse.csr_array] | None = None
        if not dynamics_lean(self.dynamics, self._time):
            law, policy = self.initial_law, self.uniform_policy()
            self._fixed_transitions = self._transitions(law, policy)

    def uniform_policy(self) -> np.ndarray:
        """All legal actions alike, [N, S, A]."""
        rows = self.legal / self.legal.sum(axis=1, keepdims=True)
        return np.tile(rows, (len(self.initial_law), 1, 1))

    def checked(self, policy: np.ndarray) -> np.ndarray:
        """The policy as float64 [N, S, A].

        Raises:
          ValueError: it has another shape, or a row is no law over legal actions.
        """
        policy = np.asarray(policy, np.float64)
        shape = (len(self.initial_law), *self.legal.shape)
        if policy.shape != shape:
            raise ValueError(f"`policy` must be {shape}. Received: {policy.shape}")
        possible = np.where(self.legal, policy >= 0, policy == 0).all(axis=-1)
        wrong = ~(possible & (np.abs(policy.sum(axis=-1) - 1) <= 1e-6))
        if wrong.any():
            n, x = np.argwhere(wrong)[0]
            raise ValueError(
                f"`policy` is no law over the legal actions of state {x} for "
                f"population {n}: {policy[n, x]}"
            )
        return policy

    def problems(self, law: np.ndarray, policy: np.ndarray) -> list[DecisionProblem]:
        """What a player of each population meets in a crowd with a law and a policy."""
        shape = (len(law), *self.legal.shape)
        seen = self._seen(law, policy)
        rewards = one_step.reward(self.dynamics, np, self._time, seen, None)
        rewards = np.broadcast_to(rewards, shape)
        transitions = self._transitions(law, policy)
        return [
            DecisionProblem(r.T.copy(), p, self.legal.T, self.discount, self._method)
            for r, p in zip(rewards, transitions, strict=True)
        ]

    def law(self, policy: np.ndarray) -> np.ndarray:
        """The law of a crowd that plays a policy for ever, [N, S].

        Raises:
          RuntimeError: the crowd does not come to rest.
        """
        law = self.initial_law
        if self._fixed_transitions is None:
            return self._rest(law, lambda moving: self._moved(moving, policy))
        problems = self.problems(law, policy)
        kernels = [p.kernel(q) for p, q in zip(problems, policy, strict=True)]
        if self._method == "solve":
            laws = map(self._solved_law, kernels, law)
            return _normalised(np.stack(list(laws)))
        backwards = [kernel.T.tocsr() for kernel in kernels]
        return self._rest(law, lambda moving: self._renewed(_pushed(moving, backwards)))

    def _rest(
        self, law: np.ndarray, step: Callable[[np.ndarray], np.ndarray]
    ) -> np.ndarray:
        """Where steps lead from a law, [N, S]."""
        patience = Patience(law.shape[1], "The crowd mixes too slowly or never rests.")
        while True:
            moved = step(law)
            gap = np.abs(moved - law).sum() / 2
            if gap <= _TOLERANCE:
                return _normalised(moved)
            patience.check(gap)
            law = (law + moved) / 2  # half a step at a time does not mind periods

    def start(self, law: np.ndarray) -> np.ndarray:
        """The law of who joins a crowd with a law, [N, S]."""
        return self.initial_law if self._criterion == "occupancy" else law

    def evaluate(self, policy: np.ndarray) -> Evaluation:
        """What a policy [N, S, A] is worth in the crowd that plays it."""
        return Evaluation(self, self.checked(policy))

    def exploitability(self, policy: np.ndarray) -> float:
        """What a best response gains over a policy, summed over the populations."""
        return self.evaluate(policy).exploitability

    def _solved_law(self, kernel: sparse.csr_array, initial: np.ndarray) -> np.ndarray:
        if self._criterion == "occupancy":
            return Resolvent(kernel, 1 - self.discount).occupancy(initial)
        return Resolvent(kernel, REST).long_run_law(initial)

    def _moved(self, law: np.ndarray, policy: np.ndarray) -> np.ndarray:
        """The law one step later, [N, S]."""
        seen = self._seen(law, policy)
        successors, probabilities = landings(self.dynamics, self._time, seen)
        mass = (law[..., None] * policy)[..., None] * probabilities
        size = len(self.legal)
        moved = [np.bincount(successors.ravel(), m.ravel(), size) for m in mass]
        return self._renewed(np.stack(moved))

    def _renewed(self, moved: np.ndarray) -> np.ndarray:
        """A law after those who leave have been replaced, [N, S]."""
        if self._criterion != "occupancy":
            return moved
        return (1 - self.discount) * self.initial_law + self.discount * moved

    def _seen(self, law: np.ndarray, policy: np.ndarray) -> np.ndarray:
        """What the game's functions take for mu."""
        return law[..., None] * policy if self.dynamics.joint_law else law

    def _transitions(
        self, law: np.ndarray, policy: np.ndarray
    ) -> list[sparse.csr_array]:
        """Sparse [A * S, S] for each population; row a S + x: where a leads from x."""
        if self._fixed_transitions is not None:
            return self._fixed_transitions
        size = len(self.legal)
        seen = self._seen(law, policy)
        successors, probabilities = landings(self.dynamics, self._time, seen)
        columns = successors.swapaxes(0, 1).ravel()
        rows = np.arange(0, successors.size + 1, successors.shape[-1])
        shape = (len(rows) - 1, size)
        return [
            sparse.csr_array((p.swapaxes(0, 1).ravel(), columns, rows), shape=shape)
            for p in probabilities
        ]


def _pushed(law: np.ndarray, backwards: list[sparse.csr_array]) -> np.ndarray:
    """Laws [N, S] after a step of chains with these transposed kernels."""
    return np.stack([k @ row for k, row in zip(backwards, law, strict=True)])


def _normalised(law: np.ndarray) -> np.ndarray:
    law = np.maximum(law, 0.0)  # rounding may leave -1e-20
    return law / law.sum(axis=1, keepdims=True)
