"""The reproduction of the deep solvers: its jobs, curves, claims and figures."""

import dataclasses
import functools
import math
import pathlib
import subprocess
import sys

import matplotlib.image
import numpy as np
import pytest
from reproduce_data import drifting

from algorithms import arguments
from algorithms.job import FINISHED, Job
from algorithms.pictures import style

ROOT = pathlib.Path(__file__).parents[2]
REPRODUCE = ROOT / "examples" / "reproduce"
sys.path.insert(0, str(REPRODUCE))

import deep2022_claims as claims  # noqa: E402 (examples are no package)
import deep2022_curves as curves  # noqa: E402
import deep2022_experiments as experiments  # noqa: E402
from deep2022_experiments import AFP, BP, MOMD, PI, ROOMS  # noqa: E402
import deep2022_report as report  # noqa: E402
import deep2022_runs as runs  # noqa: E402
import deep_jobs  # noqa: E402
from experiments import Solved  # noqa: E402
import reproduction  # noqa: E402

_SMALL = {
    experiments.ROOMS: "mfg_exploration(layout=....|.##.|....,horizon=6)",
    experiments.SIS: "mfg_sis(horizon=4)",
    experiments.LQ: "mfg_linear_quadratic(half_width=3,horizon=4,max_action=1,"
    "modes=0 0,mode_std=1.0)",
    experiments.CHASING: "mfg_predator_prey(size=2,horizon=5)",
    experiments.MAZE: "mfg_congestion(layout=....|.##.|....,horizon=6)",
}
TINY = dataclasses.replace(
    experiments.FULL,
    environments=tuple(
        dataclasses.replace(each, game=_SMALL[each.name])
        for each in experiments.FULL.environments
    ),
    num_seeds=2,
)
LENGTH = 300  # iterations, one a second
SHAPES = {
    MOMD: lambda k: 1.5 + 166 * np.exp(-k / 12),
    AFP: lambda k: 168 / (1 + k / 10),
}
MOVEMENTS = {MOMD: 0.01, AFP: 0.02, BP: 0.5, PI: 0.4}


def seeds_of(*values):
    """Runs with these exploitabilities, a record a second."""
    return curves.Seeds(
        [Solved(None, np.array(v, float), np.arange(len(v)) * 1.0, []) for v in values]
    )


def curves_like(shapes):
    """What runs of `TINY` would leave whose curves have these shapes."""
    k = np.arange(LENGTH + 1.0)
    found = {}
    for key, job in experiments.jobs(TINY, 0).items():
        game, label, seed = key
        shape = shapes.get(label, lambda k: 150 + 20 * (-1) ** k)
        solved = drifting(lambda _, k, f=shape: f(k))(game, job.game, [label], LENGTH)
        values = solved[game, label].exploitability * (1 + 0.1 * seed)
        found[key] = dataclasses.replace(
            solved[game, label], exploitability=values, seconds=k, layers=[]
        )
    return found


def endings_like(labels, movements):
    found = {}
    for each in TINY.environments:
        solved = drifting(lambda _, k: 1 / (k + 1))(each.name, each.game, labels, 5)
        for key, run in solved.items():
            found[key] = runs.Ending(run, movements.get(key[1], 0.0))
    return found


def claims_of(shapes, movements=MOVEMENTS):
    groups = curves.grouped(TINY, curves_like(shapes))
    return claims.all_claims(TINY, groups, endings_like(MOVEMENTS, movements))


def test_options_are_those_of_the_solvers():
    for scale in (experiments.FULL, experiments.FAST):
        for job in experiments.jobs(scale, 0).values():
            assert job.given.keys() <= arguments.defaults(job.algorithm).keys()


def test_jobs_begin_with_the_targets_and_keep_to_the_hours():
    full = experiments.jobs(experiments.FULL, 3)
    assert list(full)[:10] == [
        *((ROOMS, MOMD, seed) for seed in range(3, 8)),
        *((ROOMS, AFP, seed) for seed in range(3, 8)),
    ]
    assert len(full) == 5 * 6 * 5
    assert sum(job.stopping["seconds"] for job in full.values()) < 2 * 80 * 60


def test_responses_are_learnt_alike():
    options = experiments.FULL.environments[0].options
    defaults = arguments.defaults(experiments.SOLVERS[AFP])
    for label in (BP, experiments.DFP):
        expected = defaults["dqn_learning_rate"], defaults["dqn_exploration"]
        found = options(label)["dqn_learning_rate"], options(label)["dqn_exploration"]
        assert found == expected
    assert not any("student" in name for name in options(BP))


