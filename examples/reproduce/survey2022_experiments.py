"""The experiments of `survey_2022`: games solved, and equilibria known otherwise."""

from __future__ import annotations

import dataclasses

from experiments import Algorithms, Runs, solve
import numpy as np
import pyspiel
from scipy import optimize, special

from mfg_games.dynamics import Dynamics
from mfg_games.settings import setting

ROOMS, SCISSORS, SIDES, CHAIN, BAR = (
    "four rooms",
    "rock, paper, scissors",
    "left or right",
    "crowd-averse chain",
    "beach bar",
)
KINDS = {
    SCISSORS: "static",
    SIDES: "static",
    CHAIN: "stationary",
    BAR: "evolutive",
    ROOMS: "evolutive",
}
FP, OMD, FIXED, DAMPED, SOFT_FIXED, SOFT_FP, BPI = (
    "fictitious play (FP)",
    "mirror descent (OMD)",
    "fixed point",
    "damped fixed point",
    "softmax fixed point",
    "softmax FP",
    "Boltzmann policy iteration",
)
TEMPERATURE = 0.1
BOLTZMANN_RATE = 0.1
OMD_RATES = {ROOMS: 0.05, SCISSORS: 0.1, SIDES: 0.1, CHAIN: 1.0, BAR: 0.1}
OTHER_RATES = (0.01, 0.1)  # of mirror descent on four rooms
OTHER_TEMPERATURES = (0.01, 1.0)  # of softmax fictitious play on four rooms


@dataclasses.dataclass(frozen=True)
class Scale:
    """What is computed.

    Attributes:
      four_rooms, scissors, sides, chain, bar: OpenSpiel strings of the games.
      iterations: of every algorithm.
      long_iterations: of the runs that look for a plateau.
      noises: other noise levels of the four rooms.
    """

    four_rooms: str = setting("four_rooms_survey_2022").game_string
    scissors: str = "mfg_rock_paper_scissors"
    sides: str = "mfg_left_right"
    chain: str = (
        "mfg_crowd_chain(num_states=20,horizon=60,discount=0.95,crowd_cost=10.0,"
        "center_attraction=0.02)"
    )
    bar: str = setting("beach_bar_2020").game_string
    iterations: int = 300
    long_iterations: int = 1000
    noises: tuple[float, ...] = (0.0, 0.5, 1.0)

    @property
    def games(self) -> dict[str, str]:
        """The games by name."""
        return {
            ROOMS: self.four_rooms,
            SCISSORS: self.scissors,
            SIDES: self.sides,
            CHAIN: self.chain,
            BAR: self.bar,
        }


FULL = Scale()
FAST = Scale(noises=())


def algorithms(omd_rate: float) -> Algorithms:
    """The survey's seven algorithms; mirror descent needs a rate for each game."""
    return {
        FP: ("fictitious_play", {}),
        OMD: ("mirror_descent", {"lr": omd_rate}),
        FIXED: ("fixed_point", {}),
        DAMPED: ("fictitious_play", {"lr": 0.01}),
        SOFT_FIXED: ("fixed_point", {"temperature": TEMPERATURE}),
        SOFT_FP: ("fictitious_play", {"temperature": TEMPERATURE}),
        BPI: ("boltzmann_policy_iteration", {"lr": BOLTZMANN_RATE}),
    }


def solve_all(scale: Scale) -> Runs:
    """Solves every game by every algorithm, and four rooms in further ways."""
    runs = {}
    for name, game in scale.games.items():
        runs |= solve(name, game, algorithms(OMD_RATES[name]), scale.iterations)
    more = {at_rate(lr): ("mirror_descent", {"lr": lr}) for lr in OTHER_RATES}
    runs |= solve(ROOMS, scale.four_rooms, more, scale.iterations)
    longer = {
        at_temperature(heat): ("fictitious_play", {"temperature": heat})
        for heat in (TEMPERATURE, *OTHER_TEMPERATURES)
    }
    longer[longer_fp()] = ("fictitious_play", {})
    runs |= solve(ROOMS, scale.four_rooms, longer, scale.long_iterations)
    for noise in scale.noises:
        game = with_noise(scale.four_rooms, noise)
        seven = algorithms(OMD_RATES[ROOMS])
        runs |= solve(noise_name(noise), game, seven, scale.iterations)
    return runs


