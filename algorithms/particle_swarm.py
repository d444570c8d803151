"""Particle swarm optimisation over policies (Kennedy & Eberhart 1995).

    repeat: f_i <- exploitability of softmax(x_i), for all particles i
            b_i <- x_i where f_i is the particle's lowest so far; b <- the best b_i
            v_i <- inertia v_i + cognitive u (b_i - x_i) + social u' (b - x_i)
            x_i <- x_i + v_i

with u, u' uniform on [0, 1], drawn for each entry. A baseline that knows nothing of the
game but exploitabilities (as in Magnino et al. 2026): each iteration costs as many
sweeps as there are particles, and the space of logits has a dimension for each decision
node and action. The default coefficients are those of Clerc & Kennedy (2002).

The first particle begins at the uniform policy, the others at normal logits; all begin
at rest. The solver's policy is that of b, hence its exploitability never rises.
"""

from __future__ import annotations

import math

import numpy as np
import pyspiel
import tensorflow as tf

from algorithms.model.array_model import ArrayModel
from algorithms.programs import program
from algorithms.regularisers import softmax
from algorithms.solver import Solver, State, Update
from mfg_games import parameters


class ParticleSwarm(Solver):
    """Particle swarm: logits fly towards the least exploitable ones found so far.

    Args:
      game: an OpenSpiel mean field game whose nodes do not depend on the crowd, or its
        string.
      particles: how many there are.
      inertia: share of the velocity that is kept.
      cognitive: pull of a particle's own best.
      social: pull of the swarm's best.
      spread: standard deviation of the logits at the start.
      seed: of all random numbers. Equal seeds give equal numbers.
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.

    Raises:
      ValueError: a parameter is out of range, or the game's nodes depend on the crowd.
    """

    def __init__(
        self,
        game: pyspiel.Game | str,
        particles: int = 40,
        inertia: float = 0.7298,
        cognitive: float = 1.49618,
        social: float = 1.49618,
        spread: float = 1.0,
        seed: int = 0,
        dtype: str = "float64",
        device: str | None = None,
    ):
        parameters.at_least("particles", particles, 1)
        parameters.require(0 <= inertia < 1, "inertia", inertia, "in [0, 1)")
        parameters.at_least("cognitive", cognitive, 0.0)
        parameters.at_least("social", social, 0.0)
        parameters.positive("spread", spread)
        parameters.at_least("seed", seed, 0)
        self._inertia, self._cognitive, self._social = inertia, cognitive, social
        self._seed = seed
        super().__init__(game, dtype, device)
        if self.model.node_names():
            raise ValueError(
                "`game` must have nodes that do not depend on the crowd, so that all "
                f"particles have the same logits. Received: game=`{self.model.game}`"
            )
        shape = (particles, *self.model.legal_actions.shape)
        # Logits, velocities and the best logits, and two random numbers for each.
        needed = 5 * self.model.dtype.size * math.prod(shape)
        parameters.fits(needed, particles=particles)
        logits = spread * np.random.default_rng([seed, 0]).normal(size=shape)
        logits[0] = 0.0
        with tf.device(device):
            self.variables = {
                "logits": tf.Variable(logits, dtype=self.model.dtype),
                "velocities": tf.Variable(tf.zeros(shape, self.model.dtype)),
                "best_logits": tf.Variable(logits, dtype=self.model.dtype),
                "best_values": tf.Variable(
                    np.full(particles, np.inf), dtype=self.model.dtype
                ),
            }
        self._compiled_values = program(self, "_values")

    def fresh_state(self) -> State:
        return {"policy": self.model.uniform_policy()}

    def _policy(self, state: State) -> tf.Tensor:
        return state["policy"]

    def _update(self, state: State, step_size: tf.Tensor) -> Update:
        flow, values = self._sweep(state["policy"])
        return Update(state, flow, values.totals)

    def _values(self, logits: tf.Tensor) -> tf.Tensor:
        """Exploitability of each particle, [P]."""
        legal = self.model.legal_actions

        def exploitability(logits):
            policy = softmax(logits, legal)
            _, values = self._sweep(policy)
            return values.totals.exploitability

        if isinstance(self.model, ArrayModel):  # one compiled loop
            return tf.map_fn(exploitability, logits)
        return tf.stack([exploitability(each) for each in tf.unstack(logits)])

    def _advance(self, update: Update) -> State:
        swarm = {name: array.numpy() for name, array in self.variables.items()}
        values = self._compiled_values(tf.convert_to_tensor(swarm["logits"])).numpy()
        better = values < swarm["best_values"]  # false where it is no number
        swarm["best_values"][better] = values[better]
        swarm["best_logits"][better] = swarm["logits"][better]
        best = swarm["best_logits"][np.argmin(swarm["best_values"])]
        self._fly(swarm, best)
        for name, array in swarm.items():
            self.variables[name].assign(array)
        legal = self.model.legal_actions
        return {"policy": softmax(self.model.as_tensor(best), legal)}

    def _fly(self, swarm: dict[str, np.ndarray], best: np.ndarray) -> None:
        """Moves the particles."""
        rng = np.random.default_rng([self._seed, self.num_iterations + 1])
        own, common = rng.random((2, *swarm["logits"].shape))
        to_own = swarm["best_logits"] - swarm["logits"]
        to_best = best - swarm["logits"]
        swarm["velocities"] *= self._inertia
        swarm["velocities"] += self._cognitive * own * to_own
        swarm["velocities"] += self._social * common * to_best
        swarm["logits"] += swarm["velocities"]
