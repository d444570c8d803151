"""Solvers of stationary games: the rules of the solvers with a horizon, without it.

All start from the uniform policy. Exploitability is that of the current policy in the
crowd that plays it, never against a crowd that has not caught up.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
import types

import numpy as np
from scipy import special

from algorithms.checked import Checked
from algorithms.stationary.evaluation import Evaluation
from algorithms.stationary.model import StationaryModel
from mfg_games import parameters

State = dict[str, np.ndarray]


class StationarySolver(metaclass=Checked):
    """An iterative solver of a stationary game.

    `algorithms.run.run` runs it, writes its checkpoints and goes on from them.

    Attributes:
      model: the `StationaryModel`.
      game: the model's game.
      game_identity: its name and parameters, as values for JSON.
      parameters: the model's and its own, by name.
      state: all that the next iterations depend on; never changed in place.
      num_iterations: iterations done.
      metrics: none.
    """

    metrics: Mapping[str, float] = types.MappingProxyType({})

    def __init__(self, model: StationaryModel, **own):
        self.model = model
        self.game = model.game
        self.game_identity = {
            "game": model.game.get_type().short_name,
            "parameters": model.game.get_parameters(),
        }
        self.parameters = {**model.parameters, **own}
        self.num_iterations = 0
        self.state = self.fresh_state()
        self._evaluation: Evaluation | None = None

    @abc.abstractmethod
    def fresh_state(self) -> State:
        """The state before the first iteration."""

    @abc.abstractmethod
    def policy_of(self, state: State) -> np.ndarray:
        """The policy of a state, [N, S, A]."""

    @abc.abstractmethod
    def _next_state(self) -> State:
        """The state after one more iteration."""

    @property
    def policy(self) -> np.ndarray:
        """The current policy, [N, S, A]."""
        return self.evaluation.policy

    @property
    def evaluation(self) -> Evaluation:
        """The current policy in the crowd that plays it."""
        if self._evaluation is None:
            self._evaluation = self.model.evaluate(self.policy_of(self.state))
        return self._evaluation

    @property
    def exploitability(self) -> float:
        """What a best response gains, summed over the populations."""
        return self.evaluation.exploitability

    @property
    def resolution(self) -> float:
        """How much of the exploitability may be rounding; it is not known."""
        return 0.0

    def iteration(self) -> None:
        """Runs one iteration.

        Raises:
          RuntimeError: a law or a value was not found, see `StationaryModel`.
        """
        self.state = self._next_state()
        self._evaluation = None
        self.num_iterations += 1

    def restore(self, state: State, num_iterations: int) -> None:
        """Continues from an earlier `state`, with equal numbers.

        Raises:
          ValueError: the arrays are of another solver or game.
        """
        expected = {name: array.shape for name, array in self.state.items()}
        found = {name: array.shape for name, array in state.items()}
        parameters.require(found == expected, "state", found, f"arrays {expected}")
        self.state, self.num_iterations = dict(state), num_iterations
        self._evaluation = None

    def node_arrays(self) -> State:
        """None: the rows of a game's states are always the same."""
        return {}

    def in_own_rows(self, state: State, arrays: State) -> State:
        """The state as it was saved."""
        return state


class MirrorDescent(StationarySolver):
    """Online mirror descent: the softmax of the sum of all Qs so far.

    Args:
      model: the game.
      lr: learning rate.
    """

    def __init__(self, model: StationaryModel, lr: float = 0.1):
        parameters.positive("lr", lr)
        self._lr = lr
        super().__init__(model, lr=lr)

    def fresh_state(self) -> State:
        return {"scores": np.where(self.model.uniform_policy() > 0, 0.0, -np.inf)}

    def policy_of(self, state: State) -> np.ndarray:
        return special.softmax(state["scores"], axis=-1)

    def _next_state(self) -> State:
        scores = self.state["scores"] + self._lr * self.evaluation.q
        # A common part says nothing, but takes digits from the differences.
        return {"scores": scores - scores.max(axis=-1, keepdims=True)}


class _Averaging(StationarySolver):
    """Solvers that move a part of the crowd over to a response."""

    def fresh_state(self) -> State:
        return {"policy": self.model.uniform_policy()}

    def policy_of(self, state: State) -> np.ndarray:
        return state["policy"]

    @abc.abstractmethod
    def _weight(self) -> float:
        """The part that moves over in the coming iteration."""

    @abc.abstractmethod
    def _response(self) -> np.ndarray:
        """What it plays from then on, [N, S, A]."""

    def _next_state(self) -> State:
        response, weight = self._response(), self._weight()
        if weight < 1:
            response = self._average(response, weight)
        return {"policy": response}

    def _average(self, response: np.ndarray, weight: float) -> np.ndarray:
        """The policy of a crowd that plays the current one but for a part."""
        law = self.evaluation.law
        kept = (1 - weight) * law[..., None]
        new = weight * self.model.law(response)[..., None]
        total = kept + new
        share = np.divide(new, total, out=np.zeros_like(new), where=total > 0)
        average = self.policy + share * (response - self.policy)
        return np.where(total > 0, average, self.model.uniform_policy())


class FictitiousPlay(_Averaging):
    """Fictitious play: the average of all best responses, weighted by their laws.

    Args:
      model: the game.
      lr: constant weight of each new best response; None for 1 / (k + 1) at iteration
        k = 1, 2, ...: the average over all iterations.
      temperature: respond with softmax(Q / temperature) instead of the best response.
    """

    def __init__(
        self,
        model: StationaryModel,
        lr: float | None = None,
        temperature: float | None = None,
    ):
        if lr is not None:
            parameters.require(0 < lr <= 1, "lr", lr, "above 0 and at most 1")
        _check_temperature(temperature)
        self._lr, self._temperature = lr, temperature
        super().__init__(model, lr=lr, temperature=temperature)

    def _weight(self) -> float:
        return self._lr or 1 / (self.num_iterations + 2)

    def _response(self) -> np.ndarray:
        found = self.evaluation
        return _chosen(found.best_response, found.best_q, self._temperature)


class _Damped(_Averaging):
    """Solvers of which a part of the crowd keeps the old policy.

    Args:
      model: the game.
      temperature: move to softmax(Q / temperature) instead of the greedy policy.
      damping: the part of the crowd that keeps the old policy, in [0, 1).
    """

    def __init__(
        self,
        model: StationaryModel,
        temperature: float | None = None,
        damping: float = 0.0,
    ):
        _check_temperature(temperature)
        parameters.require(0 <= damping < 1, "damping", damping, "in [0, 1)")
        self._temperature, self._damping = temperature, damping
        super().__init__(model, temperature=temperature, damping=damping)

    def _weight(self) -> float:
        return 1.0 - self._damping


class FixedPoint(_Damped):
    """Fixed point (Banach-Picard): the best response to the last crowd."""

    def _response(self) -> np.ndarray:
        found = self.evaluation
        return _chosen(found.best_response, found.best_q, self._temperature)


class PolicyIteration(_Damped):
    """Policy iteration: greedy, or softmax, for the values of the last policy."""

    def _response(self) -> np.ndarray:
        found = self.evaluation
        return _chosen(found.improvement, found.q, self._temperature)


def _chosen(greedy: np.ndarray, q: np.ndarray, temperature: float | None) -> np.ndarray:
    """The greedy policy, or softmax(q / temperature) if there is a temperature."""
    if temperature is None:
        return greedy
    return special.softmax(q / temperature, axis=-1)


def _check_temperature(temperature: float | None) -> None:
    if temperature is not None:
        parameters.positive("temperature", temperature)
