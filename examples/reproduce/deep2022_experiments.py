"""The experiments of `deep_2022`: games, solvers, hyper-parameters and budgets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
import dataclasses

from experiments import Algorithms

from algorithms import arguments
from algorithms.arguments import Argument
from algorithms.job import Job
from mfg_games.settings import setting

MOMD, AFP, BP, PI, BI, DFP = "D-MOMD", "D-AFP", "D-BP", "D-PI", "D-BI", "D-FP"
EXACT_FP, EXACT_OMD, EXACT_MOMD, EXACT_BP, EXACT_PI = (
    "exact FP",
    "exact OMD",
    "exact M-OMD",
    "exact BP",
    "exact PI",
)
# Label -> name in `algorithms.catalogue.SOLVERS`.
SOLVERS = {
    MOMD: "deep_mirror_descent",
    AFP: "average_network_fictitious_play",
    BP: "deep_fixed_point",
    PI: "deep_policy_iteration",
    BI: "deep_boltzmann_iteration",
    DFP: "deep_fictitious_play",
}
NAMES = {
    MOMD: "deep Munchausen online mirror descent",
    AFP: "average-network fictitious play",
    BP: "deep fixed point (Banach-Picard) iteration",
    PI: "deep policy iteration",
    BI: "deep Boltzmann iteration",
    DFP: "deep fictitious play, all networks stored",
}
METHODS = (MOMD, AFP)  # the paper's
BASELINES = (BP, PI, BI)
UNSETTLED = (BP, PI)  # what is said to oscillate
_RESPONDING = (BP, DFP)  # learn best responses, and do so as D-AFP does
ALPHA = 0.99
_ENDLESS = 10**6  # iterations where seconds end a run

ROOMS, SIS, LQ, MAZE, CHASING = (
    "four rooms",
    "epidemic",
    "linear-quadratic",
    "congestion",
    "chasing",
)


@dataclasses.dataclass(frozen=True)
class Environment:
    """One game of the paper.

    Attributes:
      name: what the figures call it.
      game: a setting's name, or an OpenSpiel string.
      tau: temperature of mirror descent, the inverse of its rate.
      heat: temperature of the Boltzmann iteration.
      updates: gradient steps of an iteration, of values and of D-AFP's student.
      reason: why this tau.
    """

    name: str
    game: str
    tau: float
    heat: float
    updates: int
    reason: str

    def options(self, label: str) -> dict[str, Argument]:
        """Of a deep solver, but for the seed. Imports TensorFlow."""
        own = {
            MOMD: {"tau": self.tau, "alpha": ALPHA},
            AFP: {"student_updates": self.updates},
            BI: {"temperature": self.heat},
        }
        learner = _learner() if label in _RESPONDING else {}
        return {**learner, "dqn_updates": self.updates, **own.get(label, {})}

    @property
    def exact(self) -> Algorithms:
        """The exact solvers; mirror descent has the rate 1 / tau."""
        munchausen = {"lr": 1 / self.tau, "alpha": ALPHA}
        return {
            EXACT_FP: ("fictitious_play", {}),
            EXACT_OMD: ("mirror_descent", {"lr": 1 / self.tau}),
            EXACT_MOMD: ("munchausen_mirror_descent", munchausen),
            EXACT_BP: ("fixed_point", {}),
            EXACT_PI: ("policy_iteration", {}),
        }


@dataclasses.dataclass(frozen=True)
class Budget:
    """When a run ends.

    Attributes:
      seconds: after so many, and the iteration that has begun; None for no limit.
      iterations: after so many.
    """

    seconds: float | None = None
    iterations: int = _ENDLESS

    def __str__(self) -> str:
        if self.seconds is None:
            return f"{self.iterations} iterations"
        return f"{self.seconds:g} s"


@dataclasses.dataclass(frozen=True)
class Scale:
    """What is computed.

    Attributes:
      name: of this scale; runs of different scales are kept apart.
      environments: the games, in the order in which they are run.
      budgets: of a run, by game and deep solver, in the order in which they are run.
      num_seeds: of every deep solver.
      iterations: of the exact solvers.
      reduction: share of the first exploitability that the paper's solvers must reach.
      contested: games on which the claims about the baselines are checked.
      clock: what claims take for time, "seconds" or "iterations".
      thorough: whether speed and this project's targets on four rooms are checked.
      side_by_side: runs at a time, each with one thread.
    """

    name: str
    environments: tuple[Environment, ...]
    budgets: Mapping[str, Mapping[str, Budget]]
    num_seeds: int
    iterations: int
    reduction: float
    contested: tuple[str, ...]
    clock: str
    thorough: bool
    side_by_side: int = 2

    @property
    def games(self) -> list[str]:
        """The names of the games."""
        return [each.name for each in self.environments]

    def solvers(self, game: str) -> list[str]:
        """Labels of the deep solvers that run on a game."""
        return list(self.budgets[game])

    @property
    def settings(self) -> dict[str, object]:
        """What was computed, by name."""
        numbers = dataclasses.asdict(self)
        games = {each.name: each.game for each in self.environments}
        names = ("num_seeds", "iterations", "side_by_side")
        return games | {name: numbers[name] for name in names}


def _learner() -> dict[str, Argument]:
    """How D-AFP learns its responses, by default."""
    defaults = arguments.defaults(SOLVERS[AFP])
    return {name: value for name, value in defaults.items() if name.startswith("dqn_")}


Key = tuple[str, str, int]  # game, deep solver, seed


def jobs(scale: Scale, seed: int) -> dict[Key, Job]:
    """All runs of deep solvers, in the order in which they are done.

    Args:
      scale: what to compute.
      seed: the first of the seeds.
    """
    return dict(_jobs(scale, seed))


def _jobs(scale: Scale, seed: int) -> Iterator[tuple[Key, Job]]:
    for each in scale.environments:
        for label, budget in scale.budgets[each.name].items():
            for number in range(seed, seed + scale.num_seeds):
                given = {**each.options(label), "seed": number}
                limits = budget.iterations, {"seconds": budget.seconds}
                job = Job(each.game, SOLVERS[label], given, *limits)
                yield (each.name, label, number), job


def _seconds(*numbers: float) -> dict[str, Budget]:
    """For each of `SOLVERS`."""
    return dict(zip(SOLVERS, map(Budget, numbers), strict=True))


def _iterations(momd: int, afp: int, others: int) -> dict[str, Budget]:
    """For the solvers that claims need."""
    numbers = {MOMD: momd, AFP: afp, **dict.fromkeys(UNSETTLED, others)}
    return {label: Budget(iterations=number) for label, number in numbers.items()}


_ENVIRONMENTS = (
    Environment(
        ROOMS,
        "four_rooms_deep_2022",
        tau=10.0,
        heat=10.0,
        updates=1000,
        reason="that of the released code; Q has a range of 290",
    ),
    Environment(
        SIS,
        "sis_2022",
        tau=1.0,
        heat=0.1,
        updates=200,
        reason="Q has a range of 28; exact M-OMD is lowest of 0.3, 1, 3 at k = 50",
    ),
    Environment(
        LQ,
        setting("linear_quadratic_deep_2022").name,
        tau=1.0,
        heat=0.1,
        updates=200,
        reason="Q has a range of 68; exact M-OMD converges from 0.3 to 3",
    ),
    Environment(
        CHASING,
        "chasing_3_populations_2021",
        tau=3.0,
        heat=3.0,
        updates=200,
        reason="Q has a range of 33; exact M-OMD diverges at 1, is slower at 10",
    ),
    Environment(
        MAZE,
        "maze_congestion_2022",
        tau=30.0,
        heat=30.0,
        updates=300,
        reason="Q has a range of 720; exact M-OMD is unsteady at 10, biased at 100",
    ),
)
_SMALL_GAMES = (SIS, LQ, CHASING)
FULL = Scale(
    name="full",
    environments=_ENVIRONMENTS,
    budgets={
        ROOMS: _seconds(300, 200, 75, 75, 75, 45),
        SIS: _seconds(45, 45, 45, 45, 45, 45),
        LQ: _seconds(15, 15, 15, 15, 15, 15),
        CHASING: _seconds(45, 45, 45, 45, 45, 15),
        MAZE: _seconds(80, 100, 60, 60, 60, 30),
    },
    num_seeds=5,
    iterations=200,
    reduction=0.5,
    contested=(ROOMS, *_SMALL_GAMES, MAZE),
    clock="seconds",
    thorough=True,
)
_SMALLER = Environment(
    MAZE,
    "mfg_congestion(layout=four_rooms,horizon=30)",
    tau=10.0,
    heat=10.0,
    updates=1000,
    reason="four rooms in place of the maze; Q has a range of 220",
)
# By iterations: what a busy machine finds is then the same, only later.
FAST = Scale(
    name="fast",
    environments=(*_ENVIRONMENTS[:-1], _SMALLER),
    budgets={
        ROOMS: _iterations(5, 3, 3),
        **dict.fromkeys(_SMALL_GAMES, _iterations(12, 10, 10)),
        MAZE: _iterations(5, 3, 3),
    },
    num_seeds=2,
    iterations=50,
    reduction=0.8,
    contested=(ROOMS, SIS, CHASING, MAZE),
    clock="iterations",
    thorough=False,
)
