"""The claims of Perrin et al. 2020 that are checked."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses

from claims import Claim
from experiments import slope
import fp2020_experiments as experiments
from fp2020_experiments import BAR, CLOSING, EXACT, LEARNT, LQ, NO_AVERSION, TREE
import fp2020_figures as figures
import numpy as np
from reproduction import Findings
from scipy import special

_TITLE = "Fictitious Play for Mean Field Games (Perrin et al. 2020)"
_NOTES = """\
The policy after iteration k averages j = k + 1 policies, the uniform one included.
All curves show exact exploitability, whether the responses are exact (model-based) or
learnt by Q-learning (model-free). One seed.

Open in the paper and chosen here: the number of episodes in an iteration, on which it
depends how much slower and higher the model-free curve is; the Q-table, which is kept
from one iteration to the next; the beach bar's noise, uniform on -1, 0, +1; in the
linear-quadratic game a common shock at every third step only, as policies live on the
tree of all histories.

Finer grids: a grid s times as fine is the same game in units s times as small, with
dt divided by s. The largest error of the policy includes half of the distance between
two actions."""
_SLOPE_FROM = 10  # iteration from which decay rates are fitted


def study(scale: experiments.Scale, seed: int) -> Findings:
    """Runs all experiments.

    Args:
      scale: what to compute.
      seed: of the Q-learning.
    """
    runs = experiments.solve_all(scale, seed)
    refined = [experiments.refine(scale.linear_quadratic, s) for s in scale.refinements]
    return Findings(
        title=_TITLE,
        notes=_NOTES,
        claims=all_claims(runs, refined),
        figures=figures.all_figures(runs, refined),
        runs=runs,
        tables={"refinement.csv": [dataclasses.asdict(one) for one in refined]},
        settings=dataclasses.asdict(scale),
    )


def all_claims(
    runs: experiments.Runs, refined: Sequence[experiments.Refinement]
) -> list[Claim]:
    """Every claim of the paper that is checked."""
    found = [_rate_claim(name, runs[name, EXACT]) for name in (LQ, BAR, TREE, CLOSING)]
    for name in (LQ, BAR, CLOSING):
        found += _model_free_claims(name, runs[name, EXACT], runs[name, LEARNT])
    found += _linear_quadratic_claims(runs[LQ, EXACT], runs[LQ, LEARNT])
    found += _refinement_claims(refined)
    found += _beach_claims(runs[BAR, EXACT], runs[NO_AVERSION, EXACT])
    return [*found, *_common_noise_claims(runs[TREE, EXACT], runs[CLOSING, EXACT])]


def _rate_claim(name: str, solved: experiments.Solved) -> Claim:
    return Claim(
        f"Model-based fictitious play: exploitability decays like 1/j, {name}.",
        f"least-squares slope in log-log over j = k + 1, k >= {_SLOPE_FROM}",
        slope(solved.exploitability, _SLOPE_FROM),
        high=-0.9,
    )


def _model_free_claims(
    name: str, exact: experiments.Solved, learnt: experiments.Solved
) -> list[Claim]:
    curves = [run.exploitability for run in (learnt, exact)]
    last = len(curves[0]) - 1
    later, sooner = (reaches(curve, 0.1) for curve in curves)
    flatter, steeper = (slope(curve, last // 2) for curve in curves)
    game = f"Q-learning fictitious play, {name}: "
    return [
        Claim(
            game + "exploitability decreases.",
            f"exploitability at k = {last} over that at 0",
            curves[0][-1] / curves[0][0],
            high=0.5,
        ),
        Claim(
            game + "slower than model-based.",
            f"iterations later at a tenth of the start (model-based: {sooner:g})",
            later - sooner,
            low=1,
        ),
        Claim(
            game + "ends higher.",
            f"exploitability over model-based at k = {last}",
            curves[0][-1] / curves[1][-1],
            low=1,
        ),
        Claim(
            game + "flattens out.",
            f"log-log slope minus model-based, k >= {last // 2}",
            flatter - steeper,
            low=0,
        ),
    ]


def _linear_quadratic_claims(
    exact: experiments.Solved, learnt: experiments.Solved
) -> list[Claim]:
    d, flow, values = exact.dynamics, exact.path(), exact.exploitability
    form = experiments.closed_form_flow(d)
    product = values * np.arange(1, len(values) + 1) / values[0]
    centre = d.closed_form().initial_mean
    return [
        Claim(
            "Linear-quadratic: exploitability at k is that at 0 over k + 1, exactly.",
            "largest relative deviation",
            np.abs(product - 1).max(),
            high=1e-9,
        ),
        Claim(
            "Linear-quadratic: the two modes merge into one.",
            f"modes at the end (at the start: {num_modes(flow[0])})",
            num_modes(flow[-1]),
            low=1,
            high=1,
        ),
        Claim(
            "Linear-quadratic: the bell is centred at the initial mean.",
            "distance of its top from the mean, grid points",
            abs(d.positions[flow[-1].argmax()] - centre),
            high=1,
        ),
        Claim(
            "Linear-quadratic: the model-based flow is near the closed form.",
            "largest total variation distance over time",
            experiments.total_variation(flow, form).max(),
            high=0.1,
        ),
        Claim(
            "Linear-quadratic: the model-free flow is near the closed form.",
            "largest total variation distance over time",
            experiments.total_variation(learnt.path(), form).max(),
            high=0.2,
        ),
    ]


def _refinement_claims(refined: Sequence[experiments.Refinement]) -> list[Claim]:
    dts = np.log([one.dt for one in refined])
    found = [
        Claim(
            "Finer grids: the policy compared with the closed form is an equilibrium.",
            "largest exploitability over that of the uniform policy",
            max(one.residual for one in refined),
            high=1e-9,
        )
    ]
    for name, what in figures.ERRORS.items():
        errors = [getattr(one, name) for one in refined]
        found.append(
            Claim(
                f"Finer grids: the {what} approaches the closed form.",
                f"order in dt, from an error of {errors[0]:.3g} to {errors[-1]:.3g}",
                np.polyfit(dts, np.log(errors), 1)[0],
                low=0.8,
            )
        )
    return found


def _beach_claims(
    averse: experiments.Solved, indifferent: experiments.Solved
) -> list[Claim]:
    flow, d = averse.path(), averse.dynamics
    last = d.horizon - 1  # the last time at which the place is paid for
    return [
        Claim(
            "Beach bar: the crowd is thickest at the bar.",
            "distance of the thickest place from the bar",
            abs(int(flow[last].argmax()) - d.num_states // 2),
            high=0,
        ),
        Claim(
            "Beach bar: -log mu spreads the crowd.",
            "places that the crowd fills, exp(entropy), over those without the term",
            perplexity(flow[last]) / perplexity(indifferent.path()[last]),
            low=1.5,
        ),
    ]


def _common_noise_claims(
    tree: experiments.Solved, closing: experiments.Solved
) -> list[Claim]:
    found = [
        Claim(
            f"Learning converges under common noise: {name}.",
            f"exploitability at k = {len(run.exploitability) - 1} over that at 0",
            run.exploitability[-1] / run.exploitability[0],
            high=0.1,
        )
        for name, run in ((TREE, tree), (CLOSING, closing))
    ]
    d = tree.dynamics
    errors = [
        tree.path(h) @ d.positions
        - experiments.shifts(d, h)
        - d.closed_form().initial_mean
        for h in range(d.num_histories(d.horizon))
    ]
    last = closing.dynamics.horizon - 1
    still_open, closed = (experiments.near_bar(closing.path(h)[last]) for h in (0, 1))
    return [
        *found,
        Claim(
            "Linear-quadratic with common noise: on every path the mean follows it.",
            "largest distance of the mean from the noise summed up, grid points",
            np.abs(errors).max(),
            high=0.5,
        ),
        Claim(
            "Beach bar that may close: once it is closed the crowd leaves it.",
            f"crowd within {experiments.NEAR} places at the end, closed over open",
            closed / still_open,
            high=0.9,
        ),
    ]


def reaches(exploitability: np.ndarray, share: float) -> float:
    """The first iteration at this share of the first exploitability; inf for never."""
    below = np.flatnonzero(exploitability <= share * exploitability[0])
    return float(below[0]) if len(below) else np.inf


def num_modes(masses: np.ndarray) -> int:
    """Local maxima of a distribution above a hundredth of its largest mass."""
    padded = np.pad(masses, 1)
    top = (masses > padded[:-2]) & (masses >= padded[2:])
    return int((top & (masses > masses.max() / 100)).sum())


def perplexity(masses: np.ndarray) -> float:
    """exp(entropy): the number of places that a uniform crowd as spread would fill."""
    return float(np.exp(special.entr(masses).sum()))
