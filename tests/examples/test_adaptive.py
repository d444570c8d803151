"""The comparison of adaptive mirror descent with fixed rates, on one small game."""

import csv
import pathlib

import pytest
import scripts

from algorithms.mirror_descent import MirrorDescent
from algorithms.run import run
from mfg_games.settings import setting

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "benchmark" / "adaptive.py"
GAME, ITERATIONS = "beach_bar_testing", 12


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    directory = tmp_path_factory.mktemp("adaptive")
    options = [f"--setting={GAME}", f"--iterations={ITERATIONS}"]
    with scripts.loaded(SCRIPT) as script:
        scripts.call(script, *options, f"--output_dir={directory}")
    return directory


@pytest.fixture(scope="module")
def rows(output):
    with open(output / "adaptive.csv", newline="") as file:
        return {row["rate"]: row for row in csv.DictReader(file)}


def test_each_rate_has_its_row(rows):
    rates = "0.001 0.00316 0.01 0.0316 0.1 0.316 1 3.16 10"
    assert list(rows) == ["adaptive", *rates.split()]
    assert {row["setting"] for row in rows.values()} == {GAME}


def test_a_row_is_a_run_of_mirror_descent(rows):
    solver = MirrorDescent(setting(GAME).load(), lr=0.316)
    found = [r.exploitability for r in run(solver, ITERATIONS, progress=False).history]
    for column, value in [("0", found[0]), ("10", found[10]), ("12", found[12])]:
        assert float(rows["0.316"][column]) == pytest.approx(value, rel=1e-5)
    assert float(rows["0.316"]["best"]) == pytest.approx(min(found), rel=1e-5)


def test_the_table_names_the_best_rate(output, rows):
    last = str(ITERATIONS)
    fixed = {rate: float(row[last]) for rate, row in rows.items() if rate != "adaptive"}
    best = min(fixed, key=fixed.get)
    line = (output / "adaptive.md").read_text().splitlines()[-1]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[0] == GAME
    assert cells[4] == best
    ratio = float(rows["adaptive"][last]) / fixed[best]
    assert float(cells[-1]) == pytest.approx(ratio, rel=0.01)


def test_its_directory_is_its_own(output):
    before = {path: path.read_bytes() for path in output.iterdir()}
    options = [f"--setting={GAME}", "--iterations=13", f"--output_dir={output}"]
    with scripts.loaded(SCRIPT) as script, pytest.raises(SystemExit) as refused:
        scripts.call(script, *options)
    assert "a run of iterations=12, this one has iterations=13" in refused.value.code
    assert {path: path.read_bytes() for path in output.iterdir()} == before
