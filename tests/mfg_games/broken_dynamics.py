"""Games whose functions are broken, each in one thing, and the checks that notice."""

from __future__ import annotations

from breaking import BROKEN, Pair
import numpy as np

from mfg_games.dynamics import CommonNoise, Dynamics
from mfg_games.registration import register


def broken(*checks: str):
    """Registers a dynamics as `broken_` and its name, caught by `checks`."""

    def decorate(dynamics):
        name = f"broken_{dynamics.__name__.lower()}"
        BROKEN[name] = checks
        return register(name)(dynamics)

    return decorate


class Rooms(Dynamics):
    """Two rooms; moving fails with a probability of a quarter."""

    def __init__(self, horizon: int = 3):
        self.horizon, self.num_actions, self.state_shape = horizon, 2, (2,)
        self.initial_distribution = np.array([[0.8, 0.2]])
        self.reward_range = (-1.0, 0.0)
        self._successors = np.array([[[0, 0], [1, 0]], [[1, 1], [0, 1]]], np.int32)
        self._costs = np.array([0.25, 0.5])

    def transition(self, xp, t, mu, z):
        return self._successors, np.array([0.75, 0.25])

    def reward(self, xp, t, mu, z):
        return -mu[..., None]


# --- annotations ---


@broken("annotations")
class SaysInt(Rooms):
    """Two rooms."""

    def __init__(self, horizon: int = 3, failure: int = 0.25):
        super().__init__(horizon)


@broken("annotations")
class LooksFloat(Rooms):
    """Two rooms."""

    def __init__(self, horizon: int = 3, failure: float = 1):
        super().__init__(horizon)


# --- shapes ---


@broken("function_shapes")
class TerminalRow(Rooms):
    """Two rooms."""

    def terminal_reward(self, xp, mu, z):
        return 0.0 * mu[0]


@broken("function_shapes")
class ChargesLater(Rooms):
    """Two rooms."""

    def reward(self, xp, t, mu, z):
        return -mu[..., None] if t == 0 else -mu[..., None] * np.ones(2)


@broken("function_shapes")
class MoreOutcomes(Rooms):
    """Two rooms."""

    def transition(self, xp, t, mu, z):
        successors = self._successors[..., [0, 1, 1]] if t > 1 else self._successors
        return successors, np.full(successors.shape[-1], 1 / successors.shape[-1])


@broken("function_shapes")
class LawByAction(Rooms):
    """Two rooms."""

    def transition(self, xp, t, mu, z):
        law = np.array([[0.75, 0.25]] * 3)
        return self._successors, law[0] if t == 0 else law


@broken("function_shapes")
class FailsAlone(Rooms):
    """Two rooms."""

    def reward(self, xp, t, mu, z):
        if xp is np and mu.max() == 1.0:
            raise ZeroDivisionError("nobody is in the other room")
        return -mu[..., None]


# --- types ---


@broken("array_types")
class IntegerMask(Rooms):
    """Two rooms."""

    def __init__(self, horizon: int = 3):
        super().__init__(horizon)
        self.legal_actions = np.array([[1, 1], [1, 0]])


@broken("array_types")
class FloatMoves(Rooms):
    """Two rooms."""

    def __init__(self, horizon: int = 3):
        super().__init__(horizon)
        self.moves = np.array([[0.0, 1.0], [1.0, 0.0]])
        self._successors = np.array([[0, 1], [1, 0]])


@broken("array_types")
class FloatSuccessors(Rooms):
    """Two rooms."""

    def transition(self, xp, t, mu, z):
        return self._successors.astype(float), np.array([0.75, 0.25])


# --- laws ---


@broken("transition_laws")
class Leaks(Rooms):
    """Loses a tenth of the players where most have left the first room."""

    def transition(self, xp, t, mu, z):
        most = 0.9 - 0.2 * (0.8 - xp.minimum(mu[0, 0], 0.8))
        return self._successors, xp.stack([most, 0.1 + 0.0 * most])


@broken("transition_laws")
class LeaksInACorner(Rooms):
    """Loses everybody where all are in the second room."""

    def transition(self, xp, t, mu, z):
        kept = xp.where(mu[0, 1] == 1.0, 0.0, 1.0)
        return self._successors, kept * xp.asarray([0.75, 0.25])


