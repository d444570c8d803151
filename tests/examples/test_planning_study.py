"""The study of planned responses, and the estimate on the command line."""

import csv
import json
import pathlib
import re
import sys

from absl import flags
import matplotlib.image
import pytest

from algorithms.exploitability import exploitability
from algorithms.fictitious_play import FictitiousPlay
from algorithms.policy_file import save_policy

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))

import approximate_exploitability as estimate  # noqa: E402 (scripts, no package)
import planning  # noqa: E402
import planning_study  # noqa: E402

GAME = "mfg_beach_bar(size=6,horizon=3)"
TINY = planning_study.Scale(
    games=(GAME,),
    simulations=(0, 300),
    play_simulations=(3,),
    seeds=1,
    iterations=2,
    updates=(40,),
    kernel_updates=10,
)


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    path = tmp_path_factory.mktemp("planning")
    planning.study(TINY, path, "python examples/planning.py")
    return path


def rows_of(output) -> list[dict]:
    with open(output / "planning.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_table_has_all_measurements(output):
    rows = rows_of(output)
    values = {
        (row["what"], row["kernel"], int(row["simulations"])): float(
            row["exploitability"]
        )
        for row in rows
    }
    assert len(rows) == len(values) == 6
    assert values["response", "true", 0] == values["response", "learnt", 0]
    assert values["fictitious play", "learnt", 3] > 0


def test_planning_makes_responses_better(seed):
    without, planned = planning_study.responses(GAME, "true", 40, seed, TINY)
    assert planned.exploitability < without.exploitability / 5


def test_the_page_shows_them(output):
    text = (output / "README.md").read_text("utf-8")
    assert "](planning.png)" in text
    for row in rows_of(output):
        assert f"{float(row['exploitability']):.3g}" in text
    assert matplotlib.image.imread(output / "planning.png").shape[0] > 500


def test_the_record_names_the_scale_and_the_exact_play(output):
    made = json.loads((output / "run.json").read_text("utf-8"))
    assert made["settings"]["simulations"] == [0, 300]
    solver = FictitiousPlay(GAME)
    for _ in range(TINY.iterations):
        solver.iteration()
    assert made["exact_fictitious_play"][GAME] == pytest.approx(solver.exploitability)


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs the estimate with flags; what it prints."""

    def run(*arguments):
        values = flags.FlagValues()
        estimate.define_flags(values)
        monkeypatch.setattr(estimate, "FLAGS", values)
        estimate.main(values(["approximate_exploitability.py", *arguments]))
        return capsys.readouterr().out

    return run


def test_the_estimate_of_a_saved_policy(command, tmp_path, seed):
    solver = FictitiousPlay(GAME)
    solver.iteration()
    path = tmp_path / "policy.npz"
    save_policy(path, solver.get_policy())
    flags_given = [f"--game={GAME}", f"--policy={path}", "--updates=50"]
    flags_given.append(f"--seed={seed}")
    out = command(*flags_given, "--simulations=100", "--episodes=300")
    gain, error = map(float, re.search(r"about (\S+) .*\+- (\S+)\)", out).groups())
    exact = exploitability(GAME, solver.get_policy())
    assert gain - 2 * error < exact < gain + 2 * error
    with pytest.raises(SystemExit, match="episodes=1"):
        command(*flags_given, "--episodes=1")
