"""The script and the benchmark of finite populations, on tiny games."""

import contextlib
import csv
import io
import json
import pathlib
import types

from absl import flags
import matplotlib.image
import numpy as np
import pytest
from scipy import stats
import scripts

from algorithms.distribution import DistributionPolicy
from algorithms.frozen_world import by_time
from algorithms.model import load_model
from algorithms.policy import ArrayPolicy
from algorithms.policy_file import save_policy
from mfg_games.settings import setting

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
SETTING = "beach_bar_testing"
SIZES = (4, 40, 400)


@pytest.fixture(scope="module")
def script():
    with scripts.loaded(EXAMPLES / "finite_population.py") as module:
        yield module


def call(script, *arguments):
    """What the script prints, and the line that it ends in if it fails."""
    given = flags.FlagValues()
    script.define_flags(given)
    given(["finite_population.py", *arguments])
    out, message = io.StringIO(), ""
    with contextlib.redirect_stdout(out):
        try:
            script.main(["finite_population.py"], given)
        except SystemExit as end:
            message = end.code
    return types.SimpleNamespace(stdout=out.getvalue(), message=message)


@pytest.fixture(scope="module")
def uniform():
    model = load_model(setting(SETTING).load())
    return ArrayPolicy(model, model.uniform_policy())


@pytest.fixture(scope="module")
def played(script, uniform, tmp_path_factory, seed):
    """Everybody plays the uniform policy from a file."""
    output = tmp_path_factory.mktemp("finite_population")
    save_policy(output / "policy.npz", uniform)
    done = call(
        script,
        f"--game={SETTING}",
        f"--policy={output / 'policy.npz'}",
        f"--num_players={','.join(map(str, SIZES))}",
        "--runs=300",
        "--deviation_runs=40",
        f"--seed={seed}",
        f"--output_dir={output}",
    )
    assert done.message == ""
    return types.SimpleNamespace(output=output, stdout=done.stdout)


@pytest.fixture(scope="module")
def rows(played):
    with open(played.output / "finite_population.csv", newline="") as file:
        return [
            {name: float(text) for name, text in row.items()}
            for row in csv.DictReader(file)
        ]


def test_distances_are_those_of_independent_players(rows, uniform):
    """In this game nobody's moves depend on the others: counts are binomial."""
    dynamics = uniform.model.game.dynamics
    flow = DistributionPolicy(uniform.model.game, uniform).flow
    laws = np.stack([*by_time(dynamics, flow.mass.numpy()), flow.rest.numpy()])
    laws = laws.reshape(-1, dynamics.num_states)
    for row, size in zip(rows, SIZES, strict=True):
        counts = np.arange(size + 1)[:, None, None]
        gaps = np.abs(counts / size - laws) * stats.binom.pmf(counts, size, laws)
        expected = gaps.sum(axis=(0, 2)).mean() / 2
        error = (row["distance_high"] - row["distance_low"]) / (2 * 1.96)
        assert row["num_players"] == size
        assert row["distance"] == pytest.approx(expected, abs=4 * error)
        assert error < 0.05 * expected


def test_gains_come_near_to_the_exploitability(rows, played):
    limit = json.loads((played.output / "run.json").read_text())["exploitability"]
    assert f"{limit:.4g}" in played.stdout
    for row in rows:
        assert row["gain_low"] < row["gain"] < row["gain_high"]
    assert rows[-1]["gain"] == pytest.approx(limit, rel=0.02)
    assert abs(rows[-1]["gain"] - limit) < abs(rows[0]["gain"] - limit)


def test_the_slope_of_the_distances_is_fitted_and_printed(rows, played):
    logs = np.log([(row["num_players"], row["distance"]) for row in rows])
    (slope, _) = np.polyfit(logs[:, 0], logs[:, 1], 1)
    assert slope == pytest.approx(-0.5, abs=0.05)
    assert f"distance, population 0: {slope:.3f}" in played.stdout
    picture = matplotlib.image.imread(played.output / "finite_population.png")
    assert picture.std() > 0
    page = (played.output / "README.md").read_text("utf-8")
    assert f"distance, population 0 {slope:.2f}" in page
    assert f"| 400 | 0 | {rows[-1]['distance']:.4f} (" in page


def test_a_solved_game_with_common_noise_has_distances_only(script, tmp_path):
    arguments = ["--game=beach_bar_closing_testing", "--iterations=2", "--runs=5"]
    arguments += ["--num_players=5,50", "--deviation_runs=0"]
    done = call(script, *arguments, f"--output_dir={tmp_path}")
    assert done.message == ""
    with open(tmp_path / "finite_population.csv", newline="") as file:
        first, second = csv.DictReader(file)
    assert float(first["distance"]) > float(second["distance"]) > 0
    assert first["gain"] == "nan"
    assert "gain" not in done.stdout.partition("Slope")[2]
    assert (tmp_path / "finite_population.png").exists()


def test_vehicles_of_openspiels_game_have_gains_only(script, tmp_path):
    game = "python_mfg_dynamic_routing(max_num_time_step=20,time_step_length=0.25)"
    arguments = [f"--game={game}", "--iterations=3", "--num_players=2,4"]
    arguments += ["--deviation_runs=8", f"--output_dir={tmp_path}"]
    assert call(script, *arguments).message == ""
    with open(tmp_path / "finite_population.csv", newline="") as file:
        for row in csv.DictReader(file):
            gains = [float(row[f"gain{end}"]) for end in ("_low", "", "_high")]
            assert gains == sorted(gains)
            assert row["distance"] == "nan"
    assert (tmp_path / "finite_population.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--game=mfg_crowd_modelling(size=4,horizon=3)"], "one of mfg_games"),
        (["--game=beach_bar_closing_testing"], "0 in games with common noise"),
        (["--num_players=10"], "at least two different whole numbers"),
        (["--num_players=10,1e3"], "at least two different whole numbers"),
        (["--deviation_runs=3"], "0 or at least 4"),
        (["--policy=nowhere.npz"], "nowhere.npz"),
    ],
)
def test_mistakes_end_in_one_line(script, tmp_path, arguments, message):
    common = [f"--game={SETTING}", f"--output_dir={tmp_path}"]
    assert message in call(script, *common, *arguments).message
    assert not any(tmp_path.iterdir())


def test_the_benchmark_grows_players_and_states(tmp_path):
    path = EXAMPLES / "benchmark" / "finite_population.py"
    with scripts.loaded(path) as benchmark:
        options = ["--most_players=1000", "--most_states=100", "--horizon=3"]
        scripts.call(benchmark, *options, f"--output_dir={tmp_path}")
    with open(tmp_path / "finite_population.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    contests = {(row["task"], row["game"], row["players"]) for row in rows}
    assert len(contests) == len(rows)
    assert {row["task"] for row in rows} == {"simulate", "epsilon_nash"}
    assert max(int(row["players"]) for row in rows) == 1000
    for row in rows:
        assert 0 < float(row["least s"]) <= float(row["median s"])
    text = (tmp_path / "finite_population.md").read_text()
    assert text.count("\n| ") == len(rows) + 1 + 1  # the heads, their rule
