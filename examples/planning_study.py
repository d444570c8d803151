"""What the study of planned best responses measures; `planning.py` is the program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import dataclasses

import tensorflow as tf

from algorithms.deep.deep_fictitious_play import DeepFictitiousPlay
from algorithms.deep.dqn import DQNConfig
from algorithms.deep.learnt_kernel import KernelConfig
from algorithms.deep.networks import NetworkSpec
from algorithms.deep.planning import PlanningConfig, PlanningResponse
from algorithms.deep.players import world
from algorithms.model import load_model

tf.get_logger().setLevel("ERROR")  # several solvers are no reason for a warning

KERNELS = ("true", "learnt")
RESPONSE, FICTITIOUS_PLAY = "response", "fictitious play"


@dataclasses.dataclass(frozen=True)
class Scale:
    """What is computed.

    Attributes:
      games: their strings.
      simulations: the budgets of responses to the uniform population.
      play_simulations: those inside fictitious play.
      seeds: how many, from 0 on.
      iterations: of fictitious play.
      updates: gradient steps of the learnt values: for responses, each of these; for
        fictitious play, the first ones in every iteration.
      kernel_updates: those of the learnt kernel.
    """

    games: Sequence[str]
    simulations: Sequence[int]
    play_simulations: Sequence[int]
    seeds: int
    iterations: int
    updates: Sequence[int]
    kernel_updates: int

    @property
    def runs(self) -> int:
        """How many runs there are."""
        each = len(self.updates) + len(self.play_simulations)
        return len(self.games) * len(KERNELS) * self.seeds * each


FULL = Scale(
    games=("mfg_beach_bar(size=30,horizon=15)", "mfg_exploration(horizon=10)"),
    simulations=(0, 1, 4, 16, 64, 256),
    play_simulations=(0, 4, 16, 64),
    seeds=2,
    iterations=8,
    updates=(500, 2000),
    kernel_updates=500,
)
FAST = Scale(
    games=("mfg_beach_bar(size=10,horizon=6)", "mfg_sis(horizon=10)"),
    simulations=(0, 4, 64),
    play_simulations=(16,),
    seeds=1,
    iterations=3,
    updates=(100,),
    kernel_updates=100,
)


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One exploitability.

    Attributes:
      game: its string.
      what: `RESPONSE`, what a response misses of the best one's value against the
        uniform population; `FICTITIOUS_PLAY`, that of the last average policy.
      kernel: with which it was planned.
      simulations: of each search.
      updates: gradient steps of the learnt values.
      seed: of the run.
      exploitability: exact.
    """

    game: str
    what: str
    kernel: str
    simulations: int
    updates: int
    seed: int
    exploitability: float


def measure(scale: Scale) -> Iterator[list[Measurement]]:
    """The measurements of one run after the other."""
    for game in scale.games:
        for kernel in KERNELS:
            for seed in range(scale.seeds):
                for updates in scale.updates:
                    yield responses(game, kernel, updates, seed, scale)
                for simulations in scale.play_simulations:
                    yield [fictitious_play(game, kernel, simulations, seed, scale)]


def responses(
    game: str, kernel: str, updates: int, seed: int, scale: Scale
) -> list[Measurement]:
    """One response learnt, and planned with all budgets."""
    model = load_model(game)
    uniform = model.uniform_policy()
    flow = model.compiled_distribution(uniform)
    here = world(model, flow, model.observations)
    law = KernelConfig(updates=scale.kernel_updates)
    planner = PlanningResponse(
        NetworkSpec(here.features.shape[1], model.num_actions),
        DQNConfig(updates=updates),
        PlanningConfig(kernel=kernel, law=law),
        seed,
    )
    outlook = planner.prepare(here, tf.cast(uniform, tf.float32), 0)
    rows = tf.range(model.num_nodes, dtype=tf.int64)
    found = []
    for simulations in scale.simulations:
        policy = planner.plan(outlook, rows, 0, simulations)
        values = model.compiled_evaluate(tf.cast(policy, model.dtype), flow)
        missed = float(values.totals.exploitability)
        found.append(
            Measurement(game, RESPONSE, kernel, simulations, updates, seed, missed)
        )
    return found


def fictitious_play(
    game: str, kernel: str, simulations: int, seed: int, scale: Scale
) -> Measurement:
    """Fictitious play with planned responses."""
    updates = scale.updates[0]
    solver = DeepFictitiousPlay.make(
        game,
        best_response="planning",
        planning_simulations=simulations,
        planning_kernel=kernel,
        planning_law_updates=scale.kernel_updates,
        dqn_updates=updates,
        seed=seed,
    )
    for _ in range(scale.iterations):
        solver.iteration()
    reached = solver.exploitability
    return Measurement(
        game, FICTITIOUS_PLAY, kernel, simulations, updates, seed, reached
    )


def exact_fictitious_play(game: str, scale: Scale) -> float:
    """Exploitability of fictitious play with exact responses."""
    solver = DeepFictitiousPlay.make(game, best_response="exact")
    for _ in range(scale.iterations):
        solver.iteration()
    return solver.exploitability
