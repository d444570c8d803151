"""Figures of the study of teacher hacking."""

from __future__ import annotations

from collections.abc import Mapping

from figures import label_axes, line
from matplotlib.figure import Figure
from th2025_experiments import School, Schools, offline, online

from algorithms.pictures.style import INK, new_figure

_STEPS = "gradient steps"
_METRICS = {
    "seen": "to the teacher, on the data",
    "proxy": "to the teacher, on its flow (proxy)",
    "golden": "to the oracle, on its flow (golden)",
}


def all_figures(
    schools: Schools,
    reservoirs: tuple[int, ...],
    betas: tuple[float, ...],
    anchor: bool,
) -> Mapping[str, tuple[Figure, str]]:
    """Figures and captions by file name.

    Args:
      schools: by game and number of responses.
      reservoirs: games of fixed data, from few to many.
      betas: shares of the backward divergence.
      anchor: whether there are students with an anchor.
    """
    games = dict.fromkeys(name for name, _ in schools)
    best = {name: max(number for n, number in schools if n == name) for name in games}
    schools_of_best = {name: schools[name, number] for name, number in best.items()}
    few = reservoirs[0]
    divergences = [online("soft"), offline(few, "soft")]
    divergences += [f"{way}, beta {beta:g}" for way in divergences for beta in betas]
    anchors = [offline(few, targets) for targets in ("hard", "soft")]
    anchors += [f"{label}, anchor" for label in anchors if anchor]
    return {
        "distances.png": (
            distances(schools_of_best, reservoirs),
            "Divergences from teacher and oracle while a student learns. Offline it "
            "goes on towards the teacher on its data when it has turned away from the "
            "oracle. Dotted: the teacher's own divergence from the oracle.",
        ),
        "exploitability.png": (
            golden_curves(
                schools_of_best,
                [label for label in _plain(reservoirs)],
                "Exploitability of students: fixed and fresh data",
                "exploitability",
            ),
            "Exploitability of students of fixed data (offline) and of fresh games "
            "(online). Dotted: the teacher's.",
        ),
        "divergences.png": (
            golden_curves(
                schools_of_best,
                divergences,
                "Forward (beta 0), Jeffreys' and backward (beta 1) divergence",
                "golden",
            ),
            "Divergence from the oracle of students that minimise Jeffreys' divergence "
            "from the teacher, whose backward part has the weight beta. Dotted: the "
            "teacher's own.",
        ),
        "anchor.png": (
            golden_curves(
                schools_of_best,
                anchors,
                "An anchor that follows the student",
                "golden",
            ),
            "Divergence from the oracle of students with and without a proximal term "
            "to a moving average of themselves. Dotted: the teacher's own.",
        ),
    }


def distances(schools: Mapping[str, School], reservoirs: tuple[int, ...]) -> Figure:
    """All divergences of four students: a row a game, a column a student."""
    labels = [
        offline(reservoirs[0], "hard"),
        offline(reservoirs[0], "soft"),
        online("hard"),
        online("soft"),
    ]
    size = (4.0 * len(labels), 3.4 * len(schools) + 0.6)
    title = "Distance to teacher and oracle while a student learns"
    figure, axes = new_figure(len(schools), len(labels), size, title, "constrained")
    for row, (name, school) in zip(axes, schools.items(), strict=True):
        for ax, label in zip(row, labels, strict=True):
            lesson = school.lessons[label]
            for number, (metric, words) in enumerate(_METRICS.items()):
                values = getattr(lesson, metric)
                ax.plot(lesson.steps, values, label=words, **line(number))
            ax.axhline(school.distance, linestyle=":", color=INK)
            ax.set(xscale="log", yscale="log")
            ax.set_ylim(bottom=1e-4)
            first = ax is axes.flat[0]
            label_axes(ax, f"{name}: {label}", _STEPS, "KL, nats", legend=first)
    return figure


def golden_curves(
    schools: Mapping[str, School], labels: list[str], title: str, metric: str
) -> Figure:
    """One metric of several students: a panel a game.

    Args:
      schools: by game.
      labels: of the students.
      title: of the figure.
      metric: "golden" or "exploitability".
    """
    size = (6.0 * len(schools), 4.6)
    figure, axes = new_figure(1, len(schools), size, title, "constrained")
    for ax, (name, school) in zip(axes.flat, schools.items(), strict=True):
        for number, label in enumerate(labels):
            lesson = school.lessons[label]
            values = getattr(lesson, metric)
            ax.plot(lesson.steps, values, label=label, **line(number))
        own = school.distance if metric == "golden" else school.teacher
        ax.axhline(own, linestyle=":", color=INK)
        ax.set(xscale="log", yscale="log")
        words = "KL(oracle || student), nats" if metric == "golden" else metric
        label_axes(ax, name, _STEPS, words)
    return figure


def _plain(reservoirs: tuple[int, ...]) -> list[str]:
    found = []
    for targets in ("hard", "soft"):
        found += [offline(games, targets) for games in reservoirs]
        found.append(online(targets))
    return found
