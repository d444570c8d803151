"""Small games for the tests of the solvers, registered under names of their own."""

import numpy as np

from mfg_games import parameters
from mfg_games.dynamics import CommonNoise, Dynamics
from mfg_games.registration import register


@register("mfg_test_random")
class RandomGame(Dynamics):
    """Random game in which each mechanism of a `Dynamics` can be switched on.

    Rewards, transitions and initial distributions are drawn at random, so that no two
    actions tie.

    Args:
      seed: of all that is drawn.
      states, actions, outcomes, horizon, populations: sizes.
      factored: the action chooses a move, noise that it cannot change follows.
      leaning: transition probabilities depend on mu, z, t and the population.
      moving: successors depend on mu and z.
      hub: most edges lead to state 0.
      common_noise: two outcomes are drawn after t = 0, none for two steps, then three.
      restricted: some actions are illegal.
      action_rewards: rewards depend on the action.
      terminal: there is a terminal reward.
      discount: the discount.
    """

    def __init__(
        self,
        seed: int = 0,
        states: int = 5,
        actions: int = 3,
        outcomes: int = 2,
        horizon: int = 4,
        populations: int = 1,
        factored: bool = False,
        leaning: bool = False,
        moving: bool = False,
        hub: bool = False,
        common_noise: bool = False,
        restricted: bool = False,
        action_rewards: bool = True,
        terminal: bool = False,
        discount: float = 1.0,
    ):
        parameters.at_least("states", states, 2)
        parameters.require(0 < horizon <= 4, "horizon", horizon, "in 1..4")
        rng = np.random.default_rng(seed)
        self.horizon = horizon
        self.num_actions = actions
        self.num_populations = populations
        self.state_shape = (states,)
        self.discount = discount
        self.reward_range = (-100.0, 100.0)
        self.initial_distribution = rng.dirichlet(np.ones(states), populations)
        self.initial_distribution[:, -1] = 0.0  # nobody starts in the last state
        self.initial_distribution /= self.initial_distribution.sum(1, keepdims=True)
        if factored:
            self.moves = rng.integers(states, size=(states, actions), dtype=np.int32)
        sources = (states,) if factored else (states, actions)
        self._successors = rng.integers(
            states, size=(*sources, outcomes), dtype=np.int32
        )
        if hub:
            self._successors[rng.random(self._successors.shape) < 0.6] = 0
        if restricted:
            self.legal_actions = rng.random((states, actions)) < 0.6
            self.legal_actions[
                np.arange(states), rng.integers(actions, size=states)
            ] = True
        if common_noise:
            self.common_noise = _tree(rng, horizon)
        self._leaning, self._moving, self._terminal = leaning, moving, terminal
        # The law of the noise is the same in all states unless it leans.
        self._law = rng.dirichlet(np.ones(outcomes))
        self._laws = rng.dirichlet(np.ones(outcomes), (2, populations, *sources))
        self._reward = rng.normal(
            size=(populations, states, actions if action_rewards else 1)
        )
        self._terminal_reward = rng.normal(size=(populations, states))
        self._season = rng.normal(size=horizon)
        self._aversion = rng.random((populations, populations))

    def transition(self, xp, t, mu, z):
        shock = 0.5 if z is None else z[1]
        successors, probabilities = self._successors, self._law
        if self._moving:
            shift = xp.floor(7 * mu[0, 0] + 3 * shock)
            successors = (successors + xp.array(shift, np.int32)) % self.num_states
        if self._leaning:
            lean = 1 / (1 + xp.exp(4 * mu[0, 0] - shock + xp.take(self._season, t)))
            probabilities = lean * self._laws[0] + (1 - lean) * self._laws[1]
        return successors, probabilities

    def reward(self, xp, t, mu, z):
        weather = 1.0 if z is None else z[0]
        crowd = xp.log(xp.matmul(self._aversion, mu) + 1e-3)
        return (
            weather * self._reward
            + xp.take(self._season, t) * mu[..., None]
            - crowd[..., None]
        )

    def terminal_reward(self, xp, mu, z):
        if not self._terminal:
            return super().terminal_reward(xp, mu, z)
        return (1.0 if z is None else z[1]) * self._terminal_reward - mu**2