def test_a_fast_run_ends_by_iterations_alone():
    for job in experiments.jobs(experiments.FAST, 0).values():
        assert job.stopping == {"seconds": None}
        assert job.iterations <= 16


def test_every_game_has_all_that_claims_and_figures_need():
    for scale in (experiments.FULL, experiments.FAST):
        assert set(scale.games) == set(_SMALL)
        for game in scale.games:
            assert {MOMD, AFP, BP, PI} <= set(scale.solvers(game))


def test_curves_of_seeds_by_hand():
    seeds = seeds_of([10, 6, 2, 4], [10, 4, 4])
    assert (seeds.start, seeds.end) == (10, 2)
    np.testing.assert_array_equal(seeds.by_iteration, [[10, 6, 2], [10, 4, 4]])
    np.testing.assert_array_equal(
        seeds.at(np.array([-1.0, 0.5, 1.0, 9.0])), [[10, 10, 6, 4], [10, 10, 4, 4]]
    )
    np.testing.assert_array_equal(seeds.mean_curve, [[0, 1, 2], [10, 5, 3]])
    assert seeds.lowest == 3
    assert [seeds.reaches(value) for value in (10, 5, 4.9, 1)] == [0, 1, 2, math.inf]
    assert seeds.highest_after(5) == 5
    assert math.isnan(seeds.highest_after(1))


def test_level_and_trend_average_over_seconds():
    seeds = seeds_of([8] * 6 + [4] * 2 + [3, 3, 3], [8] * 6 + [2] * 2 + [1, 1, 1])
    assert seeds.level(10.0) == pytest.approx(2)
    assert seeds.trend == pytest.approx(2 / 3, rel=0.03)  # 3 until second 8 is over
    assert seeds_of([5] * 11).trend == 1


def test_claims_pass_on_curves_of_the_right_shape():
    found = claims_of(SHAPES)
    assert [claim.text for claim in found if not claim.passed] == []
    assert len(found) == 10 + 10 + 2 + 10 + 8


def test_claims_fail_on_curves_of_the_wrong_shape():
    """The fixed point falls, the others do not, and all crowds move alike."""
    rising = dict.fromkeys((MOMD, AFP), lambda k: 20 + k)
    wrong = {**rising, BP: lambda k: 20 * np.exp(-k)}
    found = claims_of(wrong, dict.fromkeys(MOVEMENTS, 0.3))
    passed = [claim.text for claim in found if claim.passed]
    assert passed == ["Target, four rooms: D-PI does not get below 11.5."]


def test_the_clock_may_count_iterations():
    seeds = dataclasses.replace(seeds_of([9, 7, 5], [9, 5]), clock="iterations")
    slow = [dataclasses.replace(run, seconds=9 * run.seconds) for run in seeds.runs]
    seeds = dataclasses.replace(seeds, runs=slow)
    assert seeds.end == 1
    np.testing.assert_array_equal(seeds.mean_curve, [[0, 1], [9, 6]])


def test_a_curve_stays_down_once_it_no_longer_rises_above():
    seeds = seeds_of([10, 2, 8, 4, 5])
    assert [seeds.reaches(5), seeds.stays(5), seeds.stays(10)] == [1, 3, 0]
    assert seeds.stays(4) == math.inf


def test_nobody_is_the_fastest_where_nobody_arrives():
    found = claims_of({})
    (claim,) = (claim for claim in found if "fastest" in claim.text)
    assert claim.measured == 0


