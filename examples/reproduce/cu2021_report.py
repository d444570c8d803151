"""The claims of Geist et al. 2021 that are checked."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses

from claims import Claim
import cu2021_experiments as experiments
from cu2021_experiments import ADAPTIVE, AWAY, FP, SEARCH, Scale, Task
import cu2021_figures as figures
from experiments import slope
import numpy as np
from reproduction import Findings
from scipy import special

from mfg_games.concave_utility import (
    BOUND,
    CONSTRAINED,
    ENTROPY,
    GOALS,
    IMITATION,
    MATCHING,
    far_corners,
    last_quarter,
    num_steps,
    ring_target,
)
from mfg_games.grid import from_layout

_TITLE = "Concave Utility Reinforcement Learning (Geist et al. 2021)"
_NOTES = """\
A crowd that maximises a concave utility F of its occupancy is in equilibrium in the
game whose reward is the gradient of F. The form is episodic: the utility of a flow is
the sum of F over the decision times. The paper's horizon, discount, noise and rates are
open; map and horizons are those of Moreno et al. 2024. Imitation, its expert and the
constrained task are this project's own (see the game).

Fictitious play (FP) is Frank-Wolfe (FW) with the step 1/(k+1); the two are separate
programs, one averages policies, the other moves flows. Mirror descent (OMD) is compared
at the best of its rates, a choice made in hindsight; the adaptive one needs none.

On the constrained task fixed rates fail: nine from 0.005 to 0.3 were tried at horizons
40 and 100 and none ended below FP. Small ones crawl, since rewards differ little from
cell to cell, and larger ones oscillate, since the penalty is steep. With a tenth of its
weight the rates from 0.2 on end below FP at horizon 40, and none does at horizon 100.

In imitation exploitability is a loose bound: F can be 0 to rounding while a deviation
to places where the expert hardly ever is, and the crowd still less, promises more.

F* is 0 for imitation. Elsewhere it lies between the highest utility that any algorithm
found, which is taken for it, and the least sum of utility and exploitability:

