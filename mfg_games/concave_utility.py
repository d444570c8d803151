"""Concave utility reinforcement learning as a mean field game (Geist et al. 2021).

A crowd that maximises a concave utility F of its own occupancy is in equilibrium in the
game whose reward is the gradient of F, and the other way round: the game is potential,
F concave makes it monotone, and exploitability is the gap of Frank-Wolfe, which is at
least F* - F (Geist et al. 2021, sections 3 and 4).

The form is episodic, as in Moreno et al. 2024: the utility of a flow is
sum_t discount^t F(mu_t) over the decision times, not F of the discounted average.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mfg_games import grid, parameters
from mfg_games.dynamics import LOG_FLOOR, Dynamics
from mfg_games.registration import register
from mfg_games.utilities import Divergence, Goals, Penalty, Utility

TARGET_FLOOR = 1e-3  # of marginal matching, where the crowd should not be
CARELESSNESS = 0.1  # of the expert: how much of its policy is uniform
BOUND = 0.25  # share of the crowd that may be in the last quarter

ENTROPY, MATCHING, IMITATION, GOALS, CONSTRAINED = UTILITIES = (
    "entropy",
    "marginal_matching",
    "imitation",
    "multi_objective",
    "constrained",
)


@register("mfg_concave_utility")
class ConcaveUtility(Dynamics):
    """Concave utility of the occupancy of a grid world.

    States are the free cells of a map, and everybody starts in the upper left one.
    Actions are the five moves of `grid.MOVES`; who is blocked stays put. After the
    move, each direction has the probability noise / 4. The reward is the gradient of F,

        entropy:            F = -sum mu log mu,   r = -log mu(x) - 1;
        marginal_matching:  F = -KL(mu, target),  r = log target(x) - log mu(x) - 1;
        imitation:          F = -KL(L_t, E_t),    r = log E_t(x, a) - log L_t(x, a) - 1;
        multi_objective:    F = -sum_c (1 - mu(c))^2,  r = 2 (1 - mu(c)) at c, else 0;
        constrained:        F = <mu, b> - weight / 2 v^2,  r = b(x) - weight v q(x),
                            v = max(0, <mu, q> - 1/4),

    all but the last one times `weight`, where

    - the target is uniform on the cells two king's moves away from the nearest wall or
      edge (in four rooms the 8-cell ring inside each room), 0.001 elsewhere, and
      normalised;
    - L_t is the joint law of state and action, and E_t that of an expert, who walks on
      the shortest ways to the cell farthest from the start and stays there, but for a
      tenth of the time plays uniformly. The equilibrium is the expert's policy, F = 0;
    - c are the free cells nearest to the three other corners of the map;
    - b falls from 1 in the cell farthest from the start to 0 in the cell farthest from
      that one, linearly in the number of steps, and q is 1 in the quarter of the map
      beyond its middle row and its middle column: no more than a fourth of the crowd
      should be there.

    Sizes of the paper's map, noise and horizon are open; Moreno et al. have this map,
    horizons 40 and 100 and noise up to 0.8.

    Args:
      layout: as in `mfg_exploration`.
      horizon: number of decision times.
      discount: utility at time t counts discount**t.
      noise: probability of being moved after the move.
      utility: one of the names above.
      weight: factor of F; of its penalty if constrained.
    """

    factor_names = ("row", "column")
    concave_potential = True

    def __init__(
        self,
        layout: str = "four_rooms_open",
        horizon: int = 100,
        discount: float = 1.0,
        noise: float = 0.0,
        utility: str = ENTROPY,
        weight: float = 1.0,
    ):
        parameters.at_least("horizon", horizon, 1)
        parameters.require(
            0.0 < discount <= 1.0, "discount", discount, "above 0 and at most 1"
        )
        parameters.probability("noise", noise)
        parameters.one_of("utility", utility, UTILITIES)
        parameters.at_least("weight", weight, 0.0)
        self._world = world = grid.from_layout(layout)
        self.horizon = horizon
        self.discount = discount
        self.num_actions = len(grid.MOVES)
        self.state_shape = world.shape
        self.coordinates = world.coordinates
        self.initial_distribution = world.start_distribution("start", "")[None]
        self.joint_law = utility == IMITATION
        self.moves = world.successors
        # Noise moves as the actions do.
        law = grid.direction_noise(noise)
        self._successors, self._noise = grid.drawn_outcomes(world.successors, law)
        self._utility = self._make_utility(layout, utility, weight)
        self.reward_range = self._utility.gradient_range

    def _make_utility(self, layout: str, utility: str, weight: float) -> Utility:
        world = self._world
        if utility == ENTROPY:
            return Divergence(weight, np.zeros((1, 1, world.num_states)))
        if utility == MATCHING:
            return Divergence(weight, np.log(ring_target(world, layout))[None, None])
        if utility == GOALS:
            return Goals(weight, far_corners(world, layout))
        goal = int(np.argmax(_reached(num_steps(world, 0))))
        steps = num_steps(world, goal)
        if utility == IMITATION:
            return Divergence(weight, np.log(self._expert_law(steps) + LOG_FLOOR))
        farthest = max(_reached(steps).max(), 1.0)
        reward = 1.0 - np.minimum(steps, farthest) / farthest
        return Penalty(weight, reward, last_quarter(world), BOUND)

    def _expert_law(self, steps: np.ndarray) -> np.ndarray:
        """Joint law of state and action of the expert, [T, 1, S, A]."""
        policy = expert_policy(self._world, steps)
        mu, laws = self.initial_distribution[0], []
        for _ in range(self.horizon):
            laws.append(mu[:, None] * policy)
            moved = _landed(self.moves, laws[-1])
            mu = _landed(self._successors, moved[:, None] * self._noise)
        return np.stack(laws)[:, None]

    def transition(self, xp, t, mu, z):
        return self._successors, self._noise

    def reward(self, xp, t, mu, z):
        gradient = self.gradient(mu, t, xp)
        return gradient if self.joint_law else gradient[..., None]

    def potential(self, t, law, z):
        return self.utility(law if self.joint_law else law.sum(-1), t)

    def utility(self, mu: np.ndarray, t: int = 0) -> float:
        """F at the occupancy `mu`, [1, S], or for imitation [1, S, A].

        The time matters for imitation only.
        """
        return self._utility.value(mu, t)

    def gradient(self, mu: np.ndarray, t: int = 0, xp=np):
        """Gradient of F at the occupancy `mu`, of the same shape: the reward."""
        return self._utility.gradient(xp, mu, t)

    def total_utility(self, flow: Sequence[np.ndarray]) -> float:
        """sum_t discount^t F(mu_t) over the decision times.

        Args:
          flow: T occupancies; [T, 1, S], or for imitation [T, 1, S, A].

        Raises:
          ValueError: the flow does not have an occupancy for each decision time.
        """
        if len(flow) != self.horizon:
            raise ValueError(
                f"`flow` must have {self.horizon} occupancies, one for each decision "
                f"time. Received: {len(flow)}"
            )
        return sum(self.discounts[t] * self.utility(mu, t) for t, mu in enumerate(flow))

    def action_name(self, action: int) -> str:
        return grid.MOVE_NAMES[action]


def ring_target(world: grid.Grid, layout: str) -> np.ndarray:
    """The target of marginal matching, float64 [S]."""
    free = np.zeros(world.shape, bool)
    free[tuple(world.coordinates.T)] = True
    apart = _away_from_walls(free)
    ring = (apart & ~_away_from_walls(apart))[tuple(world.coordinates.T)]
    parameters.require(
        ring.any(),
        "layout",
        layout,
        "a map with room for 3 x 3 free cells if utility=marginal_matching",
    )
    target = np.maximum(ring / ring.sum(), TARGET_FLOOR)
    return target / target.sum()


def _away_from_walls(free: np.ndarray) -> np.ndarray:
    """Cells that are free with all of their eight neighbours, bool [rows, columns]."""
    padded = np.pad(free, 1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    return windows.all(axis=(2, 3))


def far_corners(world: grid.Grid, layout: str) -> np.ndarray:
    """1 in the free cells nearest to the corners but the upper left, float64 [S]."""
    bottom, right = np.array(world.shape) - 1
    corners = np.array([[0, right], [bottom, 0], [bottom, right]])
    distances = np.abs(world.coordinates[:, None] - corners).sum(axis=-1)
    goals = np.zeros(world.num_states)
    goals[distances.argmin(axis=0)] = 1.0
    parameters.require(
        goals.sum() == len(corners),
        "layout",
        layout,
        "a map with three different corners if utility=multi_objective",
    )
    return goals


def last_quarter(world: grid.Grid) -> np.ndarray:
    """1 in the cells beyond the middle row and the middle column, float64 [S]."""
    middle = (np.array(world.shape) - 1) / 2
    return (world.coordinates > middle).all(axis=1).astype(float)


def expert_policy(world: grid.Grid, steps: np.ndarray) -> np.ndarray:
    """Policy of the expert of imitation, float64 [S, A].

    Args:
      world: the grid.
      steps: [S], how far the goal is.
    """
    closer = steps[world.successors] < steps[:, None]
    closer[~closer.any(axis=1), grid.STAY] = True  # who is there stays
    careful = closer / closer.sum(axis=1, keepdims=True)
    return (1.0 - CARELESSNESS) * careful + CARELESSNESS / len(grid.MOVES)


def num_steps(world: grid.Grid, goal: int) -> np.ndarray:
    """Number of moves from each cell to a goal, float64 [S]; inf where there is no way.

    All moves have their way back, so the search starts at the goal.
    """
    steps = np.full(world.num_states, np.inf)
    frontier = np.array([goal])
    distance = 0
    while len(frontier):
        steps[frontier] = distance
        distance += 1
        reached = np.unique(world.successors[frontier])
        frontier = reached[np.isinf(steps[reached])]
    return steps


def _landed(successors: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The crowd after shares [S, K] of it have gone to their successors, [S]."""
    return np.bincount(successors.ravel(), shares.ravel(), len(successors))


def _reached(steps: np.ndarray) -> np.ndarray:
    """Numbers of steps, -1 where there is no way."""
    return np.where(np.isinf(steps), -1.0, steps)
