"""Finitely many players in a mean field game, and how nearly its policies suit them.

N players of each population face their empirical distribution instead of the limit.
`simulate` plays them; players in one place who choose alike are interchangeable, so it
draws how many go where, whatever N. `distances` tells how far they are from the limit,
and `epsilon_nash` estimates what one of them could gain by deviating: an equilibrium of
the mean field game is an epsilon-Nash equilibrium with epsilon of the order 1 / sqrt(N)
(Huang, Malhame & Caines 2006; Lauriere et al. 2022, the survey, section 2).

Shapes: R runs, N populations, S states, A actions, T decision times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
import functools
import itertools
from typing import NamedTuple

import numpy as np
import pyspiel
from scipy import sparse

from algorithms.distribution import DistributionPolicy
from algorithms.frozen_world import by_time
from algorithms.gain import Gain
from algorithms.model import load_model
from algorithms.policy import policy_array
from mfg_games import parameters
from mfg_games.dynamics import Dynamics
from mfg_games.mean_field import MeanField
from mfg_games.openspiel_game import MeanFieldGame


class Simulation(NamedTuple):
    """What finitely many players have done.

    Attributes:
      histories: int [R, T + 1], of the common noise.
      counts: int [R, T + 1, N, S], players in each state.
      actions: int [R, T, N, S, A], players in each state by what they chose.
      returns: [R, N], mean over the players.
    """

    histories: np.ndarray
    counts: np.ndarray
    actions: np.ndarray
    returns: np.ndarray

    @property
    def distributions(self) -> np.ndarray:
        """Empirical distributions of the populations, [R, T + 1, N, S]."""
        return self.counts / self.counts.sum(axis=-1, keepdims=True)


def simulate(
    game: pyspiel.Game | str,
    policy,
    num_players: int,
    num_runs: int = 1,
    seed: int = 0,
) -> Simulation:
    """Plays a game with finitely many players.

    Args:
      game: a game registered by `mfg_games`.
      policy: an OpenSpiel policy of the game, which all players play.
      num_players: of each population.
      num_runs: R, how often.
      seed: of all that is drawn.

    Raises:
      ValueError: the game is not one of `mfg_games`, or a number is out of range.
    """
    parameters.at_least("num_players", num_players, 1)
    parameters.at_least("num_runs", num_runs, 1)
    dynamics, layers = _prepared(game, policy)
    rng = np.random.default_rng(seed)
    runs = [_run(dynamics, layers, num_players, rng) for _ in range(num_runs)]
    return Simulation(*map(np.stack, zip(*runs, strict=True)))


def distances(game: pyspiel.Game | str, policy, simulation: Simulation) -> np.ndarray:
    """Total variation between the players' distributions and the limit's.

    The limit is that of the common noise that the run has had.

    Args:
      game: a game registered by `mfg_games`.
      policy: the one that was simulated.
      simulation: of that game.

    Returns:
      [R, T + 1, N], in [0, 1].

    Raises:
      ValueError: the game is not one of `mfg_games`.
    """
    d, _ = _prepared(game, policy)
    flow = DistributionPolicy(game, policy).flow
    layers = [*by_time(d, np.asarray(flow.mass, np.float64)), np.asarray(flow.rest)]
    empirical, found = simulation.distributions, []
    for t, masses in enumerate(layers):
        limits = d.given_histories(t, masses)
        gaps = empirical[:, t] - limits[simulation.histories[:, t]]
        found.append(np.abs(gaps).sum(axis=-1) / 2)
    return np.stack(found, axis=1)


def epsilon_nash(
    game: pyspiel.Game | str,
    policy,
    num_players: int,
    num_runs: int = 100,
    seed: int = 0,
    confidence: float = 0.95,
) -> Gain:
    """Estimates what one player gains by leaving a policy that all others play.

    The deviation is the best response to rewards and transitions averaged over half of
    the runs. Its gain is the mean over the other half, in each of which both values are
    exact given where the others are: an unbiased estimate of what this deviation gains,
    thus of no more than epsilon. The player is one of the crowd that it faces; there
    are num_players - 1 others in each population, who do not notice it.

    Args:
      game: a game registered by `mfg_games`, without common noise.
      policy: an OpenSpiel policy of the game.
      num_players: of each population, the deviating one included.
      num_runs: how often the others play; at least 4.
      seed: of all that is drawn.
      confidence: of the interval.

    Raises:
      ValueError: the game is not one of `mfg_games` or has common noise or several
        initial laws, or a number is out of range.
    """
    parameters.at_least("num_players", num_players, 2)
    parameters.at_least("num_runs", num_runs, 4)
    parameters.between("confidence", confidence)
    dynamics, layers = _prepared(game, policy)
    if dynamics.common_noise:
        raise ValueError(
            "A deviation is estimated in games without common noise and with one "
            f"initial law. Received: `{game}`"
        )
    rng = np.random.default_rng(seed)
    policies = np.stack([layer[0] for layer in layers])
    # One by one: the problems of all runs might not fit into memory together.
    problems = (
        _problem(dynamics, _run(dynamics, layers, num_players - 1, rng), num_players)
        for _ in range(num_runs)
    )
    half = num_runs // 2
    seen = _mean(itertools.islice(problems, half), half)
    response = _best_response(dynamics, seen)
    gains = [
        _value(dynamics, problem, response) - _value(dynamics, problem, policies)
        for problem in problems
    ]
    return Gain.of(np.stack(gains), confidence)


def _prepared(game, policy) -> tuple[Dynamics, list[np.ndarray]]:
    """The game's dynamics and the policy in each time, [histories, N, S, A]."""
    model = load_model(game)
    if not isinstance(model.game, MeanFieldGame):
        raise ValueError(
            f"Players are simulated in games registered by `mfg_games`, which know the "
            f"distribution that they face. Received: `{model.game}`"
        )
    array = policy_array(model, policy).numpy().astype(np.float64)
    array /= array.sum(axis=1, keepdims=True)
    return model.game.dynamics, by_time(model.game.dynamics, array)


