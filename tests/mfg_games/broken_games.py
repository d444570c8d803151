"""Games broken on purpose, each in one thing, and the checks that must notice."""

from __future__ import annotations

from breaking import BROKEN, Bar, BrokenGame, Pair, broken_game, broken_state
import broken_dynamics  # noqa: F401 - registers more of them
import numpy as np
import pyspiel

from mfg_games.nodes import Node
from mfg_games.observer import MeanFieldObserver
from mfg_games.openspiel_game import MeanFieldGame, MeanFieldState

__all__ = ["BROKEN", "BrokenGame", "Short", "Unsorted"]


# --- structure ---


@broken_state("walk", "random_play", "nash_conv")
class LacksATableRow(MeanFieldState):
    def _apply_action(self, action):
        if (self.node, self.t, self.x, action) == (Node.DECISION, 1, 3, 2):
            raise KeyError((3, 2))
        super()._apply_action(action)


@broken_state("random_play", "random_simulation", dynamics=Pair)
class RefusesOneUnit(MeanFieldState):
    def update_distribution(self, distribution):
        if sum(distribution) < 1.5:
            raise ValueError("Both populations must have mass 1.")
        super().update_distribution(distribution)


@broken_state("random_simulation")
class NamesNoNoise(MeanFieldState):
    def _action_to_string(self, player, action):
        if player == pyspiel.PlayerId.CHANCE:
            raise KeyError(action)
        return super()._action_to_string(player, action)


@broken_state("api")
class HidesAMethod(MeanFieldState):
    def __init__(self, game, population):
        super().__init__(game, population)
        self.history = 0


@broken_state("populations", dynamics=Pair)
class ForgetsPopulation(MeanFieldState):
    def mean_field_population(self):
        return 0


class Lenient(MeanFieldState):
    """A state that normalises masses whose sum is not far from one."""

    def update_distribution(self, distribution):
        total = sum(distribution)
        if 0.4 < total < 1.0:
            distribution = [mass / total for mass in distribution]
        super().update_distribution(distribution)


@broken_state("strings", "nash_conv")
class WithoutTime(MeanFieldState):
    def __str__(self):
        return super().__str__().replace(f"t={self.t} ", "")

    def distribution_support(self):
        support = super().distribution_support()
        return [string.replace(f"t={self.t} ", "") for string in support]


@broken_state("strings", dynamics=Pair)
class WithoutPopulation(MeanFieldState):
    def __str__(self):
        string = super().__str__()
        if self.node == Node.TERMINAL:
            return string.replace(f"population={self.population} ", "")
        return string


@broken_state("lockstep", "mass", "nash_conv")
class EndsEarly(Lenient):
    def _apply_noise(self, outcome):
        super()._apply_noise(outcome)
        if self.x == 0 and self.t == self._game.dynamics.horizon:
            self.node = Node.TERMINAL


@broken_state("chance")
class Unnormalised(MeanFieldState):
    def chance_outcomes(self):
        return [(k, (1 - 1e-7) * p) for k, p in super().chance_outcomes()]


@broken_game("chance")
class FewOutcomes(MeanFieldGame):
    def max_chance_outcomes(self):
        return 3


@broken_state("actions", "random_simulation")
class Unsorted(MeanFieldState):
    def _legal_actions(self, player):
        return super()._legal_actions(player)[::-1]


@broken_state("actions", "random_simulation")
class SameNames(MeanFieldState):
    def _action_to_string(self, player, action):
        return "go"


@broken_state("actions")
class ActsAtMeanField(MeanFieldState):
    def _legal_actions(self, player):
        return super()._legal_actions(player) or [0]


@broken_state("nash_conv", "actions", "random_simulation")
class Repeats(MeanFieldState):
    def _legal_actions(self, player):
        legal = super()._legal_actions(player)
        return legal[:1] + legal if self.node == Node.DECISION else legal


@broken_game("lengths")
class Short(MeanFieldGame):
    def max_game_length(self):
        return 3


@broken_game("lengths", "random_simulation")
class FewChances(MeanFieldGame):
    def max_chance_nodes_in_history(self):
        return 2


# --- distributions ---


@broken_state("support", "mass")
class ForgetsItself(Lenient):
    def distribution_support(self):
        return [
            "nobody" if string == str(self) else string
            for string in super().distribution_support()
        ]


@broken_state("mass")
class Overlaps(Lenient):
    def distribution_support(self):
        support = super().distribution_support()
        if self.x == 0:
            support[1] = "nobody"
        return support


@broken_state("wrong_distributions")
class TakesAnything(MeanFieldState):
    def update_distribution(self, distribution):
        mu = np.resize(np.nan_to_num(np.abs([*distribution, 1.0])), (1, 4))
        super().update_distribution((mu / mu.sum()).ravel())


