"""What `flocking_2021` says on its page, and the claims that it checks."""

from __future__ import annotations

from collections.abc import Mapping
import pathlib

from claims import Claim
import deep_jobs
import fl2021_experiments as experiments
from fl2021_experiments import (
    BIRDS,
    DISTILLED,
    GAMES,
    GROUPS,
    LINE,
    LOCAL,
    LQ,
    Key,
    Scale,
)
import fl2021_figures
import fl2021_runs
from fl2021_runs import Flown
import numpy as np
from reproduction import Findings

from algorithms import markdown_tables
from mfg_games import continuous_games

_TITLE = "Mean Field Games Flock! The Reinforcement Learning Way (Perrin et al. 2021)"
_NOTES = """\
Fictitious play in continuous space: responses learnt by soft actor-critic, the
population's law at each time a neural spline flow (`algorithms/flock.py`). The games:

{games}

The paper prints none of its coefficients. Here speed pays its components' sum, of
weight 1 in the plane and in space, the effort costs 0.1, a bird accelerates and flies
by at most 1 in each dimension, and the noise is 0.05 per unit of time. Birds must first
agree on a direction: an average over all iterations remembers the ones before that, so
that each new response has the constant weight 0.3 there. Among obstacles, which some
responses fly into, it is 0.5, responses learn longer, and those that gain nothing are
left out. On the line, with its weight of speed of 0.1, and in the linear-quadratic game
the average is the paper's. It is a mixture, of which each player draws a policy;
"distilled" says that one network has learnt from the mixture's players in each
iteration and plays in their place.

Exploitability is an estimate: what the learnt response earns more than the average
policy, the same {evaluated} players and the same chance. What the response has not
learnt is missing, hence it is too low in expectation, and it may come out negative. The
2-D game tells how much: a newcomer, who learns ten times as long against the last crowd
alone (`algorithms/newcomer.py`, 95 % confidence), and a grid of {positions} positions
and {velocities} velocities, where the exact value of the same average policy is known,
up to the rounding of its moves to the grid. For the seeds in their order,

- the estimates after the last iteration are {estimates},
- the newcomers gain {newcomers},
- and the exact values are {exact}.

On the grid an acceleration is one of {accelerations} levels, drawn from the nearest two
so that its mean is the policy's. What such draws add to the noise and to the effort a
response there avoids, so that the exact value is too large, if anything.

{results}
"""
_FALL, _VARIANCE = 5, 20
_COLUMNS = (
    "variance at first",
    "variance at last",
    "distance of the mean velocity to a corner",
    "kept direction",
    "inside an obstacle",
    "steps looked at",
    "feedback error",
    "exact exploitability",
    "newcomer's gain",
    "half width of its interval",
    "agent steps a second",
)


def study(scale: Scale, seed: int, root: pathlib.Path) -> Findings:
    """Runs all experiments.

    Args:
      scale: what to compute.
      seed: the first of the seeds.
      root: where the runs are, finished ones among them.

    Raises:
      RuntimeError: a run failed.
    """
    jobs = experiments.jobs(scale, seed)
    earlier = deep_jobs.do_all(jobs, root, scale.side_by_side)
    flown = fl2021_runs.evaluate(scale, jobs, root)
    logs = fl2021_figures.read_logs(jobs, root)
    curves = deep_jobs.read(jobs, root)
    return Findings(
        title=_TITLE,
        notes=notes(scale, flown, logs),
        claims=all_claims(scale, flown, logs),
        figures=fl2021_figures.all_figures(flown, logs),
        runs={(game, f"seed {number}"): run for (game, number), run in curves.items()},
        tables={"numbers.csv": rows(flown)},
        settings=scale.settings,
        earlier_seconds=earlier,
        animations=fl2021_figures.animations(flown),
    )


def rows(flown: Mapping[Key, Flown]) -> list[dict]:
    """A row for each game and seed."""
    return [
        {"game": game, "seed": seed}
        | {name: each.numbers.get(name, "") for name in _COLUMNS}
        for (game, seed), each in flown.items()
    ]


