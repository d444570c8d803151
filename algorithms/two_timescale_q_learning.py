"""Q-learning on two time scales (Angiuli, Fouque & Lauriere 2022, finite horizon).

    q <- 0; law <- uniform
    repeat: at each node (t, x) the crowd draws one action, for all: the best one of q
                or, with probability epsilon, a random one
            E players walk through time: at t = 0, 1, ..., T
                law_t moves at rate rho_mu to where they are
                they earn r(x, a, law_t), and law_t tells where they go
            for their steps (t, x, a, r, x'), the last one first:
                q[t, x, a] += rho_Q * (r + max_b q[t + 1, x', b] - q[t, x, a])

    rho_mu = (1 + players met before) ** -omega_mu
    rho_Q = (1 + visits of (t, x, a) before) ** -omega_q

Nobody is told a probability or the population's law, which is estimated from where the
players are. n players at one place count as n moves at the same rate. With one player
in a crowd this is the paper's algorithm, where the learner is its own crowd; the
players of a larger one take the noise out of the law.

What is learnt depends on whether the law follows while the crowd tries an action:

  - omega_mu > omega_q, the law is slower: q sees a population that does not move,
    hence learns the values of a single player, as in the game. Where players mix in
    equilibrium the greedy policy cycles; a `temperature` settles it at the fixed point
    of fictitious play with the same temperature; actions that it makes rare still need
    exploration. The paper takes (0.55, 0.85).
  - omega_mu < omega_q, the law is faster: the crowd has moved before q has, hence q
    learns what an action is worth if all who are at its node take it, as in the
    control problem. The paper takes (0.65, 0.15).
  - Equal rates promise neither: what is found depends on when one stops.

The faster law finds the social optimum where the crowd moves as one: all start in one
state, nothing scatters them, and no mixed policy is better than a pure one. Otherwise q
lacks what an action does to those in other states, and bootstrapping forgets how the
crowd came where it is. As long as no crowd follows its own trials (players act one by
one, or rho_mu times their number falls below 1 in the end), the fixed points are those
of the game at any ratio; Angiuli et al. 2023 therefore follow one law for each state
and action in the control problem. `social_optimum` has none of these limits.

Exploitability is exact and of the policy that q chooses, without exploration.
"""

from __future__ import annotations

from collections.abc import Mapping
import math
from typing import NamedTuple

import numpy as np
import pyspiel
import tensorflow as tf

from algorithms.frozen_world import SampledWorld, by_time, draw, thresholds
from algorithms.policy import respond
from algorithms.solver import Solver, State, Update
from algorithms.tabular_learning import SAMPLED, best, bytes_of_walks, learn
from mfg_games import parameters
from mfg_games.dynamics import Dynamics


class TwoTimescaleQLearning(Solver):
    """Q-learning whose two rates choose between the game and its control problem.

    Args:
      game: a game of `mfg_games`, or its string.
      omega_q: exponent of the rate of the Q-table, in [0, 1].
      omega_mu: exponent of the rate of the law; above `omega_q` for the game, below it
        for the control problem.
      crowds: how many walk through the game in an iteration.
      players: how many of each population a crowd has.
      exploration: probability of a random action at a node.
      temperature: choose by softmax(q / temperature) instead of the best action.
      seed: of all random numbers. Equal seeds give equal numbers.
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.

    Raises:
      ValueError: a parameter is out of range, or the game is not one of `mfg_games`.
    """

    graph_options = ("_temperature",)

    own_games_only = SAMPLED

    def __init__(
        self,
        game: pyspiel.Game | str,
        omega_q: float = 0.55,
        omega_mu: float = 0.85,
        crowds: int = 100,
        players: int = 100,
        exploration: float = 0.15,
        temperature: float | None = None,
        seed: int = 0,
        dtype: str = "float64",
        device: str | None = None,
    ):
        for name, exponent in (("omega_q", omega_q), ("omega_mu", omega_mu)):
            parameters.require(0 <= exponent <= 1, name, exponent, "in [0, 1]")
        parameters.at_least("crowds", crowds, 1)
        parameters.at_least("players", players, 1)
        parameters.probability("exploration", exploration)
        if temperature is not None:
            parameters.positive("temperature", temperature)
        parameters.at_least("seed", seed, 0)
        self._omegas, self._sizes = (omega_q, omega_mu), (crowds, players)
        self._exploration, self._temperature = exploration, temperature
        self._seed = seed
        super().__init__(game, dtype, device)
        parameters.fits(bytes_of_walks(self.game.dynamics, players), players=players)
        with tf.device(device):
            self.variables = {
                name: tf.Variable(array)
                for name, array in _fresh_tables(self.game.dynamics).items()
            }

    def fresh_state(self) -> State:
        return {"q": tf.zeros_like(self.model.uniform_policy())}

    def _policy(self, state: State) -> tf.Tensor:
        return respond(state["q"], self.model.legal_actions, self._temperature)

    def _update(self, state: State, step_size: tf.Tensor) -> Update:
        """The sweeps only: the next state takes learning, outside of the graph."""
        flow, values = self._sweep(self._policy(state))
        return Update(state, flow, values.totals)

    def _advance(self, update: Update) -> State:
        dynamics = self.game.dynamics
        arrays = {name: np.array(array) for name, array in self.variables.items()}
        q = np.array(self._state["q"], np.float64)
        tables = Tables.of(dynamics, q, **arrays)
        world = SampledWorld(dynamics)
        legal = self.model.legal_actions.numpy()
        rng = np.random.default_rng([self._seed, self.num_iterations])
        crowds, players = self._sizes
        for _ in range(crowds):
            behaviour = _behaviour(q, legal, self._exploration, self._temperature)
            actions = by_time(dynamics, draw(thresholds(behaviour), rng))
            walk(tables, world, actions, players, *self._omegas, rng)
        for name, array in arrays.items():
            self.variables[name].assign(array)
        return {"q": self.model.as_tensor(q)}

    @property
    def metrics(self) -> Mapping[str, float]:
        """What all players earn together by the current policy."""
        return {"welfare": float(self.values.sum())}


