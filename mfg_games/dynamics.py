"""A mean field game as arrays and pure functions, with nothing of OpenSpiel in it.

A contributor writes one `Dynamics`. From it come the OpenSpiel game object
(`openspiel_game.py`) and the arrays that the solvers sweep.

Shapes are written with N populations, T decision times (the horizon), S states,
A actions, K outcomes of the individual noise and H_t histories of the common
noise at time t.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
import functools
import inspect
import math
import reprlib
import types
import weakref

import numpy as np

from mfg_games import sizes
from mfg_games.immutable import Immutable
from mfg_games.initial_laws import initial_laws, require_size

# The parameter of every game that names the family of its initial laws.
FAMILY = "initial_laws"

# Inside every log of a density, as in the papers' released code: an empty cell
# is rewarded by -log(1e-25) = 57.6 at most, and stays finite.
LOG_FLOOR = 1e-25


class CommonNoise(Immutable):
    """Noise that hits all players alike: a tree of histories.

    A history at time t is the sequence of outcomes drawn so far. Histories at time
    t + 1 are numbered `parent * B + outcome`, with B outcomes drawn between t and
    t + 1, so the tree needs no tables of its own. A game with several initial laws has
    as many trees, side by side: which one a history is in is drawn before time 0.

    Attributes:
      num_roots: how many trees there are; they are alike.
      outcome_probabilities: T arrays, [B_t]: the law of what is drawn between t and
        t + 1; `[1.0]` where nothing is drawn.
      values: T + 1 arrays, [H_t, ...]: what a game sees of each history (its `z`); None
        if it sees nothing.
      history_probabilities: T + 1 arrays, [H_t], each summing to one.
    """

    _instead = "Make another one."

    def __init__(
        self,
        outcome_probabilities: Sequence,
        values: Sequence | None,
        num_roots: int = 1,
    ):
        self.outcome_probabilities = tuple(
            np.array(p, np.float64) for p in outcome_probabilities
        )
        self.values = None if values is None else tuple(map(np.array, values))
        self.num_roots = num_roots
        laws = [np.full(num_roots, 1 / num_roots)]
        for p in self.outcome_probabilities:
            if p.ndim != 1 or np.any(p <= 0) or not math.isclose(p.sum(), 1.0):
                raise ValueError(
                    "The outcomes of common noise need positive probabilities that "
                    f"sum to one. Received: {p.tolist()}"
                )
            laws.append(np.outer(laws[-1], p).ravel())
        self.history_probabilities = tuple(laws)
        expected = [len(p) for p in self.history_probabilities]
        found = expected if values is None else [len(v) for v in self.values]
        if expected != found:
            raise ValueError(
                f"`values` must have {expected} histories per time. Received: {found}"
            )
        self.freeze()

    @classmethod
    def unroll(
        cls, outcome_probabilities: Sequence, initial: object, advance: Callable
    ) -> CommonNoise:
        """Builds the values of all histories from their one-step law.

        Args:
          outcome_probabilities: T sequences of probabilities, `[1.0]` for none.
          initial: the value z at time 0.
          advance: `advance(t, z, outcome)` gives the value at time t + 1.
        """
        values = [[initial]]
        for t, probabilities in enumerate(outcome_probabilities):
            values.append(
                [
                    advance(t, z, outcome)
                    for z in values[-1]
                    for outcome in range(len(probabilities))
                ]
            )
        return cls(outcome_probabilities, values)

    def repeated(self, num_roots: int) -> CommonNoise:
        """The same tree so many times, side by side."""
        values = self.values and [np.concatenate(num_roots * [v]) for v in self.values]
        return CommonNoise(self.outcome_probabilities, values, num_roots)

    def num_outcomes(self, t: int) -> int:
        """Number of common outcomes drawn between t and t + 1; 1 for none."""
        return len(self.outcome_probabilities[t])

    def outcomes(self, t: int, history: int) -> tuple[int, ...]:
        """The outcomes drawn on the way to a history, where more than one could be."""
        path = []
        for p in reversed(self.outcome_probabilities[:t]):
            history, outcome = divmod(history, len(p))
            if len(p) > 1:
                path.append(outcome)
        return tuple(reversed(path))

    def root(self, t: int, history: int) -> int:
        """The tree that a history at time t is in."""
        return history * self.num_roots // len(self.history_probabilities[t])


class Dynamics(Immutable, abc.ABC):
    """One mean field game.

    The constructor's signature is the game's parameter specification: every
    parameter has a default of type int, float, bool or str. It validates its
    parameters (`ValueError` with name, value and what is allowed) and sets the
    attributes below, which a registered game cannot change any more: arrays are then
    read-only. `transition` and `reward` are pure functions written against `xp`, which
    is `numpy` for the OpenSpiel game and `tensorflow.experimental.numpy` inside the
    compiled sweeps. They see one history of the common noise at a time.

    Attributes:
      horizon: T, the number of decision times 0..T-1.
      num_actions: A.
      state_shape: sizes of the factors of a state, e.g. (rows, columns).
      factor_names: one name per factor.
      state_names: names of the values of the only factor, where numbers from 0 would
        not say what they are; else None.
      coordinates: int [S, factors], the factors of each state; None for all
        combinations in row-major order.
      initial_distribution: float64 [N, S], each row summing to one.
      initial_laws: float64 [B, N, S], of which one is drawn for all players before
        time 0, alike probable; `initial_distribution`, which is their mean, alone
        unless `initial_laws.py` is asked for a family.
      reward_range: (lowest, highest) reward of one step.
      terminal_reward_range: the same for the terminal reward.
      num_populations: N.
      discount: a reward at time t counts discount**t.
      legal_actions: bool [S, A], or None when everything is legal.
      moves: int32 [S, A] where the action chooses a move x -> x' and noise that does
        not depend on the action follows (two cheap stages instead of one table), or
        None.
      common_noise: a `CommonNoise`, or None.
      joint_law: whether `transition` and `reward` depend on what the others do, not
        only on where they are: their `mu` is then the joint law of state and action,
        [N, S, A], and the reward's last axis is A.
      concave_potential: whether `potential` is concave; None where the game has none.
    """

    horizon: int
    num_actions: int
    state_shape: tuple[int, ...]
    initial_distribution: np.ndarray
    reward_range: tuple[float, float]
    terminal_reward_range: tuple[float, float] = (0.0, 0.0)
    factor_names: tuple[str, ...] = ("x",)
    state_names: tuple[str, ...] | None = None
    coordinates: np.ndarray | None = None
    num_populations: int = 1
    discount: float = 1.0
    legal_actions: np.ndarray | None = None
    moves: np.ndarray | None = None
    common_noise: CommonNoise | None = None
    joint_law: bool = False
    concave_potential: bool | None = None
    short_name: str = "unregistered game"  # set by register
    parameters: Mapping[str, object] | None = None  # set by make_dynamics
    _family: np.ndarray | None = None
    _instead = (
        "Games with equal parameters share their dynamics: load the game with other "
        f"parameters, and to start from another distribution, with `{FAMILY}` or a "
        "parameter of its own."
    )

    @abc.abstractmethod
    def transition(self, xp, t, mu, z):
        """Where the players go between t and t + 1.

        Args:
          xp: the array module.
          t: time, an int or an integer tensor.
          mu: float64 [N, S], the distribution at t; [N, S, A] with `joint_law`.
          z: the value of the common noise's history at t + 1; None without.

        Returns:
          (successors, probabilities). With `moves`: int [S, K] and float64
          broadcastable to [N, S, K], from the state after the move. Without: int
          [S, A, K] and float64 broadcastable to [N, S, A, K]. Both may depend on t,
          mu and z; K is the same at all times. What depends on mu is computed by `xp`;
          t and z may also be used as numbers (`if t < 1`, `table[t]`), but solvers
          then compile a step for each time and history, which takes long if these are
          many: `xp.take(table, t)` and `xp.where` do not, and pass the conformance kit.
        """

    @abc.abstractmethod
    def reward(self, xp, t, mu, z):
        """Reward of one step, float64 [N, S, A], or [N, S, 1] if no action matters.

        `mu` is that of `transition`, `z` the value of the common noise's history at t;
        None without.
        """

    def terminal_reward(self, xp, mu, z):
        """Reward at the horizon, float64 [N, S]; zero unless a game has one."""
        return xp.zeros_like(mu)

    def potential(self, t: int, law: np.ndarray, z) -> float:
        """A function of the joint law [N, S, A] at t whose gradient is the reward.

        For games whose transitions do not depend on mu, and without terminal reward:
        equilibria are stationary points of the sum of discount**t times it over time,
        maxima if it is concave. `z` is that of `reward`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no potential.")

    def action_name(self, action: int) -> str:
        """A short name of an action, unique among the actions."""
        return str(action)

    def __deepcopy__(self, memo) -> Dynamics:
        return self

    def __reduce__(self):
        if self.parameters is None:
            return super().__reduce__()
        return (make_dynamics, (type(self), dict(self.parameters)))

    @property
    def num_states(self) -> int:
        """S."""
        return self.initial_distribution.shape[-1]

    @property
    def initial_laws(self) -> np.ndarray:
        return self.initial_distribution[None] if self._family is None else self._family

    def start_from(self, laws: np.ndarray) -> None:
        """Replaces the initial distribution by a family of laws [B, N, S]."""
        self.initial_distribution = laws.mean(axis=0)
        if len(laws) > 1:
            tree = self.common_noise or CommonNoise([[1.0]] * self.horizon, None)
            self.common_noise = tree.repeated(len(laws))
            self._family = laws

    def num_histories(self, t: int) -> int:
        """H_t, the number of histories of the common noise at time t."""
        return len(self.history_probabilities(t))

    def num_common_outcomes(self, t: int) -> int:
        """Number of outcomes of the common noise between t and t + 1."""
        return self.common_noise.num_outcomes(t) if self.common_noise else 1

    def outcome_probabilities(self, t: int) -> np.ndarray:
        """The law of the common noise between t and t + 1, [B_t]."""
        noise = self.common_noise
        return np.ones(1) if noise is None else noise.outcome_probabilities[t]

    def next_history(self, t: int, history, outcome):
        """The history at t + 1 after an outcome; ints or arrays of them."""
        return history * self.num_common_outcomes(t) + outcome

    def drawn_history(self, t: int, history, rng: np.random.Generator):
        """Histories at t + 1 that follow those at t, each with an outcome of its own.

        Args:
          t: time.
          history: int, or an array of them.
          rng: random numbers; none are used where nothing is drawn.
        """
        law = self.outcome_probabilities(t)
        if len(law) == 1:
            return history
        outcome = rng.choice(len(law), np.shape(history) or None, p=law)
        return self.next_history(t, history, outcome)

    def given_histories(self, t: int, masses):
        """Masses [H_t, ...] as shares of the probabilities of their histories."""
        probabilities = self.history_probabilities(t)
        return masses / probabilities.reshape([-1] + [1] * (len(masses.shape) - 1))

    def noise_value(self, t: int, history: int):
        """The value z of a history at time t; None without common noise."""
        values = self.common_noise.values if self.common_noise else None
        return None if values is None else values[t][history]

    def history_probabilities(self, t: int) -> np.ndarray:
        """Probability of each history at time t, [H_t]."""
        if self.common_noise is None:
            return np.ones(1)
        return self.common_noise.history_probabilities[t]

    def state_coordinates(self) -> np.ndarray:
        """The factors of every state, int [S, factors]."""
        if self.coordinates is not None:
            return self.coordinates
        return np.indices(self.state_shape).reshape(len(self.state_shape), -1).T

    def legal_mask(self) -> np.ndarray:
        """Which actions are legal, bool [S, A]."""
        if self.legal_actions is not None:
            return self.legal_actions
        return np.ones((self.num_states, self.num_actions), bool)

    def uniform_law(self) -> np.ndarray:
        """The law at time 0 of players who play all legal actions alike."""
        if not self.joint_law:
            return self.initial_distribution
        legal = self.legal_mask()
        policy = legal / legal.sum(axis=1, keepdims=True)
        return self.initial_distribution[..., None] * policy

    def initial_rewards(self) -> np.ndarray:
        """Rewards at time 0 under the uniform policy, [N, S, A or 1]."""
        return np.asarray(
            self.reward(np, 0, self.uniform_law(), self.noise_value(0, 0))
        )

    def initial_transition(self) -> tuple[np.ndarray, np.ndarray]:
        """The first step under the uniform policy, as `transition` returns it."""
        return self.transition(np, 0, self.uniform_law(), self.noise_value(1, 0))

    @functools.cached_property
    def discounts(self) -> np.ndarray:
        """What rewards at each time, the horizon included, count: [T + 1]."""
        return self.discount ** np.arange(self.horizon + 1)

    @functools.cached_property
    def successor_shape(self) -> tuple[int, ...]:
        """Shape of the successors at all times: (S, A, K), with `moves` (S, K)."""
        return tuple(np.shape(self.initial_transition()[0]))

    @functools.cached_property
    def reward_shape(self) -> tuple[int, ...]:
        """Shape of the rewards at all times: (N, S, A) or (N, S, 1)."""
        return self.initial_rewards().shape

    def has_action_rewards(self) -> bool:
        """Whether rewards depend on the action."""
        return self.reward_shape[-1] > 1

    def check(self) -> None:
        """Checks the arrays that the constructor has set.

        Raises:
          ValueError: an array has the wrong shape or is no distribution.
        """
        n, s, a = self.num_populations, self.num_states, self.num_actions
        sizes.require(self.horizon, s, a, n)
        _expect_shape("initial_distribution", self.initial_distribution, (n, s))
        check_distribution("initial_distribution", self.initial_distribution)
        _expect_shape("initial_laws", self.initial_laws[0], (n, s))
        check_distribution("initial_laws", self.initial_laws)
        _expect_shape(
            "coordinates", self.state_coordinates(), (s, len(self.state_shape))
        )
        if len(self.factor_names) != len(self.state_shape):
            raise ValueError(
                f"`factor_names` must name the {len(self.state_shape)} factors of "
                f"`state_shape`. Received: {self.factor_names}"
            )
        names = self.state_names
        if names is not None and (len(names),) != self.state_shape:
            raise ValueError(
                f"`state_names` must name the values of the only factor of "
                f"{self.state_shape}. Received: {len(names)} names"
            )
        if self.legal_actions is not None:
            _expect_shape("legal_actions", self.legal_actions, (s, a))
            if not self.legal_actions.any(axis=1).all():
                x = int(np.argmin(self.legal_actions.any(axis=1)))
                raise ValueError(f"`legal_actions` allows no action in state {x}.")
        if self.moves is not None:
            _expect_shape("moves", self.moves, (s, a))
        self._check_first_step()

    @property
    def num_nodes(self) -> int:
        """Number of decision nodes: times and histories, populations, states."""
        moments = self.horizon
        if self.common_noise:
            moments = sum(map(self.num_histories, range(self.horizon)))
        return moments * self.num_populations * self.num_states

    def _check_first_step(self) -> None:
        n, s, a = self.num_populations, self.num_states, self.num_actions
        reward = self.initial_rewards()
        allowed = [(n, s, a)] if self.joint_law else [(n, s, a), (n, s, 1)]
        if reward.shape not in allowed:
            shapes = " or ".join(map(str, map(list, allowed)))
            raise ValueError(f"`reward` must return {shapes}. Received: {reward.shape}")
        successors, probabilities = self.initial_transition()
        sources = (s,) if self.moves is not None else (s, a)
        outcomes = successors.shape[-1]
        _expect_shape("successors", successors, (*sources, outcomes))
        if successors.min() < 0 or successors.max() >= s:
            raise ValueError(
                f"Successors must be states in 0..{s - 1}. Received: "
                f"{successors.min()}..{successors.max()}"
            )
        check_distribution(
            "transition probabilities",
            np.broadcast_to(probabilities, (n, *sources, outcomes)),
        )


