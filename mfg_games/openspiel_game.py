"""The OpenSpiel game, state and observer derived from any `Dynamics`.

Node cycle: start (chance, which also draws one of several initial laws) ->
[decision -> (joint mean field) -> (settlement) -> chance -> mean field] x T ->
terminal. A reward that depends on the action is paid at a
*settlement*: a decision node with the single legal action 0 whose string shows state
and action. OpenSpiel's evaluators cache values by string and read rewards at decision,
mean field and terminal nodes, its `rl_environment` at decision nodes only, so all of
them agree. Games whose rewards depend on the state alone have no settlements. Games in
which the crowd's actions matter (`joint_law`) have a mean field node over states and
actions in front of the settlement, since the reward needs it.
"""

from __future__ import annotations

import math

import numpy as np
import pyspiel

from mfg_games.dynamics import FAMILY, Dynamics, make_dynamics
from mfg_games.mean_field import MeanFields, normalised, normalised_joint
from mfg_games.nodes import Node, NodeNames
from mfg_games.observer import MeanFieldObserver
from mfg_games.parameters import typed


class MeanFieldGame(pyspiel.Game):
    """A registered mean field game; `register` makes one subclass a game.

    Attributes:
      dynamics: the `Dynamics` that the game is derived from.
    """

    dynamics_class: type[Dynamics]
    game_type: pyspiel.GameType

    def __init__(self, params: dict | None = None):
        defaults = self.game_type.parameter_specification
        given = {
            name: typed(name, value, type(defaults.get(name)))
            for name, value in (params or {}).items()
        }
        parameters = {**defaults, **given}
        if not parameters.get(FAMILY):  # strings of other games need not show it
            parameters.pop(FAMILY, None)
        self.dynamics = make_dynamics(self.dynamics_class, parameters)
        d = self.dynamics
        self.has_settlements = d.joint_law or d.has_action_rewards()
        decisions = d.horizon * (2 if self.has_settlements else 1)
        low, high = _utility_range(d)
        super().__init__(
            self.game_type,
            pyspiel.GameInfo(
                num_distinct_actions=d.num_actions,
                max_chance_outcomes=_max_chance_outcomes(d),
                num_players=d.num_populations,
                min_utility=low,
                max_utility=high,
                utility_sum=None,
                max_game_length=decisions,
            ),
            parameters,
        )
        self.node_after_decision = Node.CHANCE
        if d.joint_law:
            self.node_after_decision = Node.JOINT_MEAN_FIELD
        elif self.has_settlements:
            self.node_after_decision = Node.SETTLEMENT
        self.mean_fields = MeanFields(d)
        self.names = NodeNames(d)

    def __deepcopy__(self, memo) -> MeanFieldGame:
        return self

    def __reduce__(self):  # `register` has one that takes the module along
        name = self.get_type().short_name
        return (pyspiel.load_game, (name, self.get_parameters()))

    def new_initial_state(self) -> MeanFieldState:
        return MeanFieldState(self, population=0)

    def new_initial_state_for_population(self, population: int) -> MeanFieldState:
        if not 0 <= population < self.num_players():
            raise ValueError(
                f"`population` must be in 0..{self.num_players() - 1}. "
                f"Received: population={population}"
            )
        return MeanFieldState(self, population=population)

    def max_chance_nodes_in_history(self) -> int:
        return self.dynamics.horizon + 2

    def make_py_observer(self, iig_obs_type=None, params=None) -> MeanFieldObserver:
        return MeanFieldObserver(self.dynamics)

    def decision_state(
        self, population: int, t: int, history: int, x: int
    ) -> MeanFieldState:
        """A decision state built directly, without the moves that lead to it.

        It knows the mean field only at t = 0; give it one by `set_mean_field`.
        """
        state = MeanFieldState(self, population=population)
        state.place(Node.DECISION, t, history, x)
        if t == 0:
            state.set_mean_field(self.dynamics.initial_laws[history])
        return state