class Tables(NamedTuple):
    """What crowds learn, in views by time that change in place.

    Attributes:
      q: values, [histories, N, S, A] for each decision time.
      visits: how many players have come to each of them.
      law: the law of state and action as it is estimated, for each time; at the horizon
        its sum over the actions is the law of the state.
      met: how many players of the population have come into the history, [histories, N,
        S] for each time, the same for all states.
    """

    q: list[np.ndarray]
    visits: list[np.ndarray]
    law: list[np.ndarray]
    met: list[np.ndarray]

    @classmethod
    def of(cls, dynamics: Dynamics, *tables: np.ndarray, **named: np.ndarray) -> Tables:
        """Views of whole tables, by the names of the attributes."""
        views = {name: by_time(dynamics, table) for name, table in named.items()}
        return cls(*(by_time(dynamics, table) for table in tables), **views)


def _fresh_tables(d: Dynamics) -> dict[str, np.ndarray]:
    """All tables but `q`; nodes of the horizon come last."""
    layer = d.num_populations * d.num_states
    rows = [d.num_histories(t) * layer for t in range(d.horizon + 1)]
    size = d.num_states * d.num_actions
    return {
        "visits": np.zeros((sum(rows[:-1]), d.num_actions)),
        "law": np.full((sum(rows), d.num_actions), 1 / size),
        "met": np.zeros(sum(rows)),
    }


def walk(
    tables: Tables,
    world: SampledWorld,
    actions: list[np.ndarray],
    num_players: int,
    omega_q: float,
    omega_mu: float,
    rng: np.random.Generator,
) -> None:
    """A crowd walks through the game; the law follows, then the values learn.

    Args:
      tables: changed in place.
      world: the game; told the law as it moves.
      actions: what all do who are at a node, int [histories, N, S] for each decision
        time.
      num_players: of each population.
      omega_q: exponent of the rate of the values.
      omega_mu: exponent of the rate of the law.
      rng: random numbers.
    """
    d = world.dynamics
    players = world.start(num_players, rng)
    steps = []
    for t in range(d.horizon):
        chosen = actions[t][players]
        follow(tables.law[t], tables.met[t], (*players, chosen), omega_mu)
        world.tell(t, tables.law[t] if d.joint_law else tables.law[t].sum(axis=-1))
        rewards, after = world.step(t, players, chosen, rng)
        steps.append(
            (tables.q[t], tables.visits[t], (*players, chosen), rewards, after)
        )
        players = after
    nothing = np.zeros_like(players.x)
    follow(tables.law[-1], tables.met[-1], (*players, nothing), omega_mu)
    world.tell(d.horizon, tables.law[-1].sum(axis=-1))
    worth = world.terminal_rewards
    for q, visits, places, rewards, after in reversed(steps):
        learn(q, places, rewards + worth[after], (1 + visits) ** -omega_q)
        np.add.at(visits, places, 1)
        worth = best(q, world)


def follow(
    law: np.ndarray, met: np.ndarray, places: tuple[np.ndarray, ...], omega: float
) -> None:
    """Moves a law towards where players are, as often as there are players.

    Args:
      law: [histories, N, S, A], changed in place.
      met: players met before, [histories, N, S], changed in place.
      places: indices into the law, int [E] each.
      omega: exponent of the rate (1 + met) ** -omega of one move.
    """
    counts = np.zeros_like(law)
    np.add.at(counts, places, 1)
    present = counts.sum(axis=(-2, -1), keepdims=True)
    rate = (1 + met[..., None]) ** -omega
    share = 1 - (1 - rate) ** present
    law += share * (counts / np.maximum(present, 1) - law)
    met += present[..., 0]


def _behaviour(
    q: np.ndarray, legal: np.ndarray, exploration: float, temperature: float | None
) -> np.ndarray:
    """How the crowd draws the action of each node, [D, A]."""
    values = np.where(legal, q, -math.inf)
    if temperature is None:
        policy = np.eye(q.shape[-1])[values.argmax(axis=-1)]
    else:
        weights = np.exp((values - values.max(axis=-1, keepdims=True)) / temperature)
        policy = weights / weights.sum(axis=-1, keepdims=True)
    uniform = legal / legal.sum(axis=-1, keepdims=True)
    return (1 - exploration) * policy + exploration * uniform
