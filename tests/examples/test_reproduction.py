"""What all reproductions share: runs, figures, pages and flags."""

import csv
import json
import pathlib
import signal
import sys

from matplotlib.figure import Figure
import matplotlib.image
import numpy as np
import pyspiel
import pytest
import scripts

from algorithms import interruption
from algorithms.mirror_descent import MirrorDescent
import mfg_games  # noqa: F401  registers

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples" / "reproduce"))

from claims import Claim  # noqa: E402 (examples are no package)
import experiments  # noqa: E402
import figures  # noqa: E402
import reproduction  # noqa: E402

GAME = "mfg_beach_bar(size=6,horizon=3)"
ALGORITHMS = {
    "FP": ("fictitious_play", {}),
    "OMD": ("mirror_descent", {"lr": 0.5}),
}


@pytest.fixture(scope="module")
def runs():
    return experiments.solve("bar", GAME, ALGORITHMS, 5)


def study(runs):
    picture = figures.iterations_panels({"bar": experiments.of_game(runs, "bar")}, "")

    def found(scale, seed):
        return reproduction.Findings(
            title="Paper",
            notes="Of note.",
            claims=[Claim("It falls.", "slope", -1.25, high=-0.9)],
            figures={"a.png": (picture, "A curve.")},
            runs=runs,
            tables={"best.csv": [{"rate": 0.1, "gain": seed}]},
            settings={"scale": scale},
        )

    return found


def test_runs_are_those_of_the_solvers(runs):
    from algorithms.exploitability import exploitability

    solver = MirrorDescent(GAME, lr=0.5)
    for _ in range(5):
        solver.iteration()
    solved = runs["bar", "OMD"]
    expected = exploitability(solver.game, solver.get_policy())
    assert solved.exploitability.shape == solved.seconds.shape == (6,)
    assert solved.exploitability[-1] == pytest.approx(expected)
    np.testing.assert_allclose(solved.path().sum(axis=1), 1)
    np.testing.assert_allclose(solved.path()[0], 1 / 6)
    assert list(experiments.of_game(runs, "bar")) == ["FP", "OMD"]


def test_an_interrupted_study_leaves_its_curves(tmp_path, monkeypatch, runs, capsys):
    step = scripts.interrupted(MirrorDescent.iteration, 3, signal.SIGINT)
    monkeypatch.setattr(MirrorDescent, "iteration", step)
    path = tmp_path / "exploitability.csv"
    with pytest.raises(interruption.Interrupted), experiments.kept(path):
        experiments.solve("bar", GAME, ALGORITHMS, 5)
    assert f"{path} has the runs until now." in capsys.readouterr().out
    with open(path) as file:
        rows = list(csv.DictReader(file))
    assert [row["algorithm"] for row in rows] == ["FP"] * 6 + ["OMD"] * 4
    found = [float(row["exploitability"]) for row in rows]
    curves = [runs["bar", label].exploitability for label in ("FP", "OMD")]
    assert found == [*curves[0], *curves[1][:4]]
    with pytest.raises(KeyboardInterrupt), experiments.kept(tmp_path / "none.csv"):
        raise KeyboardInterrupt
    assert not (tmp_path / "none.csv").exists()


def test_paths_follow_the_noise():
    settings = "common_noise=0.5,horizon=2,half_width=2,modes=0 0"
    d = pyspiel.load_game(f"mfg_linear_quadratic({settings})").dynamics
    layers = [
        np.full((h, 2, 5), 10.0 * h) + np.arange(h)[:, None, None] for h in (1, 2, 4)
    ]
    for layer in layers:
        layer[:, 1] += 0.5
    solved = experiments.Solved(d, np.ones(1), np.ones(1), layers)
    np.testing.assert_array_equal(solved.path(2)[:, 0], [10, 21, 42])
    np.testing.assert_array_equal(solved.path(2, 1)[:, 0], [10.5, 21.5, 42.5])


def test_layers_are_conditional_on_the_history():
    game = "mfg_beach_bar(size=6,horizon=3,closing_time=1,closing_probability=0.25)"
    solved = experiments.solve("", game, {"": ("fictitious_play", {})}, 1)["", ""]
    assert [len(layer) for layer in solved.layers] == [1, 2, 2, 2]
    for history in range(2):
        np.testing.assert_allclose(solved.path(history).sum(axis=1), 1)


def test_results_are_written(tmp_path, runs):
    reproduction.reproduce(study(runs), "small", 7, tmp_path, "a command")
    text = (tmp_path / "README.md").read_text("utf-8")
    assert text.startswith("# Paper\n\nOf note.\n\n| ")
    assert "| PASS | It falls. | slope | -1.25 | at most -0.9 |" in text
    assert "![A curve.](a.png)" in text
    assert "- command: `a command`\n- seed: 7\n" in text
    assert f"python {sys.version_info.major}.{sys.version_info.minor}." in text
    assert matplotlib.image.imread(tmp_path / "a.png").std() > 0.05
    record = json.loads((tmp_path / "run.json").read_text("utf-8"))
    assert record["pictures"] == {"a.png": "A curve."}
    assert record["settings"] == {"scale": "small"}
    assert record["versions"]["numpy"] == np.__version__
    assert (tmp_path / "best.csv").read_text() == "rate,gain\n0.1,7\n"
    with open(tmp_path / "exploitability.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["algorithm"] for row in rows] == ["FP"] * 6 + ["OMD"] * 6
    last = runs["bar", "OMD"].exploitability[-1]
    assert float(rows[-1]["exploitability"]) == last


def test_equal_algorithms_have_equal_colours(runs):
    solved = experiments.of_game(runs, "bar")
    games = {"all": solved, "one": {"OMD": solved["OMD"]}, "two": solved}
    figure = figures.iterations_panels(games, "title")
    assert isinstance(figure, Figure)
    assert len(figure.axes) == 3
    colours = [[curve.get_color() for curve in ax.get_lines()] for ax in figure.axes]
    assert colours[0][1] == colours[1][0]
    np.testing.assert_array_equal(
        figure.axes[1].get_lines()[0].get_ydata(), solved["OMD"].exploitability
    )
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["FP", "OMD"]


def test_crowds_have_a_row_a_flow_and_a_column_a_time():
    flow = np.full((5, 6), 1 / 6)
    figure = figures.crowds({"a": flow, "b": flow}, figures.plane(2, 3), [0, 2, 4], "")
    images = [ax.images[0].get_array() for ax in figure.axes if ax.images]
    assert [image.shape for image in images] == [(2, 3)] * 6
    titles = [ax.get_title() for ax in figure.axes[:3]]
    assert titles == ["t = 0", "t = 2", "t = 4"]
