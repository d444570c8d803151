"""Values of a policy against the distribution of a population."""

from __future__ import annotations

import numpy as np
from open_spiel.python import policy as openspiel_policy
from open_spiel.python.mfg import distribution as openspiel_distribution
from open_spiel.python.mfg import value as openspiel_value
import pyspiel
from pyspiel import StateType

from algorithms import openspiel_arguments
from algorithms.distribution import flow_of
from algorithms.model import Flow, MeanFieldModel
from algorithms.pickled import OnModel
from algorithms.policy import policy_array

_PLAYER = int(pyspiel.PlayerId.DEFAULT_PLAYER_ID)


class NodeValues(OnModel, openspiel_value.ValueFunction):
    """Values of a game's nodes against one flow.

    Args:
      model: of the game.
      flow: of the population.
      q: [D, A], values of the actions.
      values: [D], values of the decision nodes.
      root_values: [N], values at the start.
    """

    def __init__(
        self,
        model: MeanFieldModel,
        flow: Flow,
        q: np.ndarray,
        values: np.ndarray,
        root_values: np.ndarray,
    ):
        super().__init__(model.game)
        self.model = model
        self._masses = model.masses(flow)
        self._q = q
        self._values = values
        self._root_values = root_values

    def value(self, state: pyspiel.State, action: int | None = None) -> float:
        """Value of a state, or of an action at a decision state.

        Raises:
          KeyError: the model has no such decision node.
          ValueError: the action is illegal.
        """
        if action is None:
            return self.eval_state(state)
        if action not in state.legal_actions():
            raise ValueError(
                f"`action` must be one of {state.legal_actions()} at {state}. "
                f"Received: action={action}"
            )
        row = self._row(state)
        if row is None:
            return self._reward(state) + self.eval_state(state.child(action))
        return float(self._q[row, action])

    def eval_state(self, state: pyspiel.State) -> float:
        """Value of a state: what is paid there and after it."""
        kind = state.get_type()
        if kind == StateType.TERMINAL:
            return self._reward(state)
        if kind == StateType.CHANCE:
            if state.move_number() == 0:
                return float(self._root_values[state.mean_field_population()])
            children = ((state.child(k), p) for k, p in state.chance_outcomes())
            return sum(p * self.eval_state(child) for child, p in children)
        if kind == StateType.MEAN_FIELD:
            return self._reward(state) + self.eval_state(self._registered(state))
        row = self._row(state)
        if row is None:
            return self.value(state, state.legal_actions()[0])
        return float(self._values[row])

    def _row(self, state: pyspiel.State) -> int | None:
        """The row of a decision; None where the model has none, nothing being chosen.

        Raises:
          KeyError: the model has no such node.
        """
        try:
            return self.model.node_index(state)
        except KeyError:
            if len(state.legal_actions()) == 1:
                return None
            raise

    def _reward(self, state: pyspiel.State) -> float:
        return state.rewards()[state.mean_field_population()]

    def _registered(self, state: pyspiel.State) -> pyspiel.State:
        """The state after a mean field node, which has been told the masses."""
        after = state.clone()
        names = state.distribution_support()
        after.update_distribution([self._masses.get(name, 0.0) for name in names])
        return after

    def _write(
        self,
        state_value: openspiel_value.ValueFunction | None,
        root_state: pyspiel.State | None,
    ) -> None:
        """Writes the values of all nodes by their strings, as OpenSpiel's classes do.

        Raises:
          ValueError: `state_value` is no value function, or holds values already.
        """
        openspiel_arguments.require_value_function(state_value)
        if state_value is None:
            return
        roots = self.game.new_initial_states() if root_state is None else [root_state]
        waiting, met = list(roots), set()
        while waiting:
            state = waiting.pop()
            name = state.observation_string(_PLAYER)
            if name in met:
                continue
            if state_value.has(name):
                raise ValueError(f"`state_value` must be empty. It has {name!r}.")
            met.add(name)
            state_value.set_value(name, self.eval_state(state))
            waiting += self._children(state)

    def _children(self, state: pyspiel.State) -> list[pyspiel.State]:
        if state.get_type() == StateType.MEAN_FIELD:
            return [self._registered(state)]
        return [state.child(action) for action in state.legal_actions()]


class PolicyValue(NodeValues):
    """Values of a policy when the population has a given distribution.

    The calls are those of OpenSpiel's class of the same name.

    Args:
      game: any OpenSpiel mean field game, or its string.
      distribution: of the population; any policy's, not only `policy`'s, and anything
        that OpenSpiel's evaluators take for one.
      policy: any OpenSpiel policy of that game.
      state_value: if given, the values of all nodes are written to it.
      root_state: where to begin writing; None for the game's start.

    Raises:
      ValueError: distribution or policy are of another game.
    """

    def __init__(
        self,
        game: pyspiel.Game | str,
        distribution: openspiel_distribution.Distribution,
        policy: openspiel_policy.Policy,
        state_value: openspiel_value.ValueFunction | None = None,
        root_state: pyspiel.State | None = None,
    ):
        model, flow = flow_of(game, distribution)
        rows = policy_array(model, policy)
        values = model.compiled_evaluate(rows, flow)
        q = model.absolute(values.q, values).numpy()
        here = (rows.numpy() * q).sum(-1)
        super().__init__(model, flow, q, here, values.totals.value.numpy())
        self._write(state_value, root_state)