class MeanFieldState(pyspiel.State):
    """A node in the life of a representative player.

    Attributes:
      population, t, noise_history, x: population, time, history of the common noise,
        state (x is -1 at the start).
      node: what the state waits for.
    """

    def __init__(self, game: MeanFieldGame, population: int):
        super().__init__(game)
        # Holding the game keeps its Python part alive; its deepcopy is itself.
        self._game = game
        self._mean_field = game.mean_fields.at(0, 0, game.dynamics.initial_laws[0])
        self._collected = 0.0
        self._action = -1
        self.population = population
        self.place(Node.START, 0, 0, -1)

    def __reduce__(self):
        # pyspiel's own loads the game by its string, whose module may be missing.
        return (_restored_state, (self._game, self.serialize()))

    def place(self, node: Node, t: int, history: int, x: int) -> None:
        """Puts the state at a node."""
        self.node, self.t, self.noise_history, self.x = node, t, history, x

    @property
    def mean_field(self) -> np.ndarray:
        """The distribution that the player faces, [N, S]."""
        return self._mean_field.mu

    def current_player(self) -> int:
        match self.node:
            case Node.START | Node.CHANCE:
                return pyspiel.PlayerId.CHANCE
            case Node.MEAN_FIELD | Node.JOINT_MEAN_FIELD:
                return pyspiel.PlayerId.MEAN_FIELD
            case Node.TERMINAL:
                return pyspiel.PlayerId.TERMINAL
        return self.population

    def mean_field_population(self) -> int:
        return self.population

    def is_terminal(self) -> bool:
        return self.node == Node.TERMINAL

    def _legal_actions(self, player: int) -> list[int]:
        if player != self.population:
            return []
        if self.node == Node.SETTLEMENT:
            return [0]
        if self.node == Node.DECISION:
            legal = self._game.dynamics.legal_actions
            if legal is None:
                return list(range(self._game.dynamics.num_actions))
            return np.flatnonzero(legal[self.x]).tolist()
        return []

    def chance_outcomes(self) -> list[tuple[int, float]]:
        d = self._game.dynamics
        if self.node == Node.START:
            laws = d.initial_laws[:, self.population].ravel() / len(d.initial_laws)
            return [(int(place), float(laws[place])) for place in np.flatnonzero(laws)]
        outcomes = []
        for common, p_common in enumerate(d.outcome_probabilities(self.t).tolist()):
            successors, probabilities = self._individual_noise(common)
            offset = common * len(successors)
            outcomes += [
                (offset + k, p_common * float(p))
                for k, p in enumerate(probabilities)
                if p > 0
            ]
        return outcomes

    def _individual_noise(self, common_outcome: int) -> tuple[np.ndarray, np.ndarray]:
        return self._mean_field.individual_noise(
            common_outcome, self.population, self.x, self._action
        )

    def _apply_action(self, action: int) -> None:
        """Moves on.

        Raises:
          ValueError: no such action is legal, or no such outcome possible.
        """
        paid = self._reward_here()
        match self.node:
            case Node.START:
                self._start(action)
            case Node.DECISION:
                self._decide(action)
            case Node.SETTLEMENT:
                self._require(action == 0, action)
                self.node = Node.CHANCE
            case Node.CHANCE:
                self._apply_noise(action)
            case _:
                raise ValueError(f"No action can be applied at {self}.")
        self._collected += paid

    def _start(self, place: int) -> None:
        laws = self._game.dynamics.initial_laws
        root, x = divmod(place, laws.shape[-1])
        possible = 0 <= root < len(laws) and laws[root, self.population, x] > 0
        self._require(possible, place)
        self.place(Node.DECISION, 0, root, x)
        self.set_mean_field(laws[root])

    def _decide(self, action: int) -> None:
        d = self._game.dynamics
        legal = d.legal_actions
        possible = 0 <= action < d.num_actions
        if legal is not None:
            possible = possible and legal[self.x, action]
        self._require(possible, action)
        self._action = action
        self.node = self._game.node_after_decision

    def _apply_noise(self, outcome: int) -> None:
        branches = self._game.dynamics.num_common_outcomes(self.t)
        num_outcomes = self._mean_field.transition(0)[0].shape[-1]
        common, k = divmod(outcome, num_outcomes)
        self._require(0 <= common < branches, outcome)
        successors, probabilities = self._individual_noise(common)
        self._require(probabilities[k] > 0, outcome)
        self.place(
            Node.MEAN_FIELD,
            self.t + 1,
            self._game.dynamics.next_history(self.t, self.noise_history, common),
            int(successors[k]),
        )
        self._action = -1

    def _require(self, possible: bool, action: int) -> None:
        """Raises the ValueError for an action unless it is possible here."""
        if possible:
            return
        allowed = "an outcome of chance_outcomes()"
        if not self.is_chance_node():
            allowed = f"one of {self._legal_actions(self.population)}"
        raise ValueError(
            f"`action` must be {allowed} at {self}. Received: action={action}"
        )

    def distribution_support(self) -> list[str]:
        if self.node not in (Node.MEAN_FIELD, Node.JOINT_MEAN_FIELD):
            return []
        support = self._game.names.support
        return list(support(self.node, self.t, self.noise_history))

    def update_distribution(self, distribution: list[float]) -> None:
        """Registers the masses of `distribution_support()` and moves on.

        With common noise the masses of one history sum to its probability; they are
        normalised here, for each population.

        Raises:
          ValueError: wrong node, length, sign or sum.
        """
        d, place = self._game.dynamics, (self.t, self.noise_history)
        match self.node:
            case Node.JOINT_MEAN_FIELD:
                law = normalised_joint(d, *place, distribution)
                self.node = Node.SETTLEMENT
            case Node.MEAN_FIELD:
                law = normalised(d, *place, distribution)
                last = self.t == d.horizon
                self.node = Node.TERMINAL if last else Node.DECISION
            case _:
                raise ValueError(
                    f"update_distribution needs a mean field node, not: {self}"
                )
        self.set_mean_field(law)

    def set_mean_field(self, law: np.ndarray) -> None:
        """Gives the state the distribution that it faces, [N, S] or [N, S, A]."""
        self._mean_field = self._game.mean_fields.at(self.t, self.noise_history, law)

    def _reward_here(self) -> float:
        settles = self._game.has_settlements
        if self.node == Node.DECISION and not settles:
            return float(self._mean_field.rewards[self.population, self.x, 0])
        if self.node == Node.SETTLEMENT:
            return float(
                self._mean_field.rewards[self.population, self.x, self._action]
            )
        if self.node == Node.TERMINAL:
            return float(self._mean_field.terminal_rewards[self.population, self.x])
        return 0.0

    def rewards(self) -> list[float]:
        return self._for_my_population(self._reward_here())

    def returns(self) -> list[float]:
        return self._for_my_population(self._collected + self._reward_here())

    def _for_my_population(self, value: float) -> list[float]:
        values = [0.0] * self._game.num_players()
        values[self.population] = value
        return values

    def _action_to_string(self, player: int, action: int) -> str:
        if player == pyspiel.PlayerId.CHANCE:
            return f"outcome {action}"
        if self.node == Node.SETTLEMENT:
            return "settle"
        return self._game.dynamics.action_name(action)

    def __str__(self) -> str:
        return self._game.names.string(
            self.node, self.population, self.t, self.noise_history, self.x, self._action
        )


def _restored_state(game: MeanFieldGame, serialized: str) -> MeanFieldState:
    return game.deserialize_state(serialized)


def _max_chance_outcomes(d: Dynamics) -> int:
    laws = d.common_noise.outcome_probabilities if d.common_noise else [[1.0]]
    common = max(map(len, laws))
    starts = len(d.initial_laws) * d.num_states
    return max(starts, d.successor_shape[-1] * common)


def _utility_range(d: Dynamics) -> tuple[float, float]:
    last = d.discount**d.horizon
    weight = d.horizon  # the sum of discount**t
    if d.discount < 1:
        weight = -math.expm1(d.horizon * math.log(d.discount)) / (1 - d.discount)
    low, high = (
        weight * step + last * end
        for step, end in zip(d.reward_range, d.terminal_reward_range, strict=True)
    )
    slack = 1e-6 * (1 + abs(low) + abs(high))  # sums of rounded rewards may exceed
    return low - slack, high + slack
