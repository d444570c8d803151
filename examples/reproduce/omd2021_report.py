"""The claims of Perolat et al. 2021 that are checked."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses

from claims import Claim
import numpy as np
import omd2021_experiments as experiments
from omd2021_experiments import NODES_OF_PAPER, Outcome, Scale, Speed
import omd2021_figures as figures
from reproduction import Findings

from algorithms import markdown_tables

_TITLE = "Scaling up Mean Field Games with Online Mirror Descent (Perolat et al. 2021)"
_NOTES = """\
All curves show the exploitability of the last policy of mirror descent, no average, and
of the average policy of fictitious play. Damped fictitious play gives every new best
response the same weight. The paper's sizes and rates are not known: the games are of
sizes that are solved in seconds, and every game has rates from one that is slow to one
that fails, found in trial runs. Mirror descent is compared at the best of its rates, a
choice made in hindsight that fictitious play, which has none, does not get; the window
of rates is drawn below. NashConv is summed over populations.

{table}

Speed: mirror descent in float32, each iteration with its exploitability, on the machine
that made this page, whatever else it was doing. The paper tells of hundreds of billions
of states; the largest game here has {largest:.3g} decision nodes (states x times x
noise histories). At {rate:.2g} nodes a second one iteration on 10^11 nodes would take
{hours:.2g} hours, and one number a node takes 400 GB: this claim fails here. Large
Garnets are slower for each node than small ones, because their successors are random:
every step reads memory that is in no cache."""
_MIN_LARGE = 1e5  # nodes from which the time of an iteration is compared


def study(scale: Scale, seed: int) -> Findings:
    """Runs all experiments; the games have seeds of their own.

    Args:
      scale: what to compute.
      seed: of nothing.
    """
    runs = experiments.solve_all(scale)
    outcomes = [experiments.outcome(scale, each, runs) for each in scale.environments]
    speeds = experiments.measure_all(scale)
    largest = max(speeds, key=lambda one: one.nodes)
    rate = largest.nodes_per_second
    return Findings(
        title=_TITLE,
        notes=_NOTES.format(
            table=table(outcomes, scale.iterations),
            largest=largest.nodes,
            rate=rate,
            hours=NODES_OF_PAPER / rate / 3600,
        ),
        claims=all_claims(outcomes, speeds, scale.iterations),
        figures=figures.all_figures(scale, runs, outcomes, speeds),
        runs=runs,
        tables={
            "rates.csv": [dataclasses.asdict(one) for one in outcomes],
            "speed.csv": [
                {**dataclasses.asdict(one), "nodes_per_second": one.nodes_per_second}
                for one in speeds
            ],
        },
        settings=scale.settings,
    )


def table(outcomes: Sequence[Outcome], iterations: int) -> str:
    """The best rates as a markdown table."""
    head = (
        f"exploitability after {iterations} iterations",
        "uniform",
        "FP",
        "damped FP (weight)",
        "OMD (rate)",
        "OMD passes FP's end at",
    )
    rows = (
        (
            one.environment,
            f"{one.start:.3g}",
            f"{one.fp:.3g}",
            f"{one.damped:.3g} ({one.weight:g})",
            f"{one.omd:.3g} ({one.rate:g})",
            f"{one.overtakes:g}",
        )
        for one in outcomes
    )
    return markdown_tables.table(head, rows)


def all_claims(
    outcomes: Sequence[Outcome], speeds: Sequence[Speed], iterations: int
) -> list[Claim]:
    """Every claim of the paper that is checked."""
    found = []
    for one in outcomes:
        found += _faster_claims(one, iterations)
    for one in outcomes:
        found += _window_claims(one, iterations)
    return [*found, *_speed_claims(speeds)]


def _faster_claims(one: Outcome, iterations: int) -> list[Claim]:
    return [
        Claim(
            f"Mirror descent is below fictitious play, {one.environment}.",
            f"exploitability over FP's at k = {iterations}, rate {one.rate:g}",
            one.omd / one.fp,
            high=0.9,
        ),
        Claim(
            f"It is significantly faster, {one.environment}.",
            f"iterations to where FP is at {iterations}, over {iterations}",
            one.overtakes / iterations,
            high=0.75,
        ),
        Claim(
            f"Its last policy converges, {one.environment}.",
            f"exploitability at k = {iterations} over that at 0",
            one.omd / one.start,
            high=0.01,
        ),
    ]


def _window_claims(one: Outcome, iterations: int) -> list[Claim]:
    return [
        Claim(
            f"Too small a rate is slow, {one.environment}.",
            f"exploitability over the best rate's at k = {iterations}",
            one.slow / one.omd,
            low=10,
        ),
        Claim(
            f"Too large a rate fails, {one.environment}.",
            f"exploitability over the best rate's at k = {iterations}",
            one.large / one.omd,
            low=10,
        ),
    ]


def _speed_claims(speeds: Sequence[Speed]) -> list[Claim]:
    found = []
    for family in dict.fromkeys(one.family for one in speeds):
        large = [s for s in speeds if s.family == family and s.nodes >= _MIN_LARGE]
        if len(large) > 1:
            nodes, seconds = (
                np.log([getattr(one, name) for one in large])
                for name in ("nodes", "seconds")
            )
            found.append(
                Claim(
                    f"The time of an iteration is linear in the nodes, {family}.",
                    f"slope in log-log from {_MIN_LARGE:g} nodes on",
                    np.polyfit(nodes, seconds, 1)[0],
                    high=1.2,
                )
            )
    largest = max(speeds, key=lambda one: one.nodes)
    found.append(
        Claim(
            "A run on 10^11 nodes completes.",
            f"nodes of the largest game that ran, `{largest.game}`",
            largest.nodes,
            low=NODES_OF_PAPER,
        )
    )
    return found
