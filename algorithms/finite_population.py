"""Finitely many players in a mean field game, and how nearly its policies suit them.

N players of each population face their empirical distribution instead of the limit.
`simulate` plays them; players in one place who choose alike are interchangeable, so it
draws how many go where, whatever N. `epsilon_nash` estimates what one of them could
gain by deviating: an equilibrium of the mean field game is an epsilon-Nash equilibrium
with epsilon of the order 1 / sqrt(N) (Huang, Malhame & Caines 2006; Lauriere et al.
2022, the survey, section 2).

Shapes: R runs, N populations, S states, A actions, T decision times.
"""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
import math
from typing import NamedTuple

import numpy as np
import pyspiel

from algorithms.frozen_world import by_time
from algorithms.model import load_model
from algorithms.policy import policy_array
from mfg_games import parameters
from mfg_games.dynamics import Dynamics
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


@dataclasses.dataclass(frozen=True)
class Deviation:
    """What the best deviation that was found gains a player.

    Attributes:
      gain: [N], mean over runs.
      error: [N], its standard error.
      confidence: of `interval`.
    """

    gain: np.ndarray
    error: np.ndarray
    confidence: float

    @property
    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """Ends of the confidence interval for each population, [N] each."""
        from scipy import stats

        width = stats.norm.ppf((1 + self.confidence) / 2) * self.error
        return self.gain - width, self.gain + width


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


def epsilon_nash(
    game: pyspiel.Game | str,
    policy,
    num_players: int,
    num_runs: int = 100,
    seed: int = 0,
    confidence: float = 0.95,
) -> Deviation:
    """Estimates what one player gains by leaving a policy that all others play.

    The deviation is the best response to rewards and transitions averaged over half of
    the runs. Its gain is the mean over the other half, in each of which both values are
    exact given where the others are: an unbiased estimate of what this deviation gains,
    thus of no more than epsilon. The player is one of the crowd that it faces; there
    are num_players - 1 others in each population.

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
    allowed = "above 0 and below 1"
    parameters.require(0 < confidence < 1, "confidence", confidence, allowed)
    dynamics, layers = _prepared(game, policy)
    if dynamics.common_noise:
        raise ValueError(
            "A deviation is estimated in games without common noise and with one "
            f"initial law. Received: `{game}`"
        )
    rng = np.random.default_rng(seed)
    policies = np.stack([layer[0] for layer in layers])
    problems = [
        _problem(dynamics, _run(dynamics, layers, num_players - 1, rng), num_players)
        for _ in range(num_runs)
    ]
    half = num_runs // 2
    response = _best_response(dynamics, _mean(problems[:half]))
    gains = np.stack(
        [
            _value(dynamics, problem, response) - _value(dynamics, problem, policies)
            for problem in problems[half:]
        ]
    )
    error = gains.std(axis=0, ddof=1) / math.sqrt(len(gains))
    return Deviation(gains.mean(axis=0), error, confidence)


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
        law = _law(d, counts, actions)
        reward = d.reward(np, t, law, d.noise_value(t, history))
        paid = np.broadcast_to(reward, actions.shape) * actions
        returns += d.discount**t * paid.sum(axis=(1, 2)) / num_players
        branches = d.num_common_outcomes(t)
        if branches > 1:
            shocks = d.common_noise.outcome_probabilities[t]
            history = history * branches + int(rng.choice(branches, p=shocks))
        counts = _moved(d, t, history, law, actions, rng)
        histories.append(history)
        all_counts.append(counts)
        all_actions.append(actions)
    end = d.terminal_reward(np, counts / num_players, d.noise_value(d.horizon, history))
    returns += d.discount**d.horizon * (end * counts).sum(axis=1) / num_players
    return np.array(histories), np.stack(all_counts), np.stack(all_actions), returns


def _law(d: Dynamics, counts: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """What the game's functions take for mu."""
    law = actions if d.joint_law else counts
    return law / counts.sum(axis=1).reshape([-1] + [1] * (law.ndim - 1))


def _moved(d: Dynamics, t: int, history: int, law, actions, rng) -> np.ndarray:
    """Players in each state after a step, int [N, S]."""
    successors, probabilities = d.transition(np, t, law, d.noise_value(t + 1, history))
    successors = np.asarray(successors)
    probabilities = np.broadcast_to(
        probabilities, (d.num_populations, *successors.shape)
    )
    sources = actions
    if d.moves is not None:
        sources = np.zeros((d.num_populations, d.num_states), actions.dtype)
        for population in range(d.num_populations):
            np.add.at(sources[population], d.moves, actions[population])
    # Rounding may leave a sum above 1, of which multinomials are not drawn.
    shares = probabilities / probabilities.sum(axis=-1, keepdims=True)
    landed = rng.multinomial(sources, shares)
    counts = np.zeros((d.num_populations, d.num_states), actions.dtype)
    for population in range(d.num_populations):
        np.add.at(counts[population], successors, landed[population])
    return counts


