"""What `deep_2022` says on its page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
import pathlib

import deep2022_claims
from deep2022_curves import grouped, rows
import deep2022_experiments as experiments
from deep2022_experiments import ALPHA, LQ, NAMES, Scale
import deep2022_figures
import deep2022_runs
import deep_jobs
from reproduction import Findings

from algorithms import markdown_tables

_TITLE = (
    "Scalable Deep Reinforcement Learning Algorithms for Mean Field Games "
    "(Laurière et al. 2022)"
)
_NOTES = """\
{solvers}.

A run has one thread, and {side_by_side} of them go on at a time; seconds are the run's
own, its compilation included. A run ends when its budget is spent, so that slow solvers
make fewer iterations in equal seconds. Flows and exploitability are exact, and players
learn from sampled moves alone. The sizes of the linear-quadratic game and of the
chasing populations are not known from the paper; the maze is OpenSpiel's.

All networks have two layers of 128. The solvers are at their defaults, but that D-BP
and D-FP learn their responses as D-AFP does. Each game has its own temperatures and
length of an iteration:

{hyperparameters}

Munchausen's weight alpha is {alpha} everywhere, which leaves mirror descent at the
equilibrium of a game with a little entropy, (1 - alpha) tau, in its rewards: that is
where the curves of exact M-OMD end. The best tau grows with the scale of the values: it
is a tenth to a seventieth of the range of Q under the uniform policy, and short runs of
exact M-OMD chose it. The temperature of the Boltzmann iteration is that of several at
which the exact iteration ended lowest.

Budgets of a run:

{budget}

What came of it, mean of {seeds} and their standard deviation:

{results}

{checked}"""
_UNCHECKED = (
    "With `--fast` the claims about speed, this project's targets on four rooms, and "
    f"those about the baselines on the {LQ} game, which they solve, are not checked."
)
_CHECKED = (
    "The targets on four rooms, claims that begin with that word, are this project's: "
    f"the paper prints no values. In the {LQ} game all players steer towards a mean "
    "that stays where it is by symmetry. Whoever responds to any crowd thus responds "
    "to all, and even the exact fixed point iteration settles."
)


def study(scale: Scale, seed: int, root: pathlib.Path) -> Findings:
    """Runs all experiments.

    Args:
      scale: what to compute.
      seed: the first of the seeds.
      root: where the runs of deep solvers are, finished ones among them.

    Raises:
      RuntimeError: a run failed.
    """
    jobs = experiments.jobs(scale, seed)
    earlier = deep_jobs.do_all(jobs, root, scale.side_by_side)
    curves = deep_jobs.read(jobs, root)
    shown = deep2022_figures.SHOWN
    endings = {
        **deep2022_runs.solve_exactly(scale),
        **deep2022_runs.endings(jobs, curves, root, shown),
    }
    groups = grouped(scale, curves)
    table = rows(groups)
    return Findings(
        title=_TITLE,
        notes=notes(scale, table),
        claims=deep2022_claims.all_claims(scale, groups, endings),
        figures=deep2022_figures.all_figures(scale, groups, endings),
        runs={
            **{
                (game, label): endings[game, label].solved
                for game, label in endings
                if label not in shown
            },
            **{
                (game, f"{label}, seed {number}"): solved
                for (game, label, number), solved in curves.items()
            },
        },
        tables={"summary.csv": table},
        settings=scale.settings,
        earlier_seconds=earlier,
    )


def notes(scale: Scale, table: Sequence[dict]) -> str:
    """What a reader must know before the claims, in markdown.

    Args:
      scale: what was computed.
      table: the rows of `summary.csv`.
    """
    used = dict.fromkeys(row["solver"] for row in table)
    return _NOTES.format(
        solvers="; ".join(f"{label}: {NAMES[label]}" for label in used),
        side_by_side=scale.side_by_side,
        hyperparameters=_hyperparameters(scale),
        alpha=ALPHA,
        budget=_budget(scale, used),
        seeds=f"{scale.num_seeds} seeds",
        results=_results(table),
        checked=_CHECKED if scale.thorough else _UNCHECKED,
    )


def _hyperparameters(scale: Scale) -> str:
    return markdown_tables.table(
        ("game", "tau", "temperature of D-BI", "steps of an iteration", "why this tau"),
        (
            (
                each.name,
                f"{each.tau:g}",
                f"{each.heat:g}",
                str(each.updates),
                each.reason,
            )
            for each in scale.environments
        ),
    )


def _budget(scale: Scale, labels: Iterable[str]) -> str:
    labels = list(labels)
    return markdown_tables.table(
        ("game", *labels),
        (
            (game, *(str(scale.budgets[game][label]) for label in labels))
            for game in scale.games
        ),
    )


def _results(table: Sequence[dict]) -> str:
    return markdown_tables.table(
        ("game", "solver", "iterations", "first", "last", "lowest mean"),
        (
            (
                row["game"],
                row["solver"],
                str(row["iterations"]),
                f"{row['first']:.4g}",
                f"{row['last']:.3g} ± {row['spread']:.2g}",
                f"{row['lowest_of_mean']:.3g}",
            )
            for row in table
        ),
    )