def notes(scale: Scale, flown: Mapping[Key, Flown], logs: fl2021_figures.Logs) -> str:
    """What a reader must know before the claims, in markdown."""
    from algorithms.flock import FlockConfig

    settings = continuous_games.SETTINGS
    games = [
        f"- {game}: `{GAMES[game]}`, {settings[_name(game)].description}"
        for game in scale.iterations
    ]
    lines = []
    for row in rows(flown):
        cells = [row[name] for name in _COLUMNS]
        texts = [f"{cell:.3g}" if cell != "" else "" for cell in cells]
        lines.append([row["game"], str(row["seed"]), *texts])
    estimates = [
        log["exploitability"][-1] for key, log in logs.items() if key[0] == LINE
    ]
    exact, gains, widths = (
        measured(flown, LINE, name)
        for name in (
            "exact exploitability",
            "newcomer's gain",
            "half width of its interval",
        )
    )
    newcomers = zip(gains, widths, strict=True)
    return _NOTES.format(
        games="\n".join(games),
        evaluated=FlockConfig().evaluated,
        positions=scale.grid[0],
        velocities=scale.grid[1],
        accelerations=fl2021_runs.ACCELERATIONS,
        estimates=", ".join(f"{value:.3g}" for value in estimates),
        newcomers=", ".join(
            f"{gain:.3g} (+- {width:.2g})" for gain, width in newcomers
        ),
        exact=", ".join(f"{value:.3g}" for value in exact),
        results=markdown_tables.table(["game", "seed", *_COLUMNS], lines),
    )


def _name(game: str) -> str:
    """In `continuous_games.SETTINGS`."""
    return GAMES[game].split("(")[0]


def measured(flown: Mapping[Key, Flown], game: str, name: str) -> np.ndarray:
    """A number of all seeds of a game."""
    return np.array(
        [each.numbers[name] for key, each in flown.items() if key[0] == game]
    )


def all_claims(
    scale: Scale, flown: Mapping[Key, Flown], logs: fl2021_figures.Logs
) -> list[Claim]:
    """Every claim that is checked."""
    games = list(scale.iterations)
    found = [_falls(game, logs) for game in games if scale.thorough]
    for game in (BIRDS, DISTILLED):
        if game in games:
            found += [_aligns(game, flown), _consensus(game, flown)]
    if GROUPS in games:
        found.append(
            Claim(
                "Groups far apart keep their own velocities at a large beta.",
                "share of birds that end in their group's direction, fewest of a seed",
                float(measured(flown, GROUPS, "kept direction").min()),
                low=0.95,
            )
        )
    found += [
        _avoids(game, flown)
        for game in games
        if any(
            "steps looked at" in flown[key].numbers for key in flown if key[0] == game
        )
    ]
    found.append(
        Claim(
            "The feedback of the linear-quadratic game is that of the closed form.",
            "root mean squared difference over that of the actions, worst seed",
            float(measured(flown, LQ, "feedback error").max()),
            high=0.1 if scale.thorough else 0.3,
        )
    )
    return found + (_speeds(flown) if scale.thorough else [])


def _falls(game: str, logs: fl2021_figures.Logs) -> Claim:
    values = np.stack(
        [log["exploitability"] for key, log in logs.items() if key[0] == game]
    )
    # The first response has learnt little, and an estimate is too low, if anything;
    # one below zero tells at least how far off estimates are.
    first, last = values.mean(axis=0)[:3].max(), np.abs(values[:, -3:]).mean()
    return Claim(
        f"Approximate exploitability falls {_FALL} times, {game}.",
        "mean of the seeds, largest of the first three iterations over the mean of the "
        "last three in magnitude",
        float(first / last),
        low=_FALL,
    )


def _aligns(game: str, flown: Mapping[Key, Flown]) -> Claim:
    first, last = (
        measured(flown, game, f"variance at {when}") for when in ("first", "last")
    )
    return Claim(
        f"The variance of velocities falls {_VARIANCE} times, {game}.",
        "at the start of an episode over that at its end, least of the seeds",
        float((first / last).min()),
        low=_VARIANCE,
    )


def _consensus(game: str, flown: Mapping[Key, Flown]) -> Claim:
    distances = measured(flown, game, "distance of the mean velocity to a corner")
    return Claim(
        f"The consensus is one of (+-1, +-1), {game}.",
        "largest difference of a component of the mean velocity, worst seed",
        float(distances.max()),
        high=0.1,
    )


def _avoids(game: str, flown: Mapping[Key, Flown]) -> Claim:
    steps = measured(flown, game, "steps looked at").sum()
    return Claim(
        f"Nobody flies into an obstacle, {game}.",
        f"positions inside of one, of {steps:.3g}",
        float(measured(flown, game, "inside an obstacle").sum()),
        high=0,
    )


def _speeds(flown: Mapping[Key, Flown]) -> list[Claim]:
    return [
        Claim(
            f"Many agents are simulated fast, {game}.",
            "agent steps a second, 1e5 agents in a crowd of 1000, slowest of the seeds",
            float(measured(flown, game, "agent steps a second").min()),
            low=low,
        )
        for game, low in ((BIRDS, 1e6), (LOCAL, 1e5))
    ]