@register("mfg_test_joint")
class JointGame(RandomGame):
    """The random game with an interaction through what the players do.

    Where the random game looks at how many players are in a state, this one weighs them
    by what they do there; and an action pays the less the more players of the last
    population choose it in the same state.
    """

    joint_law = True

    def transition(self, xp, t, mu, z):
        return super().transition(xp, t, self._weighed(xp, mu), z)

    def reward(self, xp, t, mu, z):
        return super().reward(xp, t, self._weighed(xp, mu), z) - mu[-1:]

    def _weighed(self, xp, mu):
        """[N, S, A] to [N, S]; an action weighs between 1 / A and 1."""
        return xp.sum(mu * np.arange(1, self.num_actions + 1) / self.num_actions, -1)


def _tree(rng: np.random.Generator, horizon: int) -> CommonNoise:
    laws = [[0.3, 0.7], [1.0], [1.0], [0.2, 0.5, 0.3]][:horizon]

    def advance(t: int, z: np.ndarray, outcome: int) -> np.ndarray:
        return 0.5 * z + rng.normal(size=2)

    return CommonNoise.unroll(laws, np.array([1.0, -0.5]), advance)


# Every mechanism, alone or with all others, on both kinds of transition.
_ALL = (
    "populations=2,common_noise=true,leaning=true,moving=true,restricted=true,"
    "terminal=true,discount=0.8"
)
RANDOM_GAMES = (
    "mfg_test_random(seed=1,action_rewards=false)",
    f"mfg_test_random(seed=2,states=4,{_ALL})",
    f"mfg_test_random(seed=3,states=4,factored=true,{_ALL})",
    "mfg_test_random(seed=4,states=12,hub=true,populations=2,restricted=true)",
    "mfg_test_random(seed=5,states=12,hub=true,factored=true,leaning=true)",
    "mfg_test_random(seed=6,horizon=1,common_noise=true,terminal=true)",
    f"mfg_test_joint(seed=7,states=4,{_ALL})",
    "mfg_test_joint(seed=8,factored=true,leaning=true,action_rewards=false)",
)


@register("mfg_test_two_roads")
class TwoRoads(Dynamics):
    """Two roads: everybody chooses one at t = 0 and is paid on it at t = 1.

    The reward on road x that the share p_x has taken is bonus_x - p_x, where road 0
    has the bonus 1/2 and road 1 none. In equilibrium p_0 = 3/4.

    Args:
      offset: added to the rewards and taken off again; 1e8 leaves nothing of them in
        single precision.
      limit: the reward is no number on a road taken by a larger share.
    """

    BONUS = np.array([[0.5, 0.0]])

    def __init__(self, offset: float = 0.0, limit: float = 2.0):
        self.horizon = 2
        self.num_actions = 2
        self.state_shape = (2,)
        self.initial_distribution = np.array([[1.0, 0.0]])
        self.reward_range = (-1.0, 0.5)
        self._offset, self._limit = offset, limit
        self._successors = np.array([[[0], [1]], [[0], [1]]], np.int32)

    def transition(self, xp, t, mu, z):
        return self._successors, np.ones(1)

    def reward(self, xp, t, mu, z):
        paid = (self._offset + (self.BONUS - mu)) - self._offset
        paid = xp.take(np.array([0.0, 1.0]), t) * paid
        full = mu > self._limit + xp.take(np.array([1.0, 0.0]), t)
        return xp.where(full, np.nan, paid)[..., None]


def share_exploitability(share: float) -> float:
    """Exploitability of the two roads when this share takes road 0."""
    rewards = (0.5 - share, share - 1)
    return max(rewards) - (share * rewards[0] + (1 - share) * rewards[1])
