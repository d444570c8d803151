"""A few inputs of the fast kinds, and that the counts say what came of them."""

import types

import pytest

from . import kinds, trying

# How many inputs take about a second.
SHORT = {"games": 150, "options": 20, "files": 25}


@pytest.mark.parametrize("name", SHORT)
def test_all_are_answered_or_refused(name):
    said = []
    counts = trying.try_all(kinds.load(name), SHORT[name], 1, said.append)
    assert not said
    assert (counts.tried, counts.failed) == (SHORT[name], 0)


def wrong():
    raise trying.WrongError("other numbers")


def spin():
    while True:
        pass


@pytest.mark.parametrize(
    ("attempt", "outcome"),
    [
        (wrong, "wrong"),
        (spin, "hangs"),
        (lambda: 1 / 0, "tracebacks"),
        (lambda: True, "refused"),
        (lambda: False, None),
    ],
)
def test_outcomes_are_counted(attempt, outcome):
    kind = types.SimpleNamespace(
        __name__="kind",
        SECONDS=0.05,
        draw=lambda rng: "the input",
        attempt=lambda drawn: attempt(),
    )
    said = []
    counts = trying.try_all(kind, 2, 0, said.append)
    expected = trying.Counts(tried=2)
    if outcome:
        setattr(expected, outcome, 2)
    assert counts == expected
    assert len(said) == counts.failed
    assert all("seed=0" in text and "the input" in text for text in said)