def test_targets_are_left_out_of_a_scale_without_them():
    scale = dataclasses.replace(TINY, thorough=False)
    groups = curves.grouped(scale, curves_like(SHAPES))
    found = claims.all_claims(scale, groups, endings_like(MOVEMENTS, MOVEMENTS))
    assert not any("Target" in claim.text for claim in found)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The page of made-up runs."""
    output = tmp_path_factory.mktemp("results")
    exact = TINY.environments[0].exact
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "DPI", 40)
        patch.setattr(deep_jobs, "do_all", lambda *_: 0.0)
        patch.setattr(deep_jobs, "read", lambda *_: curves_like(SHAPES))
        patch.setattr(runs, "solve_exactly", lambda _: endings_like(exact, {}))
        patch.setattr(runs, "endings", lambda *_: endings_like(MOVEMENTS, MOVEMENTS))
        found = reproduction.reproduce(
            functools.partial(report.study, root=output), TINY, 0, output, "a command"
        )
    return output, found


def test_figures_are_written(finished):
    output, _ = finished
    pictures = sorted(path.name for path in output.glob("*.png"))
    assert pictures == [
        "chasing.png",
        "congestion.png",
        "exploitability.png",
        "four_rooms.png",
        "lines.png",
    ]
    for picture in pictures:
        assert matplotlib.image.imread(output / picture).std() > 0.03


def test_tables_hold_every_run_once(finished):
    output, found = finished
    rows = (output / "exploitability.csv").read_text("utf-8").splitlines()
    deep = 5 * 6 * 2 * (LENGTH + 1)
    exact = 5 * 5 * 6
    assert len(rows) == 1 + deep + exact
    (row,) = (
        row
        for row in found.tables["summary.csv"]
        if (row["game"], row["solver"]) == (ROOMS, AFP)
    )
    last = 168 / 31
    assert row["last"] == pytest.approx(1.05 * last)
    assert row["spread"] == pytest.approx(0.1 * last / math.sqrt(2))
    assert row["iterations"] == LENGTH


def test_the_page_says_what_was_run(finished):
    output, _ = finished
    page = (output / "README.md").read_text("utf-8")
    assert "| four rooms | 10 | 10 | 1000 |" in page
    assert "| four rooms | 300 s | 200 s | 75 s | 75 s | 75 s | 45 s |" in page
    assert "{" not in page.split("## How it was made")[0]


@pytest.fixture
def in_this_process(monkeypatch):
    do_all = functools.partial(deep_jobs.processes.do_all, backend="sequential")
    monkeypatch.setattr(deep_jobs.processes, "do_all", do_all)


def short_jobs(**options):
    """One deep solver on a small game, for its first record and no more."""
    given = {"dqn_updates": 1, "dqn_width": 4, "seed": 0, **options}
    game = _SMALL[experiments.SIS]
    stopping = {"seconds": 1e-6}
    job = Job(game, experiments.SOLVERS[BP], given, 10, stopping)
    return {(experiments.SIS, BP, 0): job}


def test_finished_runs_are_read_and_not_done_again(
    tmp_path, in_this_process, monkeypatch, capsys
):
    jobs = short_jobs()
    assert deep_jobs.do_all(jobs, tmp_path, side_by_side=1) == 0
    assert all(job.record(tmp_path)["status"] == FINISHED for job in jobs.values())
    found = deep_jobs.read(jobs, tmp_path)
    (solved,) = found.values()
    assert len(solved.exploitability) == 1

    monkeypatch.setattr(deep_jobs.processes, "do_all", None)
    (took,) = (job.record(tmp_path)["iterating_seconds"] for job in jobs.values())
    assert deep_jobs.do_all(jobs, tmp_path, side_by_side=2) == took / 2 > 0
    assert "1 of them finished before" in capsys.readouterr().out

    ((names, ending),) = runs.endings(jobs, found, tmp_path, (BP,)).items()
    assert names == (experiments.SIS, BP)
    # The game begins with 60% infected; nobody has moved before the first decision.
    np.testing.assert_allclose(ending.solved.path()[0], [0.4, 0.6])
    assert len(ending.solved.layers) == 5
    assert 0 < ending.movement < 1


def test_failed_runs_are_told(tmp_path, in_this_process):
    jobs = short_jobs(dqn_optimizer="none")
    with pytest.raises(RuntimeError, match=r"1 of 1 runs .*`dqn_optimizer` must be"):
        deep_jobs.do_all(jobs, tmp_path, side_by_side=1)


def test_movement_is_the_way_to_the_next_flow():
    """Exact fixed point: from the uniform crowd of left and right to its best side."""
    from algorithms import catalogue

    solver = catalogue.solver_class("fixed_point")("mfg_left_right")
    ending = runs._ending(solver, Solved(None, np.ones(1), np.zeros(1), []))
    # At times 0 to 2: nobody has chosen; from halves to one side; and so to the end.
    layers = ending.solved.layers
    assert ending.movement == pytest.approx(0.5 * (len(layers) - 1) / len(layers))


@pytest.mark.slow
def test_the_fast_reproduction_passes(tmp_path, seed):
    script = [
        sys.executable,
        str(REPRODUCE / "deep_2022.py"),
        "--fast",
        f"--seed={seed}",
    ]
    folders = [f"--output_dir={tmp_path}/page", f"--jobs_dir={tmp_path}/jobs"]
    done = subprocess.run([*script, *folders], capture_output=True)
    assert done.returncode == 0, done.stdout.decode()
