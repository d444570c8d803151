"""The experiments of `master_policies_2021`: games, laws, learners and budgets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
import dataclasses

from algorithms.arguments import Argument
from algorithms.job import Job
from mfg_games.initial_laws import separate

MOMD, MFP, BLIND, MIXED = "master OMD", "master FP", "unconditioned", "mixture reward"
OWN = "specialised"  # one policy for each initial law
EXACT = "exact"
_LOOKED_AT = 12  # laws of the training at most
# Of Munchausen: a smaller one leaves mirror descent at an equilibrium with entropy.
ALPHA = 0.998
MASTERS, BASELINES = (MOMD, MFP), (BLIND, MIXED)
LABELS = (*MASTERS, *BASELINES)
NAMES = {
    MOMD: "master mirror descent, one network that sees mu",
    MFP: "master fictitious play (the paper's), a mixture of networks that see mu",
    BLIND: "unconditioned policy, trained as master OMD, but the network sees no mu",
    MIXED: "mixture-reward policy, which moreover is paid the mean over all laws",
    OWN: "specialised policies, one network for each law by the same learner",
}
_SOLVERS = {
    MOMD: "master_mirror_descent",
    MFP: "master_fictitious_play",
    BLIND: "master_mirror_descent",
    MIXED: "master_mirror_descent",
    OWN: "master_mirror_descent",
}
_CHOICES: Mapping[str, Mapping[str, Argument]] = {
    MOMD: {},
    MFP: {},
    BLIND: {"sees": "nothing"},
    MIXED: {"sees": "nothing", "rewards": "average"},
    OWN: {"sees": "nothing"},
}


@dataclasses.dataclass(frozen=True)
class Environment:
    """One game of the paper.

    Attributes:
      name: what the figures call it.
      game: its OpenSpiel string without `initial_laws`, closed by no bracket.
      tau: temperature of mirror descent.
    """

    name: str
    game: str
    tau: float

    def of(self, family: str) -> str:
        """The game with these initial laws."""
        return f"{self.game},initial_laws={family})"


@dataclasses.dataclass(frozen=True)
class Scale:
    """What is computed.

    Attributes:
      name: of this scale; runs of different scales are kept apart.
      environments: the games.
      updates: gradient steps of an iteration.
      width: of the networks' layers, and samples of a gradient step.
      training, unseen: families of initial laws.
      iterations: of each solver, by label.
      num_seeds: of every solver.
      exact_iterations: of the exact solver.
      thorough: whether all claims are checked, or only those that a short run can tell.
      side_by_side: runs at a time, each with one thread.
    """

    name: str
    environments: tuple[Environment, ...]
    updates: int
    width: int
    training: str
    unseen: str
    iterations: Mapping[str, int]
    num_seeds: int
    exact_iterations: int
    thorough: bool
    side_by_side: int = 2

    @property
    def laws(self) -> list[str]:
        """The laws from which policies are evaluated, some of the training first."""
        trained = separate(self.training)
        every = -(-len(trained) // _LOOKED_AT)
        return [*trained[::every], *separate(self.unseen)]

    @property
    def num_training(self) -> int:
        """How many of `laws` are of the training."""
        return len(self.laws) - len(separate(self.unseen))

    @property
    def settings(self) -> dict[str, object]:
        """What was computed, by name."""
        names = (
            "updates",
            "width",
            "training",
            "unseen",
            "iterations",
            "num_seeds",
            "exact_iterations",
        )
        games = {each.name: each.of(self.training) for each in self.environments}
        return games | {name: getattr(self, name) for name in names}


Key = tuple[str, str, str, int]  # game, label, law of a specialised policy or "", seed


def jobs(scale: Scale, seed: int) -> dict[Key, Job]:
    """All runs, in the order in which they are done.

    Args:
      scale: what to compute.
      seed: the first of the seeds.
    """
    return dict(_jobs(scale, seed))


def _jobs(scale: Scale, seed: int) -> Iterator[tuple[Key, Job]]:
    for number in range(seed, seed + scale.num_seeds):
        for each in scale.environments:
            for label in LABELS:
                job = _job(scale, each, label, scale.training, number)
                yield (each.name, label, "", number), job
            for law in separate(scale.unseen):
                job = _job(scale, each, OWN, law, number)
                yield (each.name, OWN, law, number), job


def _job(scale: Scale, each: Environment, label: str, family: str, seed: int) -> Job:
    given = {
        **_CHOICES[label],
        "embedding": "around",
        "dqn_updates": scale.updates,
        "dqn_width": scale.width,
        "dqn_batch_size": scale.width,
        "seed": seed,
    }
    if label != MFP:
        given |= {"tau": each.tau, "alpha": ALPHA}
    if label in LABELS:
        given |= {"unseen": scale.unseen}
    limits = scale.iterations[label], {}
    return Job(each.of(family), _SOLVERS[label], given, *limits)


_LINE, _EMPTY, _ROOMS, _BAR = (
    "exploration, line",
    "exploration, plane",
    "exploration, four rooms",
    "beach bar",
)
_ENVIRONMENTS = (
    Environment(_LINE, "mfg_exploration(layout=empty_1x16,horizon=16,noise=0.5", 4.0),
    Environment(_EMPTY, "mfg_exploration(layout=empty_8x8,horizon=16,noise=0.5", 4.0),
    Environment(
        _ROOMS, "mfg_exploration(layout=four_rooms_open,horizon=24,noise=0.5", 7.0
    ),
    Environment(_BAR, "mfg_beach_bar_2d(size=9,horizon=15,noise=0.5", 7.0),
)
FULL = Scale(
    name="full",
    environments=_ENVIRONMENTS,
    updates=300,
    width=128,
    training="uniform+gaussians:29+mixtures:30+dirichlet:40",
    unseen="gaussians:2:1+mixtures:1:1+dirichlet:1:1",
    iterations={MOMD: 80, MFP: 20, BLIND: 30, MIXED: 30, OWN: 30},
    num_seeds=3,
    exact_iterations=300,
    thorough=True,
)
FAST = Scale(
    name="fast",
    environments=(
        Environment(_LINE, "mfg_exploration(layout=empty_1x8,horizon=8,noise=0.5", 2.0),
        Environment(_BAR, "mfg_beach_bar_2d(size=5,horizon=8,noise=0.5", 2.0),
    ),
    updates=200,
    width=64,
    training="uniform+gaussians:7",
    unseen="gaussians:2:1",
    iterations={MOMD: 20, MFP: 10, BLIND: 20, MIXED: 20, OWN: 20},
    num_seeds=2,
    exact_iterations=100,
    thorough=False,
)
