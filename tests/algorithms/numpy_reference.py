"""Sweeps and solvers in plain loops: slow, so simple that they cannot hide an error.

Nodes are rows in the order of time, history of the common noise, population and
state, as in the models. Policies and action values are [D, A].
"""

from collections.abc import Callable, Iterator

import numpy as np

from mfg_games.dynamics import Dynamics


class NumpyReference:
    """One game, straight from the definitions.

    A flow is a dict from (t, history) to masses [N, S, A] of states and actions, which
    sum to the probability of the history for each population; [N, S] at the horizon.
    """

    def __init__(self, dynamics: Dynamics):
        self.d = dynamics
        self.rows = {}
        for t, h in self.layers():
            for n in range(dynamics.num_populations):
                for x in range(dynamics.num_states):
                    self.rows[t, h, n, x] = len(self.rows)

    def layers(self) -> Iterator[tuple[int, int]]:
        """All (t, history) at which decisions are taken, in the order of time."""
        for t in range(self.d.horizon):
            for h in range(self.d.num_histories(t)):
                yield t, h

    def branches(self, t: int, h: int) -> Iterator[tuple[int, float]]:
        """The histories that may follow at t + 1 and their conditional probability."""
        noise = self.d.common_noise
        law = noise.outcome_probabilities[t] if noise else [1.0]
        for outcome, probability in enumerate(law):
            yield h * len(law) + outcome, probability

    def legal(self, x: int) -> list[int]:
        allowed = self.d.legal_actions
        return [
            a for a in range(self.d.num_actions) if allowed is None or allowed[x, a]
        ]

    def faced(self, mass: np.ndarray) -> np.ndarray:
        """What the game's functions take for mu where these are the masses."""
        joint = mass / mass.sum(axis=(1, 2), keepdims=True)
        return joint if self.d.joint_law else joint.sum(axis=2)

    def law(self, t: int, child: int, mu: np.ndarray) -> Callable:
        """The function (n, x, a) -> pairs of successor and probability."""
        d = self.d
        successors, probabilities = d.transition(np, t, mu, d.noise_value(t + 1, child))
        shape = (d.num_populations, *successors.shape)
        probabilities = np.broadcast_to(probabilities, shape)

        def landings(n: int, x: int, a: int) -> list[tuple[int, float]]:
            place = (x, a) if d.moves is None else (d.moves[x, a],)
            return list(zip(successors[place], probabilities[(n, *place)], strict=True))

        return landings

    def uniform_policy(self) -> np.ndarray:
        policy = np.zeros((len(self.rows), self.d.num_actions))
        for (_, _, _, x), row in self.rows.items():
            for a in self.legal(x):
                policy[row, a] = 1 / len(self.legal(x))
        return policy

    def distribution(self, policy: np.ndarray) -> dict:
        """The flow of a policy."""
        d = self.d
        flow = {(0, 0): d.initial_distribution}
        for t, h in self.layers():
            mass = flow[t, h][..., None] * self.layer(policy, t, h)
            for child, probability in self.branches(t, h):
                landings = self.law(t, child, self.faced(mass))
                after = np.zeros_like(flow[t, h])
                for n, x, a in np.ndindex(*mass.shape):
                    for y, p in landings(n, x, a):
                        after[n, y] += probability * mass[n, x, a] * p
                flow[t + 1, child] = after
            flow[t, h] = mass
        return flow

    def layer(self, policy: np.ndarray, t: int, h: int) -> np.ndarray:
        """The policy at one history, [N, S, A]."""
        shape = self.d.initial_distribution.shape
        return np.array(
            [
                [policy[self.rows[t, h, n, x]] for x in range(shape[1])]
                for n in range(shape[0])
            ]
        )

    def mass(self, flow: dict) -> np.ndarray:
        """The flow on the decision nodes, [D]."""
        return np.array([flow[t, h][n, x].sum() for t, h, n, x in self.rows])

    def action_values(
        self,
        flow: dict,
        policy: np.ndarray | None = None,
        node_value: Callable | None = None,
        bonus: np.ndarray | None = None,
    ):
        """Values [D, A] of actions, and [N] of the game, when `policy` follows.

        Without a policy, the best response follows. `node_value(q, row)` is what a node
        is worth whose legal actions are worth `q`, another one than either gives;
        `bonus` [D, A] is paid for actions.
        """
        d = self.d
        q = np.zeros((len(self.rows), d.num_actions))
        values = {}
        for h in range(d.num_histories(d.horizon)):
            mass = flow[d.horizon, h]
            mu = mass / mass.sum(axis=1, keepdims=True)
            reward = d.terminal_reward(np, mu, d.noise_value(d.horizon, h))
            values[d.horizon, h] = d.discount**d.horizon * reward
        for t, h in reversed(list(self.layers())):
            mu = self.faced(flow[t, h])
            reward = d.reward(np, t, mu, d.noise_value(t, h))
            reward = np.broadcast_to(reward, flow[t, h].shape)
            branches = [
                (probability, self.law(t, child, mu), values[t + 1, child])
                for child, probability in self.branches(t, h)
            ]
            values[t, h] = np.zeros_like(d.initial_distribution)
            for n, x in np.ndindex(*values[t, h].shape):
                row = self.rows[t, h, n, x]
                for a in range(d.num_actions):
                    q[row, a] = d.discount**t * reward[n, x, a] + sum(
                        probability * p * after[n, y]
                        for probability, landings, after in branches
                        for y, p in landings(n, x, a)
                    )
                if bonus is not None:
                    q[row] += bonus[row]
                if node_value is not None:
                    values[t, h][n, x] = node_value(q[row, self.legal(x)], row)
                elif policy is None:
                    values[t, h][n, x] = max(q[row, self.legal(x)])
                else:
                    values[t, h][n, x] = policy[row] @ q[row]
        return q, (d.initial_distribution * values[0, 0]).sum(axis=1)

    def exploitability(self, policy: np.ndarray) -> float:
        flow = self.distribution(policy)
        _, value = self.action_values(flow, policy)
        _, best_value = self.action_values(flow)
        return float((best_value - value).sum())

    def softmax(self, logits: np.ndarray) -> np.ndarray:
        policy = np.zeros_like(logits)
        for (_, _, _, x), row in self.rows.items():
            legal = self.legal(x)
            weights = np.exp(logits[row, legal] - logits[row, legal].max())
            policy[row, legal] = weights / weights.sum()
        return policy

    def greedy(self, q: np.ndarray) -> np.ndarray:
        policy = np.zeros_like(q)
        for (_, _, _, x), row in self.rows.items():
            policy[row, max(self.legal(x), key=lambda a, row=row: q[row, a])] = 1.0
        return policy

    def mirror_descent(self, lr: float, iterations: int) -> Iterator[np.ndarray]:
        """Policies of online mirror descent."""
        cumulative_q = np.zeros((len(self.rows), self.d.num_actions))
        for _ in range(iterations):
            policy = self.softmax(cumulative_q)
            q, _ = self.action_values(self.distribution(policy), policy)
            cumulative_q += lr * q
            yield self.softmax(cumulative_q)

    def fictitious_play(self, iterations: int) -> Iterator[np.ndarray]:
        """Policies of fictitious play, the average of k + 1 best responses."""
        policy = self.uniform_policy()
        for k in range(1, iterations + 1):
            flow = self.distribution(policy)
            response = self.greedy(self.action_values(flow)[0])
            old = k / (k + 1) * self.mass(flow)
            new = 1 / (k + 1) * self.mass(self.distribution(response))
            average = self.uniform_policy()
            for row in range(len(policy)):
                if old[row] + new[row] > 0:
                    average[row] = old[row] * policy[row] + new[row] * response[row]
                    average[row] /= old[row] + new[row]
            policy = average
            yield policy