@broken("transition_laws")
class LeaksOfOnePopulation(Pair):
    """Loses the second population where all of it are in its second room."""

    def transition(self, xp, t, mu, z):
        kept = xp.where(mu[1, 1] == 1.0, 0.0, 1.0)
        return self._successors, kept * xp.ones((1, 1, 1, 1))


@broken()
class Even(Rooms):
    """Two rooms, with one number for both outcomes, which is right."""

    def transition(self, xp, t, mu, z):
        return self._successors, np.array([0.5])


@broken("transition_laws")
class LeaksDoubled(Rooms):
    """Two rooms, into which each player goes twice from time 1 on."""

    def transition(self, xp, t, mu, z):
        return self._successors, xp.where(t > 0, 1.0, 0.5) * xp.ones(1)


@broken("transition_laws")
class BelowZero(Rooms):
    """Two rooms."""

    def transition(self, xp, t, mu, z):
        moved = 1.1 - 0.5 * mu[0, 0]
        return self._successors, xp.stack([moved, 1.0 - moved])


@broken("transition_laws")
class OutOfTheHouse(Rooms):
    """Two rooms."""

    def transition(self, xp, t, mu, z):
        return self._successors + (0 if t == 0 else 1), np.array([0.75, 0.25])


# --- ranges ---


@broken("reward_range")
class TooGenerous(Rooms):
    """The bounds of sums hold, those of single rewards do not."""

    def reward(self, xp, t, mu, z):
        return xp.where(t == 1, 2.0, -1.0) - mu[..., None]

    def __init__(self, horizon: int = 3):
        super().__init__(horizon)
        self.reward_range = (-2.0, 0.5)


@broken("reward_range")
class PaysAtTheEnd(Rooms):
    """Two rooms."""

    def terminal_reward(self, xp, mu, z):
        return 0.5 * mu


@broken("reward_range", "utilities")
class Unbounded(Rooms):
    """Two rooms."""

    def __init__(self, horizon: int = 3):
        super().__init__(horizon)
        self.reward_range = (-np.inf, 0.0)


# --- precision ---


@broken("single_precision")
class RoundsCosts(Rooms):
    """Two rooms."""

    def reward(self, xp, t, mu, z):
        return -mu[..., None] * np.float32(0.1)


@broken("single_precision")
class RoundsCrowds(Rooms):
    """Two rooms."""

    def reward(self, xp, t, mu, z):
        return -1.0 * xp.asarray(mu, xp.float32)[..., None]


@broken("single_precision")
class RoundsLaws(Rooms):
    """Two rooms."""

    def transition(self, xp, t, mu, z):
        return self._successors, np.array([0.75, 0.25], np.float32)


@broken("single_precision")
class RoundsTables(Rooms):
    """Two rooms."""

    def __init__(self, horizon: int = 3):
        super().__init__(horizon)
        self._costs = [np.array([0.1, 0.2], np.float32)]

    def reward(self, xp, t, mu, z):
        return -mu[..., None] * self._costs[0].astype(np.float64)


# --- tensors: each with what the report must say ---

SAID: dict[str, str] = {}


def no_tensors(words: str):
    """Registers a dynamics that takes no tensors, and what the report must say."""

    def decorate(dynamics):
        SAID[f"broken_{dynamics.__name__.lower()}"] = words
        return broken("tensors")(dynamics)

    return decorate


@no_tensors("use xp, not np, for functions of mu in transition (line")
class NumpyInTransition(Rooms):
    """Two rooms."""

    def transition(self, xp, t, mu, z):
        moves = np.exp(-mu[0, 0])
        return self._successors, xp.stack([moves, 1.0 - moves])


@no_tensors("use xp, not np, for functions of mu in reward (line")
class NumpyInReward(Rooms):
    """Two rooms."""

    def reward(self, xp, t, mu, z):
        return -np.maximum(mu, 0.1)[..., None]


@no_tensors("use xp, not np, for functions of mu in terminal_reward (line")
class NumpyAtTheEnd(Rooms):
    """Two rooms."""

    def terminal_reward(self, xp, mu, z):
        return 0.0 * np.abs(mu)