# --- rewards ---


@broken_state("rewards", "random_simulation")
class PaysAtChance(MeanFieldState):
    def _reward_here(self):
        return 1.0 if self.node == Node.CHANCE else super()._reward_here()


@broken_state("rewards", "empty_cells", "utilities", "random_simulation", "nash_conv")
class NotANumber(MeanFieldState):
    def _reward_here(self):
        return np.nan if self.node == Node.SETTLEMENT else super()._reward_here()


@broken_state("returns", "random_simulation")
class Forgetful(MeanFieldState):
    def returns(self):
        return self.rewards()


class HiddenAction(MeanFieldState):
    """A state that remembers its last action and does not show it."""

    def __init__(self, game, population):
        super().__init__(game, population)
        self.hidden = 0

    def _apply_action(self, action):
        chooses = self.node == Node.DECISION
        super()._apply_action(action)
        if chooses:
            self.hidden = action


@broken_state("rewards_by_string")
class PaysLater(HiddenAction):
    def _reward_here(self):
        late = -0.01 * self.hidden if self.node == Node.DECISION else 0.0
        return late + super()._reward_here()


@broken_state("dynamics_by_string")
class Tires(HiddenAction):
    def _legal_actions(self, player):
        legal = super()._legal_actions(player)
        return legal[:1] if self.hidden == 2 else legal


class NoFloor(Bar):
    """A bar whose reward takes the log of an empty place."""

    def reward(self, xp, t, mu, z):
        with np.errstate(divide="ignore"):
            return -xp.log(mu)[..., None] * np.ones(3)


@broken_game("empty_cells", dynamics=NoFloor)
class Logarithm(MeanFieldGame):
    pass


@broken_game("utilities")
class Modest(MeanFieldGame):
    def max_utility(self):
        return 1.0


@broken_game("utilities")
class Boundless(MeanFieldGame):
    def max_utility(self):
        return np.inf


# --- observations ---


class BrokenObserver(MeanFieldObserver):
    """Lets the game break what the observer has written."""

    def __init__(self, game):
        super().__init__(game.dynamics)
        self._game = game

    def set_from(self, state, player):
        super().set_from(state, player)
        self._game.damage(self, state)


class ObservedGame(BrokenGame):
    """A game whose method `damage(observer, state)` breaks observations."""

    def make_py_observer(self, iig_obs_type=None, params=None):
        return BrokenObserver(self)


@broken_game("observation_size", "random_simulation")
class SeesInfinity(ObservedGame):
    def damage(self, observer, state):
        observer.tensor[0] = np.inf


@broken_game("observation_distinct")
class SeesNoTime(ObservedGame):
    def damage(self, observer, state):
        observer.dict["t"].fill(0.0)


@broken_game("observation_by_string")
class SeesHidden(ObservedGame):
    state_class = HiddenAction

    def damage(self, observer, state):
        observer.dict["t"] += 0.1 * state.hidden


# --- copies ---


def _amnesiac(state):
    """A copy without the distribution."""
    twin = type(state)(state._game, state.population)
    twin.__dict__.update(state.__dict__)
    twin.set_mean_field(state._game.dynamics.initial_distribution)
    return twin


def _read_badly(text):
    _, state = pyspiel.deserialize_game_and_state(text)
    return _amnesiac(state)


@broken_state("clone")
class ClonesBadly(MeanFieldState):
    def clone(self):
        return _amnesiac(super().clone())


@broken_state("deepcopy")
class CopiesBadly(MeanFieldState):
    def __deepcopy__(self, memo):
        return _amnesiac(self.clone())


@broken_state("pickled")
class PicklesBadly(MeanFieldState):
    def __reduce_ex__(self, protocol):
        return (_read_badly, (self.__getstate__(),))

    def __deepcopy__(self, memo):
        return self.clone()


@broken_game("serialized", "deepcopy", "pickled")
class ReadsBadly(MeanFieldGame):
    def deserialize_state(self, text):
        return _amnesiac(super().deserialize_state(text))


@broken_game("game_copies", "deepcopy", "pickled", "serialized")
class Unpicklable(MeanFieldGame):
    def __reduce__(self):
        return (pyspiel.load_game, (self.game_type.short_name, {"horizon": 1}))


class Named(Bar):
    """A beach bar with a title that str(game) cannot carry."""

    def __init__(self, title: str = "a, b=c", horizon: int = 2):
        super().__init__(horizon=horizon)


@broken_game("reload", "random_simulation", dynamics=Named)
class Commas(MeanFieldGame):
    pass