# Games with equal parameters share one dynamics, which is immutable, while any lives.
_alive: weakref.WeakValueDictionary = weakref.WeakValueDictionary()


def make_dynamics(dynamics_class: type[Dynamics], parameters: dict) -> Dynamics:
    """The checked dynamics for these parameters, shared with equal living games.

    Args:
      dynamics_class: of the game.
      parameters: of its constructor, and `FAMILY`, a family of initial laws, if it is
        to start from others than its own.
    """
    key = (dynamics_class, tuple(sorted(parameters.items())))
    dynamics = _alive.get(key)
    if dynamics is None:
        try:
            dynamics = _made(dynamics_class, parameters)
        except sizes.TooLargeError as error:
            changed = _changed(dynamics_class, parameters)
            raise ValueError(
                f"`{dynamics_class.short_name}` does not fit into this machine with "
                f"{changed}: {error}"
            ) from None
        dynamics.parameters = types.MappingProxyType(dict(parameters))
        dynamics.freeze()
        _alive[key] = dynamics
    return dynamics


def _made(dynamics_class: type[Dynamics], parameters: dict) -> Dynamics:
    own = {name: value for name, value in parameters.items() if name != FAMILY}
    dynamics = dynamics_class(**own)
    dynamics.check()
    family = parameters.get(FAMILY)
    if family:
        own_law = dynamics.initial_distribution
        places = dynamics.state_coordinates(), dynamics.state_shape
        require_size(family, own_law.size, dynamics.horizon)
        dynamics.start_from(initial_laws(family, own_law, *places))
        dynamics.check()
    return dynamics


def _changed(dynamics_class: type[Dynamics], parameters: dict) -> str:
    """The parameters that are not the defaults, in a few words."""
    defaults = inspect.signature(dynamics_class).parameters
    return ", ".join(
        f"{name}={reprlib.repr(value)}"
        for name, value in parameters.items()
        if name not in defaults or defaults[name].default != value
    )


def check_distribution(name: str, array: np.ndarray) -> None:
    """Raises a ValueError unless the last axis holds probability distributions."""
    total = array.sum(axis=-1)
    if not np.isfinite(array).all() or array.min() < 0:
        raise ValueError(f"`{name}` must be finite and not negative.")
    if np.abs(total - 1).max() > 1e-9:
        worst = total.flat[np.argmax(np.abs(total - 1))]
        raise ValueError(f"`{name}` must sum to 1. Received a sum of {worst!r}.")


def _expect_shape(name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise ValueError(
            f"`{name}` must have the shape {shape}. Received: {array.shape}"
        )