@no_tensors("use xp, not np, for functions of t in reward (line")
class NumpyOfTime(Rooms):
    """Two rooms."""

    def reward(self, xp, t, mu, z):
        return -(np.sin(t) ** 2) * mu[..., None]


@no_tensors("use xp.where, not if, max or min, for conditions on mu in reward (line")
class IfCrowded(Rooms):
    """Two rooms."""

    def reward(self, xp, t, mu, z):
        cost = 1.0 if mu[0, 0] > 0.5 else 0.5
        return -cost * mu[..., None]


@no_tensors("use xp.where, not if, max or min, for conditions on t in transition (line")
class IfTime(Rooms):
    """Two rooms."""

    def transition(self, xp, t, mu, z):
        law = [0.75, 0.25] if t < 1 else [0.5, 0.5]
        return self._successors, np.array(law)


@no_tensors("use xp.where, not if, max or min, for conditions on z in reward (line")
class IfNoise(Rooms):
    """Two rooms."""

    def __init__(self, horizon: int = 3):
        super().__init__(horizon)
        self.common_noise = CommonNoise.unroll(
            horizon * [[0.5, 0.5]], 0.0, lambda t, z, outcome: float(outcome)
        )

    def reward(self, xp, t, mu, z):
        return -mu[..., None] if z > 0 else -0.5 * mu[..., None]


@no_tensors(
    "xp.take, not table[...], for tables indexed by functions of t in reward (line"
)
class TableOfTimes(Rooms):
    """Two rooms."""

    def reward(self, xp, t, mu, z):
        costs = np.array([0.25, 0.5, 1.0])
        return -costs[t] * mu[..., None]


@no_tensors(
    "xp.take, not table[...], for tables indexed by functions of t in reward (line"
)
class ListOfTimes(Rooms):
    """Two rooms."""

    def reward(self, xp, t, mu, z):
        return -[0.25, 0.5, 1.0][t] * mu[..., None]


@no_tensors("use functions of whole arrays, not loops over mu in reward (line")
class LargestCrowd(Rooms):
    """Two rooms."""

    def reward(self, xp, t, mu, z):
        return -max(mu[0]) * xp.ones((1, 2, 1))


@no_tensors("use xp, not Python's float, int and range, for functions of mu in reward")
class FloatOfCrowd(Rooms):
    """Two rooms."""

    def reward(self, xp, t, mu, z):
        return -float(mu[0, 0]) * np.ones((1, 2, 1))


@no_tensors(
    "use xp.sum(...), not the method .sum(), for functions of mu in reward (line"
)
class MethodOfCrowd(Rooms):
    """Two rooms."""

    def reward(self, xp, t, mu, z):
        return -mu.sum(axis=0, keepdims=True)[..., None]


@no_tensors("xp has no interp in solvers: use what tensorflow.experimental.numpy")
class OnlyInNumpy(Rooms):
    """Two rooms."""

    def reward(self, xp, t, mu, z):
        return -xp.interp(mu, [0.0, 1.0], [0.0, 1.0])[..., None]


@no_tensors("dtype=xp.float64) before integers meet floats in reward (line")
class ScaledByTime(Rooms):
    """Two rooms."""

    def reward(self, xp, t, mu, z):
        return -mu[..., None] * 0.9**t


# --- numbers ---


@broken("solver_steps")
class AsksForTypes(Rooms):
    """Two rooms."""

    def reward(self, xp, t, mu, z):
        return -(0.5 if isinstance(t, int) else 1.0) * mu[..., None]


@broken("solver_steps")
class Remembers(Rooms):
    """Two rooms."""

    def __init__(self, horizon: int = 3):
        super().__init__(horizon)
        self._last = {}

    def transition(self, xp, t, mu, z):
        if isinstance(t, int):
            self._last["t"] = t
        moves = 0.75 - 0.25 * (self._last["t"] % 2)
        return self._successors, np.array([moves, 1 - moves])


@broken("solver_steps")
class OtherEnd(Rooms):
    """Two rooms."""

    def terminal_reward(self, xp, mu, z):
        return 0.0 * mu if xp is np else -mu