{table}"""
_RATE_FROM = 10  # iteration from which decay rates are fitted
_SMOOTH = (GOALS, CONSTRAINED)  # utilities whose gradient is Lipschitz
_WINDOW = 5  # iterations over which a gap that goes up and down is averaged


def study(scale: Scale, seed: int) -> Findings:
    """Runs all experiments.

    Args:
      scale: what to compute.
      seed: of nothing.
    """
    tasks = experiments.solve_all(scale)
    return Findings(
        title=_TITLE,
        notes=_NOTES.format(table=table(tasks)),
        claims=all_claims(scale, tasks),
        figures=figures.all_figures(scale, tasks),
        runs={
            (task.name, label): solved
            for task in tasks
            for label, solved in task.runs.items()
        },
        tables={"utility.csv": utility_rows(tasks)},
        settings=dataclasses.asdict(scale),
    )


def table(tasks: Sequence[Task]) -> str:
    """What is known of the optima, as a markdown table."""
    rows = ["| utility | highest found | F* at most | found by |", "| --- " * 4 + "|"]
    for task in tasks:
        bounds = f"{task.highest:.6g} | {task.highest_optimum:.6g}"
        rows.append(f"| {task.name} | {bounds} | {task.best} |")
    return "\n".join(rows)


def utility_rows(tasks: Sequence[Task]) -> list[dict]:
    """The utility of every iterate."""
    return [
        {"utility": task.name, "algorithm": label, "iteration": k, "F": float(value)}
        for task in tasks
        for label, values in task.utilities.items()
        for k, value in enumerate(values)
    ]


def all_claims(scale: Scale, tasks: Sequence[Task]) -> list[Claim]:
    """Every claim that is checked."""
    return [
        *(_same_iterates(task) for task in tasks),
        *(_gap_is_a_bound(task) for task in tasks),
        *(_rate(task) for task in tasks if task.name in _SMOOTH),
        *(_mirror_descent_is_faster(scale, task) for task in tasks),
        *(_adaptive_is_faster(task) for task in tasks),
        *(_outcome(task) for task in tasks),
        *_steps(tasks),
    ]


def _same_iterates(task: Task) -> Claim:
    return Claim(
        f"FP is FW, iterate for iterate, {task.name}.",
        "largest difference of the flows, over nodes and iterations",
        task.difference,
        high=1e-12,
    )


def _gap_is_a_bound(task: Task) -> Claim:
    iterates = sum(len(values) for values in task.utilities.values())
    return Claim(
        f"Exploitability is at least F* - F, {task.name}.",
        f"least difference of the two over {iterates} iterates",
        task.slack(),
        low=-1e-10 * max(1.0, abs(task.optimum)),
    )


def _rate(task: Task) -> Claim:
    return Claim(
        f"FP: F* - F decays like 1/k where the gradient is Lipschitz, {task.name}.",
        f"least-squares slope in log-log over k + 1, k >= {_RATE_FROM}",
        slope(task.suboptimality(FP), _RATE_FROM),
        high=-0.9,
    )


def _mirror_descent_is_faster(scale: Scale, task: Task) -> Claim:
    label = task.best_rate(scale.rates)
    return Claim(
        f"OMD solves the task faster than FP, {task.name}.",
        f"exploitability over FP's after the last iterations, {label}",
        final(task, label) / final(task, FP),
        high=1.0,
    )


def _adaptive_is_faster(task: Task) -> Claim:
    return Claim(
        f"Beyond the paper: so does OMD without a rate to choose, {task.name}.",
        "exploitability over FP's after the last iterations",
        final(task, ADAPTIVE) / final(task, FP),
        high=1.0,
    )


def _outcome(task: Task) -> Claim:
    """What the crowd of the best flow does."""
    d, flow = task.dynamics, task.runs[task.best].path()
    last, layout = flow[d.horizon - 1], d.parameters["layout"]
    world = from_layout(layout)
    if task.name == ENTROPY:
        share = np.exp(special.entr(last).sum()) / d.num_states
        text, what = "the crowd fills the rooms", "exp(entropy) at the end over cells"
        return Claim(f"Entropy: {text}.", what, share, low=0.95)
    if task.name == MATCHING:
        target = ring_target(world, layout)
        distance = np.abs(last - target).sum() / 2
        text = "Marginal matching: the crowd is on the rings."
        return Claim(
            text, "total variation from the target at the end", distance, high=0.1
        )
    if task.name == GOALS:
        error = np.abs(last[far_corners(world, layout) == 1] - goal_shares(task)).max()
        text = "Multi-objective: the crowd divides among the corners as it should."
        what = "largest difference from the closed form, shares at the end"
        return Claim(text, what, error, high=1e-3)
    if task.name == IMITATION:
        text = "Imitation: the crowd does what the expert does."
        divergence = -task.utilities[task.best][-1] / d.horizon
        return Claim(text, "divergence from the expert, a step", divergence, high=1e-3)
    share = (flow[: d.horizon] @ last_quarter(world)).max()
    text = f"Constrained: about {BOUND:g} of the crowd go into the last room."
    return Claim(text, "largest share there at any time", share, low=BOUND, high=0.3)


def goal_shares(task: Task) -> np.ndarray:
    """The optimal shares of the three corners without noise and discount, [3].

    Everybody goes straight to a corner c and is there n_c times. The reward there is
    2 (1 - m_c), so that n_c (1 - m_c) is the same for all corners that anybody goes to.
    """
    d = task.dynamics
    world = from_layout(d.parameters["layout"])
    goals = np.flatnonzero(far_corners(world, d.parameters["layout"]))
    times = d.horizon - num_steps(world, 0)[goals]
    return 1 - (len(goals) - 1) / (1 / times).sum() / times


def _steps(tasks: Sequence[Task]) -> list[Claim]:
    rises = [np.diff(task.utilities[SEARCH]).min() for task in tasks]
    found = [
        Claim(
            "Beyond the paper: FW with line search never lowers utility.",
            "least change in an iteration",
            min(rises),
            low=-1e-9,
        )
    ]
    for task in tasks:
        if task.name == GOALS:
            found.append(
                Claim(
                    "Beyond the paper: away steps end the zigzag of the line search, "
                    f"{task.name}.",
                    "exploitability over that without them after the last iterations",
                    final(task, AWAY) / final(task, SEARCH),
                    high=0.1,
                )
            )
    return found


def final(task: Task, label: str) -> float:
    """Mean exploitability of the last iterates of an algorithm."""
    return float(task.runs[label].exploitability[-_WINDOW:].mean())
