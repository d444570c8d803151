"""The benchmark of memory, with few of each."""

import csv
import pathlib
import sys

from absl import flags
import pytest

BENCHMARK = pathlib.Path(__file__).parents[2] / "examples" / "benchmark"
sys.path.insert(0, str(BENCHMARK))

import memory  # noqa: E402 (examples are scripts, not a package)


@pytest.mark.parametrize("stage", ["iterations", "solvers"])
def test_what_is_compiled_once_needs_no_more_maps(stage):
    first, *_, last = memory.measured(stage, 20)
    assert (first.number, last.number) == (1, 20)
    assert last.maps - first.maps <= 10  # a few arrays; a program has dozens
    assert last.megabytes - first.megabytes < 20


def test_games_differ():
    assert len(memory.measured("games", 2)) == 2


def test_growth_is_per_thousand_from_the_second_point():
    points = [memory.Point(*row) for row in ((1, 9, 9.0), (500, 20, 10.0))]
    points.append(memory.Point(1000, 40, 12.0))
    row = "| games | 1,000 | 40 | 12 | 40 | 4 |"
    assert row in memory.markdown({"games": points})


@pytest.mark.slow
def test_the_command(tmp_path):
    given = flags.FlagValues()
    memory.define_flags(given)
    options = ["--iterations=100", "--solvers=30", "--games=2"]
    given(["memory.py", *options, f"--output_dir={tmp_path}"])
    memory.main(["memory.py"], given)
    with open(tmp_path / "memory.csv", newline="") as file:
        last = {row["what"]: int(row["number"]) for row in csv.DictReader(file)}
    assert last == {"iterations": 100, "solvers": 30, "games": 2}
    assert "![Memory and maps](memory.png)" in (tmp_path / "memory.md").read_text()
    assert (tmp_path / "memory.png").stat().st_size > 1000