def _run(
    d: Dynamics, layers: Sequence[np.ndarray], num_players: int, rng
) -> tuple[np.ndarray, ...]:
    """One run's histories, counts, actions and returns."""
    history = int(rng.integers(len(d.initial_laws)))
    counts = rng.multinomial(num_players, d.initial_laws[history])
    histories, all_counts, all_actions = [history], [counts], []
    returns = np.zeros(d.num_populations)
    for t in range(d.horizon):
        actions = rng.multinomial(counts, layers[t][history])  # [N, S, A]
        law = (actions if d.joint_law else counts) / num_players
        field = MeanField(d, t, history, law)
        returns += (field.rewards * actions).sum(axis=(1, 2)) / num_players
        history = d.drawn_history(t, history, rng)
        outcome = history % d.num_common_outcomes(t)
        counts = _moved(d, actions, *field.transition(outcome), rng)
        histories.append(history)
        all_counts.append(counts)
        all_actions.append(actions)
    end = MeanField(d, d.horizon, history, counts / num_players)
    returns += (end.terminal_rewards * counts).sum(axis=1) / num_players
    return np.array(histories), np.stack(all_counts), np.stack(all_actions), returns


def _moved(d: Dynamics, actions, successors, probabilities, rng) -> np.ndarray:
    """Players in each state after a step, int [N, S]."""
    sources = actions if d.moves is None else _summed(d, d.moves, actions)
    # Rounding may leave a sum above 1, of which multinomials are not drawn.
    shares = probabilities / probabilities.sum(axis=-1, keepdims=True)
    return _summed(d, successors, rng.multinomial(sources, shares))


def _summed(d: Dynamics, targets: np.ndarray, players: np.ndarray) -> np.ndarray:
    """Players [N, ...] at their targets [...], int [N, S]."""
    counts = np.zeros((d.num_populations, d.num_states), players.dtype)
    for population, each in zip(counts, players, strict=True):
        np.add.at(population, targets, each)
    return counts


class _Problem(NamedTuple):
    """One player's decision problem among others.

    Attributes:
      rewards: [T, N, S, A], discounted.
      transitions: T x N sparse matrices, [S * A, S].
      terminal: [N, S], discounted.
    """

    rewards: np.ndarray
    transitions: list[list[sparse.csr_array]]
    terminal: np.ndarray


