"""What a tuning leaves: all trials as CSV, and a page with a table and a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import importlib.metadata
import shlex
import statistics

from matplotlib.axes import Axes
from matplotlib.figure import Figure
import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState
from tune_study import Plan, Study

from algorithms import record
from algorithms.job import FAILED, FINISHED
from algorithms.pictures.style import COLOURS, INK, LINE_STYLES, grid, new_figure

PICTURE = "trials.png"
_LEFT = "exploitability, end / start"


def rows(studies: Sequence[Study]) -> list[dict]:
    """A row a trial: what was chosen, its value and what was lost if it failed."""
    return [
        {
            "study": study.name,
            "trial": trial.number,
            "status": FINISHED if trial.state == TrialState.COMPLETE else FAILED,
            "value": trial.value if trial.state == TrialState.COMPLETE else "",
            **{f"parameter.{name}": value for name, value in trial.params.items()},
            "seconds": trial.user_attrs.get("seconds", ""),
            "error": trial.user_attrs.get("error", ""),
        }
        for study in studies
        for trial in study.trials
    ]


def page(plan: Plan, studies: Sequence[Study], command: Sequence[str]) -> str:
    """The page as markdown, with the command that makes it and the versions."""
    machine = record.of_machine()
    versions = {
        "python": machine["python"],
        "optuna": importlib.metadata.version("optuna"),
        **machine["versions"],
    }
    seconds = sum(t.user_attrs["seconds"] for study in studies for t in study.complete)
    each = f"{len(studies)} studies, one a game" if len(studies) > 1 else "One study"
    spaces = "; ".join(f"`{name}`: {_words(s)}" for name, s in plan.spaces.items())
    return f"""\
# Tuning `{plan.algorithm}`

{each}, by Optuna's tree-structured Parzen estimator. A trial is a run of
{plan.iterations} iterations on each game of its study, with each seed if the solver
takes one; the best trial has the lowest mean of log10(exploitability at the end / at
the start). The first one has the solver's defaults if they may be chosen. Choices are,
for {spaces}.

{table(plan, studies)}
Start and end are exploitabilities, or optimality gaps of solvers that measure them,
means over the seeds; the last of them is what the defaults end with.

![Trials in their order, and by what they chose]({PICTURE})

What each trial left of the exploitability at the start: dots are trials, lines the best
so far. All numbers are in [trials.csv](trials.csv).

```sh
{shlex.join(command)}
```

Iterations took {seconds:.0f} s in all; \
{", ".join(f"{name} {version}" for name, version in versions.items())}.
"""


def table(plan: Plan, studies: Sequence[Study]) -> str:
    """The best parameters by game, as a markdown table."""
    names = " | ".join(f"best `{name}`" for name in plan.spaces)
    head = f"| game | {names} | at the start | at the end | by defaults | trials |"
    lines = [head, "| --- " * (head.count("|") - 1) + "|"]
    for study in studies:
        failed = len(study.trials) - len(study.complete)
        count = f"{len(study.complete)}" + (f", {failed} failed" if failed else "")
        for game in study.games:
            cells = [f"`{game}`", *_cells(plan, study, game), count]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def figure(plan: Plan, studies: Sequence[Study]) -> Figure:
    """The trials in their order and, a panel each, by the parameters they chose."""
    panels = 1 + len(plan.spaces)
    size = (4.6 * panels, 4.2)
    drawing, axes = new_figure(1, panels, size, "", "constrained")
    order, *slices = axes[0]
    for number, study in enumerate(study for study in studies if study.complete):
        look = {
            "color": COLOURS[number % len(COLOURS)],
            "linestyle": LINE_STYLES[number // len(COLOURS) % len(LINE_STYLES)],
        }
        _draw(order, slices, study, plan.spaces, look)
    for ax, space in zip(slices, plan.spaces.values(), strict=True):
        if getattr(space, "log", False):
            ax.set_xscale("log")
    for ax, label in zip(axes[0], ["trial", *plan.spaces], strict=True):
        ax.set_yscale("log")
        ax.set_xlabel(label, fontsize=9, color=INK)
        grid(ax)
    order.set_ylabel(_LEFT, fontsize=9, color=INK)
    if order.lines:
        drawing.legend(
            *order.get_legend_handles_labels(),
            loc="outside lower center",
            ncols=2,
            fontsize=8,
            frameon=False,
            labelcolor=INK,
        )
    return drawing


def _draw(
    order: Axes,
    slices: Sequence[Axes],
    study: Study,
    spaces: Mapping[str, BaseDistribution],
    look: Mapping[str, str],
) -> None:
    """One study in all panels."""
    trials = study.complete
    left = 10.0 ** np.array([trial.value for trial in trials])
    numbers = [trial.number for trial in trials]
    best = np.minimum.accumulate(left)
    order.step(numbers, best, where="post", label=study.name, linewidth=1.6, **look)
    dots = {"color": look["color"], "s": 14, "alpha": 0.7, "linewidths": 0}
    order.scatter(numbers, left, **dots)
    for ax, (name, space) in zip(slices, spaces.items(), strict=True):
        chosen = [trial.params[name] for trial in trials]
        if isinstance(space, CategoricalDistribution):
            chosen = [str(value) for value in chosen]
        ax.scatter(chosen, left, **dots)


def _cells(plan: Plan, study: Study, game: str) -> list[str]:
    """What was best for a game, what that reached, and what the defaults did."""
    best, first = study.best, study.trials[:1]
    if best is None:
        return [""] * (len(plan.spaces) + 3)
    chosen = [_number(best.params[name]) for name in plan.spaces]
    start, end = (f"{_mean(best, game, key):.3g}" for key in ("first", "last"))
    by_defaults = ""
    if first and first[0].params == study.defaults:
        failed = first[0].state != TrialState.COMPLETE
        by_defaults = FAILED if failed else f"{_mean(first[0], game, 'last'):.3g}"
    return [*chosen, start, end, by_defaults]


def _mean(trial: FrozenTrial, game: str, key: str) -> float:
    runs = trial.user_attrs["runs"]
    return statistics.mean(run[key] for run in runs if run["game"] == game)


def _number(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _words(space: BaseDistribution) -> str:
    if isinstance(space, CategoricalDistribution):
        return ", ".join(map(str, space.choices))
    return f"{space.low:g} to {space.high:g}{', logarithmic' if space.log else ''}"
