"""Games whose steps depend on time, crowd and noise in every way that games may."""

import numpy as np

from mfg_games.dynamics import CommonNoise, Dynamics
from mfg_games.registration import register

_RNG = np.random.default_rng(5)
_STATES, _ACTIONS, _OUTCOMES = 3, 2, 2
_TIMES = 9
_SHAPES = {False: (_STATES, _ACTIONS, _OUTCOMES), True: (_STATES, _OUTCOMES)}
_TABLES = {
    factored: _RNG.integers(_STATES, size=(_TIMES, *shape), dtype=np.int32)
    for factored, shape in _SHAPES.items()
}
_LAWS = {
    factored: _RNG.dirichlet(np.ones(_OUTCOMES), (_TIMES, 2, *shape[:-1]))
    for factored, shape in _SHAPES.items()
}
_PAID = _RNG.normal(size=(_TIMES, 2, _STATES, _ACTIONS))
_MOVES = _RNG.integers(_STATES, size=(_STATES, _ACTIONS), dtype=np.int32)


@register("mfg_test_gate")
class Gate(Dynamics):
    """Gates that open and shut.

    Args:
      successors, law, paid: how the successors, their probabilities and the rewards
        are found: one of the methods below.
      noise: "coin" draws a coin at each step, "late" one after time 1 only.
      factored: the action chooses a move, noise follows.
      joint: functions depend on the joint law of states and actions.
      populations: how many there are.
      horizon: how many times there are.
    """

    def __init__(
        self,
        successors: str = "fixed",
        law: str = "fixed",
        paid: str = "fixed",
        noise: str = "",
        factored: bool = False,
        joint: bool = False,
        populations: int = 1,
        horizon: int = 3,
    ):
        self.horizon, self.num_actions, self.state_shape = horizon, _ACTIONS, (_STATES,)
        self.num_populations, self.joint_law = populations, joint
        self.initial_distribution = np.array([[0.7, 0.3, 0.0], [0.1, 0.2, 0.7]])
        self.initial_distribution = self.initial_distribution[:populations]
        self.reward_range = (-10.0, 10.0)
        self.discount = 0.9
        self.moves = _MOVES if factored else None
        self.common_noise = _coins(noise, horizon)
        self._tables, self._laws = _TABLES[factored], _LAWS[factored][:, :populations]
        self._ways = successors, law, paid

    def transition(self, xp, t, mu, z):
        successors, law, _ = self._ways
        crowd = xp.sum(mu[0, 0])
        return (
            getattr(self, f"_{successors}")(xp, self._tables, t, crowd, z),
            getattr(self, f"_{law}")(xp, self._laws, t, crowd, z),
        )

    def reward(self, xp, t, mu, z):
        paid = _PAID[:, : self.num_populations]
        own = getattr(self, f"_{self._ways[2]}")(xp, paid, t, xp.sum(mu[0, 0]), z)
        return own - (mu if self.joint_law else mu[..., None])

    def terminal_reward(self, xp, mu, z):
        if z is not None and self._ways[2] == "if_noise" and z > 0:
            return -mu
        return mu**2

    # Each of the following chooses from tables [T, ...].

    def _fixed(self, xp, tables, t, crowd, z):
        return tables[0]

    def _copy(self, xp, tables, t, crowd, z):
        return tables[0].copy()

    def _tensor(self, xp, tables, t, crowd, z):
        return xp.asarray(tables[0])

    def _if_time(self, xp, tables, t, crowd, z):
        return tables[0] if t < 2 else tables[1]

    def _equal_time(self, xp, tables, t, crowd, z):
        return tables[1] if t == 2 else tables[0]

    def _in_time(self, xp, tables, t, crowd, z):
        return tables[1] if t in (1, 2) else tables[0]

    def _indexed(self, xp, tables, t, crowd, z):
        return tables[t]

    def _listed(self, xp, tables, t, crowd, z):
        return list(tables)[t]

    def _taken(self, xp, tables, t, crowd, z):
        return xp.take(tables, t, axis=0)

    def _where(self, xp, tables, t, crowd, z):
        return xp.where(t < 2, tables[0], tables[1])

    def _if_noise(self, xp, tables, t, crowd, z):
        return tables[0] if z > 0 else tables[1]

    def _both(self, xp, tables, t, crowd, z):
        return tables[t] if z > 0 else tables[(t + 1) % _TIMES]

    def _crowded(self, xp, tables, t, crowd, z):
        return xp.where(crowd > 0.2, tables[0], tables[1])

    def _all(self, xp, tables, t, crowd, z):
        later = tables[t] if z > 0 else tables[(t + 1) % _TIMES]
        return xp.where(crowd > 0.2, tables[0], later)

    def _decaying(self, xp, tables, t, crowd, z):
        share = 0.9**t * crowd
        return share * tables[0] + (1 - share) * tables[1]

    def _late(self, xp, tables, t, crowd, z):
        return tables[0] if t < 2 else xp.where(crowd > 0.2, tables[1], tables[2])

    # And these are mistakes.

    def _if_crowd(self, xp, tables, t, crowd, z):
        return tables[0] if crowd > 0.2 else tables[1]

    def _numpy(self, xp, tables, t, crowd, z):
        return np.where(crowd > 0.2, tables[0], tables[1])

    def _before(self, xp, tables, t, crowd, z):
        return xp.take(tables, t - 1, axis=0)

    def _by_type(self, xp, tables, t, crowd, z):
        return tables[0] if isinstance(t, int) else tables[1]

    def _widening(self, xp, tables, t, crowd, z):
        return tables[0] if t < 2 else np.concatenate([tables[0], tables[0]], -1)


def _coins(noise: str, horizon: int) -> CommonNoise | None:
    if not noise:
        return None
    laws = horizon * [[0.4, 0.6]] if noise == "coin" else horizon * [[1.0]]
    laws[1] = [0.4, 0.6]
    return CommonNoise.unroll(laws, 0.0, lambda t, z, outcome: float(outcome))


@register("mfg_test_turnstile")
class Turnstile(Dynamics):
    """Two places and a turnstile between them, with a coin thrown at each step.

    Args:
      late: players can pass from time 1 on; else at time 0 only.
    """

    def __init__(self, late: bool = False):
        self.horizon, self.num_actions, self.state_shape = 3, 2, (2,)
        self.initial_distribution = np.array([[1.0, 0.0]])
        self.reward_range = (-1.0, 2.0)
        self._open = np.array([[[0], [1]], [[1], [0]]], np.int32)
        self._shut = np.array([[[0], [0]], [[1], [1]]] if late else 2 * [2 * [[0]]])
        self._late = late
        self.common_noise = _coins("coin", self.horizon)

    def transition(self, xp, t, mu, z):
        return (self._open if (t < 1) != self._late else self._shut), np.ones(1)

    def reward(self, xp, t, mu, z):
        return (np.array([0.0, 1.0]) - 0.1 * mu)[..., None]
