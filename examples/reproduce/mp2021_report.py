"""What `master_policies_2021` says on its page, and the claims that it checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import pathlib

from claims import Claim
import deep_jobs
import mp2021_experiments as experiments
from mp2021_experiments import (
    BASELINES,
    EXACT,
    LABELS,
    MASTERS,
    MOMD,
    NAMES,
    OWN,
    Scale,
)
import mp2021_figures
import mp2021_runs
from mp2021_runs import Evaluated
import numpy as np
from reproduction import Findings

from algorithms import markdown_tables

_TITLE = (
    "Generalization in Mean Field Games by Learning Master Policies "
    "(Perrin et al. 2021)"
)
_NOTES = """\
{solvers}.

Training laws: `{training}`; unseen laws: `{unseen}` (a Gaussian has a random mean and
width, a mixture two or three of them, a Dirichlet law is drawn from all laws alike).
The paper's sizes, noises and laws are not known, and the networks here are this
project's: two layers of {width}, into which log densities of mu go beside the
observation, those of all places and once more those of the places near the player, seen
from where he stands. Without the latter the master policy of the plane was 3.5 times as
exploitable from unseen laws (2.84 for 0.80, one seed, 40 iterations of 500 steps, width
256).
All policies of one game have the same learner: gradient steps, replay and temperature
of mirror descent; master FP learns greedy responses instead, and its average of k of
them keeps about 1 / k of the first one's exploitability. The exact solution is mirror
descent with adaptive steps on the tables of each law, which sees everything.

Exploitability from the unseen laws at the end, mean over them and {seeds} seeds:

{results}
"""
_AHEAD, _NEAR = 5, 3
_FALL = 0.5


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
    curves = deep_jobs.read(jobs, root)
    games = mp2021_runs.evaluate(scale, jobs, root)
    return Findings(
        title=_TITLE,
        notes=notes(scale, games),
        claims=all_claims(scale, games),
        figures=mp2021_figures.all_figures(scale, games),
        runs={
            (game, f"{label} {law}, seed {number}".replace(" ,", ",")): solved
            for (game, label, law, number), solved in curves.items()
        },
        tables={"by_law.csv": list(rows(scale, games))},
        settings=scale.settings,
        earlier_seconds=earlier,
    )


def rows(scale: Scale, games: Mapping[str, Evaluated]):
    """A row for each game, policy, law and seed."""
    for game, found in games.items():
        for policy, values in found.by_law.items():
            for seed, by_law in enumerate(values):
                for number, (law, value) in enumerate(
                    zip(scale.laws, by_law, strict=True)
                ):
                    yield {
                        "game": game,
                        "policy": policy,
                        "law": law,
                        "unseen": number >= scale.num_training,
                        "seed": seed,
                        "exploitability": float(value),
                    }


def unseen_means(scale: Scale, found: Evaluated) -> dict[str, float]:
    """Mean exploitability over unseen laws and seeds, by label."""
    first = scale.num_training
    means = {
        label: float(found.by_law[label][:, first:].mean())
        for label in (*LABELS, EXACT)
    }
    laws = list(enumerate(scale.laws))[first:]
    return means | {OWN: float(found.specialised(laws).mean())}


def notes(scale: Scale, games: Mapping[str, Evaluated]) -> str:
    """What a reader must know before the claims, in markdown."""
    labels = (*LABELS, OWN, EXACT)
    rows = []
    for game, found in games.items():
        means = unseen_means(scale, found)
        rows.append([game, *(f"{means[label]:.3g}" for label in labels)])
    return _NOTES.format(
        solvers="; ".join(f"{label}: {NAMES[label]}" for label in (*LABELS, OWN)),
        training=scale.training,
        unseen=scale.unseen,
        width=scale.width,
        seeds=scale.num_seeds,
        results=markdown_tables.table(["game", *labels], rows),
    )


def all_claims(scale: Scale, games: Mapping[str, Evaluated]) -> list[Claim]:
    """Every claim that is checked."""
    found = []
    for game, evaluated in games.items():
        means = unseen_means(scale, evaluated)
        found += _falls(game, evaluated)
        if scale.thorough:
            found += _ahead(game, means)
            found += _near(game, means)
            found.append(_everywhere(scale, game, evaluated))
    return found


def _falls(game: str, found: Evaluated) -> list[Claim]:
    return [
        Claim(
            f"{label}: exploitability from unseen laws falls with iterations, {game}.",
            "mean of the last fifth of the iterations, over the first one",
            float(_last(found.unseen[label]) / found.unseen[label][:, 0].mean()),
            high=_FALL,
        )
        for label in MASTERS
    ]


def _last(values: np.ndarray) -> float:
    count = max(1, values.shape[1] // 5)
    return float(values[:, -count:].mean())


def _ahead(game: str, means: Mapping[str, float]) -> Sequence[Claim]:
    return [
        Claim(
            f"{MOMD} generalises {_AHEAD} times better than {label}, {game}.",
            "mean exploitability from unseen laws, over that of the master policy",
            means[label] / means[MOMD],
            low=_AHEAD,
        )
        for label in BASELINES
    ]


def _near(game: str, means: Mapping[str, float]) -> Sequence[Claim]:
    return [
        Claim(
            f"{MOMD} is on unseen laws near policies that have learnt them, {game}.",
            "mean exploitability over that of the specialised policies",
            means[MOMD] / means[OWN],
            high=_NEAR,
        )
    ]


def _everywhere(scale: Scale, game: str, found: Evaluated) -> Claim:
    master, blind = (
        found.by_law[label].mean(axis=0)[scale.num_training :]
        for label in (MOMD, BASELINES[0])
    )
    return Claim(
        f"One network suffices for every unseen law, {game}.",
        "highest ratio of exploitability to the unconditioned policy's, of the laws",
        float((master / blind).max()),
        high=1.0,
    )
