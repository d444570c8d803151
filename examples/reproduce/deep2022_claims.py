"""The claims of `deep_2022`: the paper's, and this project's targets on four rooms."""

from __future__ import annotations

import math

from claims import Claim
from deep2022_curves import Groups
from deep2022_experiments import (
    AFP,
    BASELINES,
    METHODS,
    MOMD,
    ROOMS,
    UNSETTLED,
    Scale,
)
from deep2022_runs import Endings

UPSTREAM = 13.7  # OpenSpiel's D-OMD on four rooms after 50 iterations, half an hour
LOW = 3.0  # for D-MOMD on four rooms
FP_AFTER_20 = 11.5  # exact fictitious play on four rooms after 20 iterations
_GENERALLY = 3 / 5  # of the games


def all_claims(scale: Scale, groups: Groups, endings: Endings) -> list[Claim]:
    """Every claim that is checked.

    Args:
      scale: what was computed.
      groups: the deep solvers' curves.
      endings: how runs end.
    """
    return [
        *_reduction(scale, groups),
        *_baselines(scale, groups),
        *_oscillation(scale, endings),
        *(_lowest_and_fastest(scale, groups) if scale.thorough else ()),
        *(_targets(groups) if scale.thorough else ()),
    ]


def _reduction(scale: Scale, groups: Groups) -> list[Claim]:
    return [
        Claim(
            f"{label} reduces exploitability, {game}.",
            f"mean over the last fifth of the {scale.clock}, over the first value",
            groups[game, label].level(groups[game, label].end)
            / groups[game, label].start,
            high=scale.reduction,
        )
        for game in scale.games
        for label in METHODS
    ]


def _baselines(scale: Scale, groups: Groups) -> list[Claim]:
    found = []
    for game in scale.contested:
        rivals = [label for label in scale.solvers(game) if label in BASELINES]
        for label in METHODS:
            ends = [groups[game, each].end for each in (label, *rivals)]
            until = min(ends)
            best = min(rivals, key=lambda each: groups[game, each].level(until))
            found.append(
                Claim(
                    f"{label} beats the deep baselines, {game}.",
                    f"exploitability over that of the best one, {best}, "
                    f"after {until:.3g} {scale.clock}",
                    groups[game, label].level(until) / groups[game, best].level(until),
                    high=1,
                )
            )
    return found


def _lowest_and_fastest(scale: Scale, groups: Groups) -> list[Claim]:
    lowest, fastest = [], []
    for game in scale.games:
        of_game = {label: groups[game, label] for label in scale.solvers(game)}
        until = min(seeds.end for seeds in of_game.values())
        levels = {label: seeds.level(until) for label, seeds in of_game.items()}
        lowest.append(min(levels, key=levels.get) == MOMD)
        wanted = scale.reduction * of_game[MOMD].start
        first = min(seeds.stays(wanted) for seeds in of_game.values())
        reached = first < math.inf  # by any of them
        fastest.append(reached and of_game[MOMD].stays(wanted) == first)
    least = _GENERALLY * len(scale.games)
    return [
        Claim(
            "D-MOMD is generally the lowest deep solver.",
            f"games of {len(lowest)} in which it is, after equal seconds",
            sum(lowest),
            low=least,
        ),
        Claim(
            "D-MOMD is generally the fastest deep solver.",
            f"games of {len(fastest)} in which its mean is the first to stay below "
            f"{scale.reduction:g} of the first exploitability",
            sum(fastest),
            low=least,
        ),
    ]


def _oscillation(scale: Scale, endings: Endings) -> list[Claim]:
    found = []
    for game in scale.contested:
        calm = max(endings[game, label].movement for label in METHODS)
        for label in UNSETTLED:
            found.append(
                Claim(
                    f"{label} oscillates, {game}.",
                    "total variation between its flow and the next one, over the "
                    f"larger one of {' and '.join(METHODS)} ({calm:.2g})",
                    endings[game, label].movement / calm,
                    low=2,
                )
            )
    return found


def _targets(groups: Groups) -> list[Claim]:
    momd, afp = groups[ROOMS, MOMD], groups[ROOMS, AFP]
    rivals = [
        Claim(
            f"Target, four rooms: {label} does not get below {FP_AFTER_20}.",
            "lowest mean of the seeds",
            groups[ROOMS, label].lowest,
            low=FP_AFTER_20,
        )
        for label in UNSETTLED
    ]
    return [
        Claim(
            "Target, four rooms: D-MOMD is within a minute where the released code is "
            "after 50 iterations.",
            "mean of the seeds after 60 seconds",
            float(momd.at(60.0).mean()),
            high=UPSTREAM,
        ),
        Claim(
            f"Target, four rooms: D-MOMD gets below {LOW} within ten minutes.",
            "seconds until the mean of the seeds is there",
            momd.reaches(LOW),
            high=600,
        ),
        Claim(
            "Target, four rooms: D-MOMD does not rise again.",
            "mean of the last fifth of the seconds over the fifth before",
            momd.trend,
            high=1.02,
        ),
        Claim(
            "Target, four rooms: D-MOMD stays down.",
            f"highest mean of the seeds since it was below {LOW}",
            momd.highest_after(LOW),
            high=1.1 * LOW,
        ),
        Claim(
            f"Target, four rooms: D-AFP gets below {FP_AFTER_20}, exact fictitious "
            "play after 20 iterations, within 30 minutes.",
            "seconds until the mean of the seeds is there",
            afp.reaches(FP_AFTER_20),
            high=1800,
        ),
        Claim(
            "Target, four rooms: D-AFP is still falling.",
            "mean of the last fifth of the seconds over the fifth before",
            afp.trend,
            high=0.98,
        ),
        *rivals,
    ]
