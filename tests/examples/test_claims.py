"""Claims: a verdict that follows from the figure, printed and written alike."""

import csv
import math
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples" / "reproduce"))

import claims  # noqa: E402 (examples are scripts, not a package)

GOOD = claims.Claim("It falls.", "slope", -1.25, high=-0.9)
BAD = claims.Claim("It rises.", "slope", 0.1234567, low=1.0)


@pytest.mark.parametrize(
    ("measured", "low", "high", "passed"),
    [
        (1.0, 1.0, 2.0, True),
        (2.0, 1.0, 2.0, True),
        (0.999, 1.0, 2.0, False),
        (2.001, 1.0, 2.0, False),
        (-5.0, -math.inf, 2.0, True),
        (math.nan, -math.inf, math.inf, False),
    ],
)
def test_a_claim_passes_between_its_limits(measured, low, high, passed):
    assert claims.Claim("", "", measured, low, high).passed is passed


def test_limits_in_words():
    both = claims.Claim("", "", 0.0, low=0.5, high=2.0)
    assert [c.limits for c in (GOOD, BAD, both)] == [
        "at most -0.9",
        "at least 1",
        "from 0.5 to 2",
    ]


def test_table():
    assert claims.table([GOOD, BAD]).splitlines() == [
        "PASS  It falls.",
        "      slope: -1.25 (at most -0.9)",
        "FAIL  It rises.",
        "      slope: 0.1235 (at least 1)",
        "1 PASS, 1 FAIL",
    ]


def test_csv_keeps_full_precision(tmp_path):
    claims.save_csv([GOOD, BAD], tmp_path / "claims.csv")
    with open(tmp_path / "claims.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["verdict"] for row in rows] == ["PASS", "FAIL"]
    assert float(rows[1]["measured"]) == BAD.measured
    assert float(rows[1]["high"]) == math.inf


def test_bars_do_not_end_cells():
    claim = claims.Claim("It falls.", "KL(p || q)", 0.5, high=1.0)
    assert claims.markdown([claim]).splitlines()[-1] == (
        r"| PASS | It falls. | KL(p \|\| q) | 0.5 | at most 1 |"
    )
