"""What is claimed of teacher hacking in mean field games, and what was measured."""

from __future__ import annotations

from collections.abc import Iterator
import dataclasses

from claims import Claim
import numpy as np
from reproduction import Findings
import th2025_experiments as experiments
from th2025_experiments import Lesson, Scale, School, Schools, offline, online
from th2025_figures import all_figures

from algorithms.deep.linearity import log_log_linearity

_TITLE = "Teacher hacking in distillation (Tiapkin et al. 2025), in mean field games"
_NOTES = """\
Oracle: the average policy of exact fictitious play. Teacher: that of fictitious play
with best responses learnt by deep Q-learning, {few} or {many} of them. Student: a
network that is distilled from the teacher, offline from a fixed number of its games, or
online from ever new ones; from its actions (hard) or its whole distributions (soft).

The proxy distance is KL(teacher || student) on the teacher's flow or, as who trains
would measure it, on the data; the golden one is KL(oracle || student) on the oracle's
flow. Both are exact, as is the student's exploitability, the other golden measure. A
student turns against the oracle where the proxy on its data goes on falling and a
golden measure rises. One seed; what is measured is the policy of the moving average of
the weights.

{verdict}

A student that is given fresh data ends as its teacher. It cannot stay nearer to the
oracle than that: where the divergence of a student falls below the teacher's own on
the way (a teacher of deterministic responses is surer of itself than the oracle, and a
half-taught student is less so), it rises back to it online too. Hence the claims for
online data: the student ends no farther from the oracle than its teacher is, and no
more exploitable.

The alarm of the paper, that the proxy curve leaves a straight line in log-log scale, is
in `detector.csv`: the step where the proxy on the data leaves the line of all points
before it by more than 0.5 nats, beside the steps where the golden measures are lowest.
It goes off online too ({online_alarms} of {online_students} students), as these
students come nearer to their teacher faster than by a power law: it tells that the
data are nearly learnt, not that they are too few."""
_SMALLEST = 1e-7  # divergences below it are rounding


def study(scale: Scale, seed: int) -> Findings:
    """Teaches all students.

    Args:
      scale: what to compute.
      seed: of teachers and students.
    """
    schools, runs = experiments.attend(scale, seed)
    return Findings(
        title=_TITLE,
        notes=notes(schools, scale),
        claims=list(all_claims(schools, scale)),
        figures=all_figures(schools, scale.reservoirs, scale.betas, scale.anchor > 0),
        runs=runs,
        tables={
            "curves.csv": list(curve_rows(schools)),
            "schools.csv": school_rows(schools),
            "detector.csv": list(detector_rows(schools)),
        },
        settings=dataclasses.asdict(scale),
    )


def rise(curve: np.ndarray) -> float:
    """The last value over the lowest."""
    return float(curve[-1] / curve.min())


def falls_where_turned(lesson: Lesson) -> float:
    """The last proxy on the data over that where the golden distance was lowest."""
    return float(lesson.seen[-1] / lesson.seen[np.argmin(lesson.golden)])


def notes(schools: Schools, scale: Scale) -> str:
    """What a reader must know before the claims."""
    few, many = scale.responses
    fresh = [row for row in detector_rows(schools) if "online" in row["student"]]
    return _NOTES.format(
        few=few,
        many=many,
        verdict=verdict(schools, scale),
        online_alarms=sum(np.isfinite(row["departure"]) for row in fresh),
        online_students=len(fresh),
    )


def verdict(schools: Schools, scale: Scale) -> str:
    """A sentence on each game: where offline turns and online does not."""
    few = offline(scale.reservoirs[0], "soft")
    lines = []
    for name in scale.games:
        school = schools[name, scale.responses[1]]
        off, on = school.lessons[few], school.lessons[online("soft")]
        turn = off.steps[np.argmin(off.exploitability)]
        lines.append(
            f"- {name}: {few}: exploitability is lowest after {turn:g} steps, "
            f"{off.exploitability.min():.3g}, and {off.exploitability[-1]:.3g} at the "
            f"end, while the proxy on the data falls from "
            f"{off.seen[np.argmin(off.exploitability)]:.2g} to {off.seen[-1]:.2g}. "
            f"Online, soft: lowest {on.exploitability.min():.3g}, last "
            f"{on.exploitability[-1]:.3g}; the teacher's is {school.teacher:.3g}."
        )
    return "\n".join(lines)


def all_claims(schools: Schools, scale: Scale) -> Iterator[Claim]:
    """Every claim that is checked, game by game."""
    for name in scale.games:
        school = schools[name, scale.responses[1]]
        yield from _turning_claims(name, school, scale)
        yield from _remedy_claims(name, school, scale)