class _Problem(NamedTuple):
    """One player's decision problem among others.

    Attributes:
      rewards: [T, N, S, A], discounted.
      transitions: [T, N, S, A, S].
      terminal: [N, S], discounted.
    """

    rewards: np.ndarray
    transitions: np.ndarray
    terminal: np.ndarray


def _problem(d: Dynamics, run: tuple[np.ndarray, ...], num_players: int) -> _Problem:
    """What a player meets who joins the others of a run."""
    _, counts, actions, _ = run
    steps = [_step(d, t, counts[t], actions[t], num_players) for t in range(d.horizon)]
    terminal = np.zeros((d.num_populations, d.num_states))
    for n, x in np.ndindex(terminal.shape):
        mu = _joined(counts[-1], n, (x,), num_players)
        terminal[n, x] = d.terminal_reward(np, mu, None)[n, x]
    terminal *= d.discount**d.horizon
    return _Problem(*map(np.stack, zip(*steps, strict=True)), terminal)


def _joined(
    counts: np.ndarray, population: int, place: tuple[int, ...], num_players: int
) -> np.ndarray:
    """Shares of each population if one more player of one of them is in a place."""
    shares = counts / (num_players - 1)
    own = counts[population].astype(np.float64)
    own[place] += 1
    shares[population] = own / num_players
    return shares


def _step(d: Dynamics, t: int, counts, actions, num_players: int):
    """Rewards [N, S, A] and transitions [N, S, A, S] of a player in any place."""
    shape = (d.num_populations, d.num_states, d.num_actions)
    rewards = np.zeros(shape)
    transitions = np.zeros((*shape, d.num_states))
    for n, x in np.ndindex(shape[:2]):
        chosen = range(d.num_actions) if d.joint_law else [slice(None)]
        for a in chosen:
            place = (x, a) if d.joint_law else (x,)
            law = _joined(actions if d.joint_law else counts, n, place, num_players)
            found = np.asarray(d.reward(np, t, law, None))
            rewards[n, x, a] = np.broadcast_to(found, shape)[n, x, a]
            transitions[n, x, a] = _landings(d, t, law, n, x)[a]
    return d.discount**t * rewards, transitions


def _landings(d: Dynamics, t: int, law: np.ndarray, n: int, x: int) -> np.ndarray:
    """Probabilities [A, S] of the next states from a state."""
    successors, probabilities = d.transition(np, t, law, None)
    successors = np.asarray(successors)
    shape = (d.num_populations, *successors.shape)
    probabilities = np.broadcast_to(probabilities, shape)[n]
    places = d.moves[x] if d.moves is not None else (x, np.arange(d.num_actions))
    landings = np.zeros((d.num_actions, d.num_states))
    rows = np.arange(d.num_actions)[:, None]
    np.add.at(landings, (rows, successors[places]), probabilities[places])
    return landings


def _mean(problems: Sequence[_Problem]) -> _Problem:
    return _Problem(*(np.mean(parts, axis=0) for parts in zip(*problems, strict=True)))


def _best_response(d: Dynamics, problem: _Problem) -> np.ndarray:
    """The best policy, [T, N, S, A]."""
    value, policies = problem.terminal, []
    for t in reversed(range(d.horizon)):
        q = np.where(d.legal_mask(), _action_values(problem, t, value), -np.inf)
        policies.append(np.eye(d.num_actions)[q.argmax(axis=2)])
        value = q.max(axis=2)
    return np.stack(policies[::-1])


def _value(d: Dynamics, problem: _Problem, policies: np.ndarray) -> np.ndarray:
    """Value of a policy [T, N, S, A] for each population, [N]."""
    value = problem.terminal
    for t in reversed(range(d.horizon)):
        value = (policies[t] * _action_values(problem, t, value)).sum(axis=2)
    return (d.initial_distribution * value).sum(axis=1)


def _action_values(problem: _Problem, t: int, value: np.ndarray) -> np.ndarray:
    """Of a time, [N, S, A], given the states' values [N, S] one step later."""
    after = np.einsum("nxay,ny->nxa", problem.transitions[t], value)
    return problem.rewards[t] + after
