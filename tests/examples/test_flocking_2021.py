"""The reproduction of flocking: jobs, what is measured, claims and pictures."""

import csv
import functools
import pathlib
import subprocess
import sys

import matplotlib.image
import numpy as np
from PIL import Image
import pytest

ROOT = pathlib.Path(__file__).parents[2]
REPRODUCE = ROOT / "examples" / "reproduce"
sys.path.insert(0, str(REPRODUCE))

import deep_jobs  # noqa: E402 (examples are no package)
import fl2021_experiments as experiments  # noqa: E402
from fl2021_experiments import BIRDS, LINE, LQ, OBSTACLES, Scale  # noqa: E402
import fl2021_report as report  # noqa: E402
import fl2021_runs as runs  # noqa: E402
from fl2021_runs import Flown  # noqa: E402
import reproduction  # noqa: E402

from algorithms.deep.soft_actor_critic import SACConfig  # noqa: E402
from algorithms.flock import Flock, FlockConfig  # noqa: E402
from mfg_games import continuous_games  # noqa: E402

OPTIONS = {
    "sac_updates": 5,
    "sac_width": 8,
    "sac_batch_size": 32,
    "population": "samples",
    "crowd_size": 20,
    "simulated": 60,
    "evaluated": 20,
}
TINY = Scale(
    name="tiny",
    iterations={BIRDS: 1, LINE: 2, LQ: 1},
    options=OPTIONS,
    num_seeds=1,
    grid=(3, 5),
    counted=100,
    thorough=False,
)


def test_jobs_of_all_games():
    jobs = experiments.jobs(experiments.FULL, seed=3)
    assert len(jobs) == 2 * 8
    assert {seed for _, seed in jobs} == {3, 4}
    assert jobs[LQ, 3].given["preset"] == "ours"
    assert jobs[experiments.DISTILLED, 3].given["average"] == "network"
    assert jobs[OBSTACLES, 4].game == "flocking_obstacles"


def numbers(**changes) -> dict:
    """Of a flock as it should be."""
    measured = {
        "variance at first": 1.0,
        "variance at last": 0.01,
        "distance of the mean velocity to a corner": 0.02,
        "kept direction": 1.0,
        "inside an obstacle": 0.0,
        "steps looked at": 1e7,
        "feedback error": 0.05,
        "exact exploitability": 0.1,
        "agent steps a second": 2e6,
    }
    return {**measured, **changes}


def failed(**changes) -> list[str]:
    games = [game for game in experiments.FULL.iterations if game != LQ]
    flown = {(game, 0): Flown(None, None, numbers(**changes)) for game in games}
    flown[LQ, 0] = Flown(
        None, None, {"feedback error": numbers(**changes)["feedback error"]}
    )
    values = np.geomspace(changes.get("falls", 10.0), 1.0, 10)
    logs = {key: {"exploitability": values} for key in flown}
    claims = report.all_claims(experiments.FULL, flown, logs)
    return [claim.text for claim in claims if not claim.passed]


def test_claims_follow_from_what_was_measured():
    assert not failed()
    assert len(failed(falls=4.0)) == 8
    for name, value, count in (
        ("variance at last", 0.1, 2),
        ("distance of the mean velocity to a corner", 0.3, 2),
        ("kept direction", 0.5, 1),
        ("feedback error", 0.2, 1),
        ("agent steps a second", 5e5, 1),
        ("inside an obstacle", 1.0, 7),
    ):
        assert len(failed(**{name: value})) == count


def test_the_fall_of_estimates_that_scatter_around_zero():
    """The seeds' mean is 6, 9 and 3 at first; the last ones are 1 off on average."""
    first, second = [-8, 6, 3, 2, -2, 0], [20, 12, 3, 1, 0.5, -0.5]
    logs = {
        (LQ, seed): {"exploitability": np.array(estimates, float)}
        for seed, estimates in enumerate((first, second))
    }
    assert report._falls(LQ, logs).measured == pytest.approx(9.0)


def test_who_keeps_the_direction_of_the_group():
    game = continuous_games.load("flocking_groups(horizon=1)")
    begin = np.array([[-20, -19, 0, 0], [21, -20, 0, 0], [1, 20, 0, 0]], float)
    end = begin.copy()
    end[:, 2:] = [[0.9, -1], [1, 1], [0.5, 1]]  # the last one is to fly to the left
    assert runs.kept_direction(game, np.stack([begin, end])) == pytest.approx(2 / 3)


def test_feedback_of_who_does_not_act():
    """He is wrong by all that the closed form does."""
    options = FlockConfig(sac=SACConfig(width=8), population="samples", crowd_size=50)
    solver = Flock("linear_quadratic(horizon=2)", options)
    assert runs.feedback_error(solver) == pytest.approx(1.0)


def test_accelerations_keep_their_means_on_the_grid():
    drawn = runs.drawn(np.array([-1.0, -0.3, 0.0, 0.6]), 5)
    np.testing.assert_allclose(drawn.sum(axis=1), 1)
    np.testing.assert_allclose(drawn @ [-1, -0.5, 0, 0.5, 1], [-1.0, -0.3, 0.0, 0.6])
    assert ((drawn > 0).sum(axis=1) <= 2).all()


def test_a_study_leaves_its_page(tmp_path, monkeypatch):
    do_all = functools.partial(deep_jobs.processes.do_all, backend="sequential")
    monkeypatch.setattr(deep_jobs.processes, "do_all", do_all)
    for game, name in experiments.GAMES.items():
        own = name.removesuffix(")") + "," if name.endswith(")") else name + "("
        monkeypatch.setitem(experiments.GAMES, game, f"{own}horizon=3)")
    found = reproduction.reproduce(
        lambda scale, seed: report.study(scale, seed, tmp_path / "jobs"),
        TINY,
        0,
        tmp_path / "page",
        "python flocking_2021.py",
    )
    page = (tmp_path / "page" / "README.md").read_text("utf-8")
    assert "birds_4-d_beta_zero.gif" in page
    with open(tmp_path / "page" / "numbers.csv", encoding="utf-8") as file:
        rows = {row["game"]: row for row in csv.DictReader(file)}
    assert float(rows[LINE]["exact exploitability"]) > 0
    assert rows[LQ]["exact exploitability"] == ""
    for name in found.figures:
        image = matplotlib.image.imread(tmp_path / "page" / name)
        assert image.std() > 0.01
    with Image.open(tmp_path / "page" / "birds_2-d.gif") as moving:
        assert moving.n_frames == 4


@pytest.mark.slow
def test_the_fast_reproduction_passes(tmp_path, seed):
    script = [
        sys.executable,
        str(REPRODUCE / "flocking_2021.py"),
        "--fast",
        f"--seed={seed}",
    ]
    folders = [f"--output_dir={tmp_path}/page", f"--jobs_dir={tmp_path}/jobs"]
    done = subprocess.run([*script, *folders], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode()[-2000:]