def _turning_claims(name: str, school: School, scale: Scale) -> Iterator[Claim]:
    """Offline turns against the oracle; online does not."""
    for targets in ("hard", "soft"):
        label = offline(scale.reservoirs[0], targets)
        lesson = school.lessons[label]
        yield Claim(
            f"{name}: the student ({label}) turns against the oracle.",
            "last KL(oracle || student) over its lowest",
            rise(lesson.golden),
            low=1.05,
        )
        yield Claim(
            f"{name}: it ({label}) becomes more exploitable again.",
            "last exploitability over its lowest",
            rise(lesson.exploitability),
            low=1.05,
        )
    lesson = school.lessons[offline(scale.reservoirs[0], "soft")]
    yield Claim(
        f"{name}: with soft targets it comes nearer to the teacher meanwhile.",
        "last KL(teacher || student) on the data over that at the turn",
        falls_where_turned(lesson),
        high=0.5,
    )
    lesson = school.lessons[online("soft")]
    yield Claim(
        f"{name}: online, soft, the student does not become more exploitable again.",
        "last exploitability over its lowest",
        rise(lesson.exploitability),
        high=1.1,
    )
    yield Claim(
        f"{name}: it ends no more exploitable than its teacher.",
        "last exploitability over the teacher's",
        float(lesson.exploitability[-1] / school.teacher),
        high=1.1,
    )
    yield Claim(
        f"{name}: it ends no farther from the oracle than its teacher.",
        "last KL(oracle || student) over KL(oracle || teacher)",
        float(lesson.golden[-1] / school.distance),
        high=1.05,
    )


def _remedy_claims(name: str, school: School, scale: Scale) -> Iterator[Claim]:
    """What helps offline: more games, whole distributions."""
    few, many = scale.reservoirs[0], scale.reservoirs[-1]
    for targets in ("hard", "soft"):
        ends = [
            school.lessons[offline(games, targets)].exploitability[-1]
            for games in (many, few)
        ]
        yield Claim(
            f"{name}: more games in the data help, {targets} targets.",
            f"last exploitability with {many} games over that with {few}",
            float(ends[0] / ends[1]),
            high=0.8,
        )
    ends = [
        school.lessons[offline(few, targets)].golden[-1] for targets in ("soft", "hard")
    ]
    yield Claim(
        f"{name}: the teacher's whole distributions help.",
        f"last KL(oracle || student), {few} games, with soft targets over hard ones",
        float(ends[0] / ends[1]),
        high=0.8,
    )
    alarms = [
        alarm(school.lessons[label]) for label in (offline(few, "soft"), online("soft"))
    ]
    yield Claim(
        f"{name}: the proxy on the data leaves its straight line sooner offline.",
        f"step of the alarm offline, {few} games, soft, over that online",
        1.0 if alarms[0] == alarms[1] else alarms[0] / alarms[1],
        high=0.99,
    )


def alarm(lesson: Lesson) -> float:
    """The step where the log-log line of the proxy on the data is left."""
    values = np.maximum(lesson.seen, _SMALLEST)
    return log_log_linearity(lesson.steps, values).departure


def curve_rows(schools: Schools) -> Iterator[dict]:
    """All curves, a row a point."""
    for (name, responses), school in schools.items():
        for label, lesson in school.lessons.items():
            columns = dataclasses.asdict(lesson)
            for point in zip(*columns.values(), strict=True):
                values = dict(zip(columns, map(float, point), strict=True))
                key = {"game": name, "responses": responses, "student": label}
                yield key | values


def school_rows(schools: Schools) -> list[dict]:
    """Oracles and teachers, a row each pair."""
    return [
        {
            "game": name,
            "responses": responses,
            "oracle's exploitability": school.oracle,
            "teacher's exploitability": school.teacher,
            "KL(oracle || teacher)": school.distance,
        }
        for (name, responses), school in schools.items()
    ]


def detector_rows(schools: Schools) -> Iterator[dict]:
    """The alarm of every student beside what it should tell, a row each."""
    for (name, responses), school in schools.items():
        for label, lesson in school.lessons.items():
            found = log_log_linearity(lesson.steps, np.maximum(lesson.seen, _SMALLEST))
            lowest = lesson.steps[np.argmin(lesson.exploitability)]
            yield {
                "game": name,
                "responses": responses,
                "student": label,
                "slope": found.slope,
                "r_squared": found.r_squared,
                "departure": found.departure,
                "golden lowest at": float(lesson.steps[np.argmin(lesson.golden)]),
                "golden, last over lowest": rise(lesson.golden),
                "exploitability lowest at": float(lowest),
                "exploitability, last over lowest": rise(lesson.exploitability),
            }