def _problem(d: Dynamics, run: tuple[np.ndarray, ...], num_players: int) -> _Problem:
    """What a player meets who joins the others of a run."""
    _, counts, actions, _ = run
    steps = [_step(d, t, counts[t], actions[t], num_players) for t in range(d.horizon)]
    rewards, transitions = zip(*steps, strict=True)
    terminal = np.zeros((d.num_populations, d.num_states))
    joined = _joining(counts[-1], num_players)
    for place in np.ndindex(terminal.shape):
        field = MeanField(d, d.horizon, 0, joined(place))
        terminal[place] = field.terminal_rewards[place]
    return _Problem(np.stack(rewards), list(transitions), terminal)


def _joining(counts: np.ndarray, num_players: int) -> Callable:
    """A function of a place (population, ...): shares with one more player there."""
    without, within = counts / (num_players - 1), counts / num_players

    def joined(place: tuple) -> np.ndarray:
        shares = without.copy()
        shares[place[0]] = within[place[0]]
        shares[place] = (counts[place] + 1) / num_players
        return shares

    return joined


def _step(d: Dynamics, t: int, counts, actions, num_players: int):
    """Rewards [N, S, A] and N transitions [S * A, S] of a player in any place."""
    joined = _joining(actions if d.joint_law else counts, num_players)
    every = [slice(a, a + 1) for a in range(d.num_actions)]
    chosen = every if d.joint_law else [slice(None)]
    rewards = np.zeros((d.num_populations, d.num_states, d.num_actions))
    outcomes = [[] for _ in range(d.num_populations)]
    for n, x in np.ndindex(rewards.shape[:2]):
        for a in chosen:
            place = (n, x, a) if d.joint_law else (n, x)
            field = MeanField(d, t, 0, joined(place))
            paid = field.rewards[n, x]
            rewards[n, x, a] = paid[a] if len(paid) > 1 else paid
            outcomes[n].append(field.individual_noise(0, n, x, a))
    return rewards, [_matrix(d, pairs) for pairs in outcomes]


def _matrix(
    d: Dynamics, pairs: Sequence[tuple[np.ndarray, np.ndarray]]
) -> sparse.csr_array:
    """The outcomes of all states and actions as a matrix, [S * A, S]."""
    successors, probabilities = map(np.concatenate, zip(*pairs, strict=True))
    rows, outcomes = successors.shape
    starts = np.arange(0, rows * outcomes + 1, outcomes)
    entries = (probabilities.ravel(), successors.ravel(), starts)
    return sparse.csr_array(entries, shape=(rows, d.num_states))


def _mean(problems: Iterable[_Problem], count: int) -> _Problem:
    """The mean of so many problems, which come one by one."""
    rewards, transitions, terminal = functools.reduce(_sum, problems)
    shares = [[matrix / count for matrix in step] for step in transitions]
    return _Problem(rewards / count, shares, terminal / count)


def _sum(first: _Problem, second: _Problem) -> _Problem:
    transitions = [
        [one + other for one, other in zip(*step, strict=True)]
        for step in zip(first.transitions, second.transitions, strict=True)
    ]
    rewards = first.rewards + second.rewards
    return _Problem(rewards, transitions, first.terminal + second.terminal)


def _best_response(d: Dynamics, problem: _Problem) -> np.ndarray:
    """The best policy, [T, N, S, A]."""
    policies = np.zeros_like(problem.rewards)

    def best(t, q):
        q = np.where(d.legal_mask(), q, -np.inf)
        policies[t] = np.eye(d.num_actions)[q.argmax(axis=2)]
        return q.max(axis=2)

    _backward(problem, best)
    return policies


def _value(d: Dynamics, problem: _Problem, policies: np.ndarray) -> np.ndarray:
    """Value of a policy [T, N, S, A] for each population, [N]."""
    value = _backward(problem, lambda t, q: (policies[t] * q).sum(axis=2))
    return (d.initial_distribution * value).sum(axis=1)


def _backward(problem: _Problem, worth: Callable) -> np.ndarray:
    """Values at time 0, [N, S], where `worth(t, q)` makes those at t of actions'."""
    value = problem.terminal
    for t in reversed(range(len(problem.rewards))):
        value = worth(t, _action_values(problem, t, value))
    return value


def _action_values(problem: _Problem, t: int, value: np.ndarray) -> np.ndarray:
    """Of a time, [N, S, A], given the states' values [N, S] one step later."""
    rewards = problem.rewards[t]
    pairs = zip(problem.transitions[t], value, strict=True)
    after = np.stack([matrix @ values for matrix, values in pairs])
    return rewards + after.reshape(rewards.shape)
