"""The page of all reproductions."""

import json
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples" / "reproduce"))

import assemble  # noqa: E402 (examples are scripts, not a package)
from claims import Claim, save_csv  # noqa: E402


@pytest.fixture
def results(tmp_path):
    path = tmp_path / "reproduce" / "results" / "paper_2020"
    path.mkdir(parents=True)
    record = {
        "title": "A paper",
        "command": "python paper_2020.py",
        "seconds": 12,
        "versions": {"python": "3.11", "numpy": "2.0"},
        "pictures": {"a.png": "A curve.", "b.png": "Another one."},
    }
    (path / "run.json").write_text(json.dumps(record))
    claims = [Claim("It falls.", "slope", -1.0, high=0.0), Claim("Up.", "it", 0.5, 1.0)]
    save_csv(claims, path / "claims.csv")
    return path.parent


def test_every_picture_has_its_command_seconds_and_versions(results):
    text = assemble.page(results, results.parents[1] / "results")
    link = "../reproduce/results/paper_2020"
    assert f"| A paper | 1 of 2 | 12 | [all claims]({link}/README.md) |" in text
    origin = "`python paper_2020.py`, 12 s; python 3.11, numpy 2.0"
    assert text.count(origin) == 2
    assert f"![A curve.]({link}/a.png)" in text
    assert "- FAIL: Up. it: 0.5\n" in text
    assert "It falls." not in text


def test_a_reproduction_that_was_interrupted_is_left_out(results):
    before = assemble.page(results, results.parents[1] / "results")
    other = results / "other_2021"
    other.mkdir()
    (other / "run.json").write_text('{"status": "interrupted", "fast": false}')
    assert assemble.page(results, results.parents[1] / "results") == before


def test_results_without_a_run_are_an_error(tmp_path):
    with pytest.raises(ValueError, match="no finished reproduction"):
        assemble.page(tmp_path, tmp_path)


def test_the_committed_page_is_that_of_the_committed_results():
    text = assemble.page(assemble.RESULTS, assemble.PAGE.parent)
    assert assemble.PAGE.read_text("utf-8") == text
