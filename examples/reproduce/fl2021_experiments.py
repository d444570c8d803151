"""The experiments of `flocking_2021`: games, iterations and seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
import dataclasses

from algorithms.arguments import Argument
from algorithms.job import Job

BIRDS, DISTILLED, LOCAL, GROUPS, OBSTACLES, SPACE, LINE, LQ = (
    "4-D, beta = 0",
    "4-D, beta = 0, distilled",
    "4-D, beta > 0",
    "groups",
    "obstacles",
    "6-D with columns",
    "2-D",
    "linear-quadratic",
)
GAMES: Mapping[str, str] = {  # by experiment
    BIRDS: "flocking_4d",
    DISTILLED: "flocking_4d",
    LOCAL: "flocking_4d_local",
    GROUPS: "flocking_groups",
    OBSTACLES: "flocking_obstacles",
    SPACE: "flocking_6d",
    LINE: "flocking_2d",
    LQ: "linear_quadratic",
}
# The paper's average over all iterations where there is nothing to agree on first.
_AVERAGING = (LINE, LQ)
# Where responses may collide, they learn longer, those that gain nothing are left out,
# and early ones are forgotten faster.
_OBSTRUCTED = (OBSTACLES, SPACE)
_CAREFUL: Mapping[str, Argument] = {
    "lr": 0.5,
    "accept": "gaining",
    "sac_updates": 1000,
    "sac_batch_size": 512,
    "sac_players": 32,
}


@dataclasses.dataclass(frozen=True)
class Scale:
    """What is computed.

    Attributes:
      name: of this scale; runs of different scales are kept apart.
      iterations: of fictitious play, by game.
      options: of the solver, beside its preset.
      num_seeds: of every game.
      grid: points of the positions and of the velocities in the grid game.
      counted: players whose steps are counted, for speed and obstacles.
      thorough: whether all claims are checked, or only those that a short run can tell.
      side_by_side: runs at a time, each with one thread.
    """

    name: str
    iterations: Mapping[str, int]
    options: Mapping[str, Argument]
    num_seeds: int
    grid: tuple[int, int]
    counted: int
    thorough: bool
    side_by_side: int = 2

    @property
    def settings(self) -> dict[str, object]:
        """What was computed, by name."""
        names = ("iterations", "options", "num_seeds", "grid", "counted")
        games = {game: GAMES[game] for game in self.iterations}
        return games | {name: getattr(self, name) for name in names}


Key = tuple[str, int]  # experiment, seed


def jobs(scale: Scale, seed: int) -> dict[Key, Job]:
    """All runs, in the order in which they are done.

    Args:
      scale: what to compute.
      seed: the first of the seeds.
    """
    return dict(_jobs(scale, seed))


def _jobs(scale: Scale, seed: int) -> Iterator[tuple[Key, Job]]:
    for number in range(seed, seed + scale.num_seeds):
        for game, iterations in scale.iterations.items():
            given = {**scale.options, "seed": number}
            given["preset"] = "ours" if game in _AVERAGING else "constant"
            if game in _OBSTRUCTED:
                given |= _CAREFUL
            if game == DISTILLED:
                given["average"] = "network"
            yield (game, number), Job(GAMES[game], "flock", given, iterations, {})


FULL = Scale(
    name="full",
    iterations=dict.fromkeys(GAMES, 25) | dict.fromkeys(_OBSTRUCTED, 30),
    options={},
    num_seeds=2,
    grid=(31, 41),
    counted=100_000,
    thorough=True,
)
FAST = Scale(
    name="fast",
    iterations={BIRDS: 12, LINE: 8, LQ: 8},
    options={"sac_updates": 200, "flow_updates": 80},
    num_seeds=1,
    grid=(15, 21),
    counted=10_000,
    thorough=False,
)