def at_rate(lr: float) -> str:
    """Name of mirror descent at another rate."""
    return f"OMD, rate {lr:g}"


def at_temperature(temperature: float) -> str:
    """Name of the long run of softmax fictitious play at a temperature."""
    return f"softmax FP, T = {temperature:g}, longer"


def longer_fp() -> str:
    """Name of the long run of fictitious play."""
    return "FP, longer"


def noise_name(noise: float) -> str:
    """Name of four rooms at another noise."""
    return f"{ROOMS}, noise {noise:g}"


def with_noise(game: str, noise: float) -> pyspiel.Game:
    """The same exploration game with another noise."""
    game = pyspiel.load_game(game)
    changed = {**game.get_parameters(), "noise": noise}
    return pyspiel.load_game(game.get_type().short_name, changed)


def choices(game: str, seven: Algorithms, iterations: int) -> dict[str, np.ndarray]:
    """What the crowd of a static game chooses after each iteration.

    Args:
      game: a game whose players choose at t = 0 and are paid at t = 1.
      seven: the algorithms.
      iterations: of each.

    Returns:
      Algorithm -> [iterations + 1, options].
    """
    from algorithms import catalogue
    from algorithms.pictures import layers_of

    found = {}
    for label, (name, arguments) in seven.items():
        solver = catalogue.solver_class(name)(game, **arguments)
        rows = []
        for k in range(iterations + 1):
            if k:
                solver.iteration()
            rows.append(layers_of(solver.model, solver.flow)[1][0, 0, 1:])
        found[label] = np.array(rows)
    return found


# Shares of the options at which all of them are worth the same.
STATIC_EQUILIBRIA = {
    SCISSORS: np.array([26, 20, 31]) / 77,
    SIDES: np.array([2, 1]) / 3,
}


def logit_equilibrium(temperature: float) -> float:
    """Share of the left if it is a softmax of the rewards -m and -2 (1 - m) there."""

    def gap(m: float) -> float:
        return m - special.expit((2 * (1 - m) - m) / temperature)

    return optimize.brentq(gap, 0, 1)


def stationary_equilibrium(d: Dynamics, rate: float = 1.0, iterations: int = 2000):
    """Equilibrium of a discounted game without end, by mirror descent in NumPy.

    A policy is worth what it earns against its own invariant distribution.

    Args:
      d: a game without moves and common noise, with fixed transitions.
      rate: of the mirror descent.
      iterations: of the mirror descent.

    Returns:
      (distribution [S], exploitability from it).
    """
    size = d.num_states
    kernel = _kernel(d)
    y = np.zeros(kernel.shape[:2])
    for _ in range(iterations):
        policy = np.exp(y - y.max(axis=1, keepdims=True))
        policy /= policy.sum(axis=1, keepdims=True)
        walk = np.einsum("xa,xay->xy", policy, kernel)
        balance = np.vstack([walk.T - np.eye(size), np.ones(size)])
        mu = np.linalg.lstsq(balance, np.append(np.zeros(size), 1.0), rcond=None)[0]
        rewards = d.reward(np, 0, mu[None], None)[0]
        earned = (policy * rewards).sum(axis=1)
        values = np.linalg.solve(np.eye(size) - d.discount * walk, earned)
        y += rate * (rewards + d.discount * kernel @ values)
    best = values
    for _ in range(int(40 / (1 - d.discount))):  # to exp(-40)
        best = (rewards + d.discount * kernel @ best).max(axis=1)
    return mu, float(mu @ (best - values))


def _kernel(d: Dynamics) -> np.ndarray:
    """Transition probabilities of a small game, [S, A, S]."""
    successors, noise = d.transition(np, 0, d.initial_distribution, None)
    states, actions, _ = np.indices(successors.shape)
    kernel = np.zeros((d.num_states, d.num_actions, d.num_states))
    np.add.at(
        kernel,
        (states, actions, successors),
        np.broadcast_to(noise, successors.shape),
    )
    return kernel
